//! Sends an encoded request, alone or in a shared batch, and decodes the reply.

use bytes::Bytes;

use super::Client;
use super::coalescing::{Coalescer, Place};
use crate::api::method::Method;
use crate::call::{CallInfo, Deadline, Made, RetryLoop};
use crate::codec::EncodedBody;
use crate::error::{Error, hide};
use crate::observe::ObservedCall;
use crate::transport::Route;

/// A request that is ready to be sent.
struct ReadyCall<'a> {
    route: Route<'a>,
    body: &'a EncodedBody,
    /// The queues through which the request shares batches with others, if it does.
    shared: Option<(&'a Coalescer, Place)>,
}

/// A reply as it was received.
enum Reply {
    /// The reply to a request of its own.
    Whole(Bytes),
    /// The request's item of the reply to a shared batch.
    Item(Bytes),
}

/// A function that decodes a reply and keeps the result.
type Decode<'a> = dyn FnMut(Reply) -> Result<(), Error> + Send + 'a;

impl Client {
    /// Encodes a request. Takes `&mut` to move payloads out and back; the request is unchanged afterwards.
    pub(super) fn encode<M: Method>(&self, request: &mut M) -> Result<EncodedBody, Error> {
        let body = self.inner.codec().encode(request);
        body.map_err(|error| self.hide_secrets(error))
    }

    /// Returns the facts about an encoded request.
    pub(super) fn call_info<M: Method>(&self, request: &M, body: &EncodedBody) -> CallInfo {
        let has_keys = || (M::GENERATED.keys)(request).iter().any(Option::is_some);
        let is_key_ignored = !self.inner.honours_keys && has_keys();
        CallInfo {
            method: M::NAME,
            size: body.len(),
            repeatable: request.is_repeatable() && !is_key_ignored,
            has_parts: M::GENERATED.parts.is_some(),
        }
    }

    /// Sends an encoded request of a call until there is a result or the attempts are used up.
    pub(super) async fn exchange<M: Method>(
        &self,
        request: &M,
        body: &EncodedBody,
        attempts: &mut RetryLoop<'_>,
    ) -> Result<M::Result, Error> {
        let place = M::GENERATED.batch.as_ref().map(Place::of);
        let call = ReadyCall {
            route: Route::of::<M>(),
            shared: self.share(place, attempts.info()),
            body,
        };
        if call.shared.is_none() {
            attempts.identify()?;
        }
        let mut result = None;
        let mut decode = |reply: Reply| {
            let codec = self.inner.codec();
            let decoded = match (&reply, M::GENERATED.batch) {
                (Reply::Item(item), Some(slot)) => codec.decode_item(request, &slot, item),
                (Reply::Item(reply) | Reply::Whole(reply), _) => codec.decode(request, body, reply),
            };
            result = Some(decoded?);
            Ok(())
        };
        match self.send(&call, attempts, &mut decode).await {
            Ok(()) => {
                let mut result =
                    result.unwrap_or_else(|| unreachable!("a reply without error was decoded"));
                self.hide_in_parts::<M>(&mut result);
                Ok(result)
            }
            Err(error) => {
                let error = error.about((M::GENERATED.channel)(request));
                Err(self.hide_secrets(error))
            }
        }
    }

    /// Removes from the errors of parts the secrets that the server may have sent back.
    fn hide_in_parts<M: Method>(&self, result: &mut M::Result) {
        let Some(parts) = M::GENERATED.parts else {
            return;
        };
        let mut secrets = None;
        let headers = self.options.headers.as_deref();
        (parts.each_message)(result, &mut |message| {
            let secrets = secrets.get_or_insert_with(|| self.inner.secrets(headers));
            secrets.iter().for_each(|secret| hide(message, secret));
        });
    }

    /// Returns the queues and the place for a request in shared batches, if this client coalesces and takes the
    /// request. A call with headers of its own is sent alone.
    fn share(&self, place: Option<Place>, info: &CallInfo) -> Option<(&Coalescer, Place)> {
        let coalescer = self.coalescer.as_deref()?;
        let place = place?;
        let is_shared = self.options.headers.is_none() && coalescer.accepts(place, info);
        is_shared.then_some((coalescer, place))
    }

    /// Makes attempts until one succeeds or no further one is due. Not generic over the method, so that it is
    /// compiled once.
    async fn send(
        &self,
        call: &ReadyCall<'_>,
        attempts: &mut RetryLoop<'_>,
        decode: &mut Decode<'_>,
    ) -> Result<(), Error> {
        loop {
            let info = *attempts.info();
            let attempt = attempts.next_attempt();
            let outcome = match call.shared {
                Some((coalescer, place)) => {
                    let item = coalescer.attempt(&self.inner, &info, place, call.body, attempt);
                    item.await.and_then(|item| decode(Reply::Item(item)))
                }
                None => {
                    let mut read = |reply| decode(Reply::Whole(reply));
                    let inner = &self.inner;
                    inner
                        .attempt(&call.route, call.body, attempt, &mut read)
                        .await
                }
            };
            if let Some(outcome) = attempts.finish_or_wait(outcome).await {
                return outcome;
            }
        }
    }

    /// Makes a call of a single request: encodes it, sends it, and retries the parts that failed temporarily.
    pub(super) async fn exchange_whole<M: Method>(
        &self,
        request: &mut M,
        deadline: &Deadline,
        observed: &ObservedCall,
    ) -> Result<(M::Result, Made), Error> {
        let body = self.encode(request)?;
        let info = self.call_info(request, &body);
        let inner = &self.inner;
        let mut attempts = inner.start(info, &self.options, deadline, observed).await?;
        let result = self.exchange(request, &body, &mut attempts).await?;
        let mut result = finish(request, result);
        self.resend_if_failed(request, &mut result, &mut attempts)
            .await;
        Ok((result, attempts.made()))
    }

    /// Retries the parts of a result that failed temporarily, if there are any and they may be sent again.
    pub(super) async fn resend_if_failed<M: Method>(
        &self,
        request: &M,
        result: &mut M::Result,
        attempts: &mut RetryLoop<'_>,
    ) {
        let resend = M::GENERATED.parts.and_then(|parts| parts.resend);
        let has_failed = resend.is_some_and(|resend| !(resend.failed)(result).is_empty());
        if has_failed && attempts.info().repeatable {
            // The future of a rare path is boxed, so that it is not a part of this one.
            Box::pin(self.resend_failed(request, result, attempts)).await;
        }
    }

    /// Retries the parts that failed temporarily, and replaces their outcomes in `result`. An outcome whose last
    /// attempt may have run says so.
    async fn resend_failed<M: Method>(
        &self,
        request: &M,
        result: &mut M::Result,
        attempts: &mut RetryLoop<'_>,
    ) {
        let Some(parts) = M::GENERATED.parts else {
            return;
        };
        let Some(resend) = parts.resend else { return };
        loop {
            let failed = (resend.failed)(result);
            let progress = attempts.progress();
            (resend.note)(result, &failed, progress.attempts(), progress.is_unsure());
            if failed.is_empty() || !attempts.retry_parts().await {
                return;
            }
            let mut again = (resend.request)(request, result, &failed);
            let Ok(body) = self.encode(&mut again) else {
                return;
            };
            match self.exchange(&again, &body, attempts).await {
                Ok(mut replaced) => {
                    (parts.finish)(&mut again, &mut replaced);
                    (resend.replace)(result, &failed, replaced);
                }
                Err(_) => {
                    let progress = attempts.progress();
                    (resend.note)(result, &failed, progress.attempts(), progress.is_unsure());
                    return;
                }
            }
        }
    }
}

/// Returns a result with what it keeps of its request, such as the names of channels.
pub(super) fn finish<M: Method>(request: &mut M, mut result: M::Result) -> M::Result {
    if let Some(parts) = M::GENERATED.parts {
        (parts.finish)(request, &mut result);
    }
    result
}

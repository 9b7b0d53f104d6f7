//! Sends an encoded request, alone or in a shared batch, and decodes the reply.

use bytes::Bytes;

use super::Client;
use super::coalescing::{Coalescer, Place};
use crate::api::method::Method;
use crate::call::{CallInfo, Deadline, Retry};
use crate::codec::EncodedBody;
use crate::error::Error;
use crate::transport::Route;

/// A request that is ready to be sent.
struct ReadyCall<'a> {
    route: Route<'a>,
    info: CallInfo<'a>,
    body: &'a EncodedBody,
    deadline: &'a Deadline,
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
        body.map_err(|error| self.inner.hide_secrets(error))
    }

    /// Sends an encoded request until there is a result or the attempts are used up; `key` is the idempotency key
    /// that the client generated for it.
    pub(super) async fn exchange<M: Method>(
        &self,
        request: &M,
        body: &EncodedBody,
        key: Option<&str>,
        deadline: &Deadline,
    ) -> Result<M::Result, Error> {
        let info = CallInfo {
            method: M::NAME,
            size: body.len(),
            repeatable: request.is_repeatable(),
            has_parts: M::GENERATED.parts.is_some(),
            key,
        };
        let place = M::GENERATED.batch.as_ref().map(Place::of);
        let call = ReadyCall {
            route: Route::of::<M>(),
            shared: self.share(place, &info),
            info,
            body,
            deadline,
        };
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
        match self.send(&call, &mut decode).await {
            Ok(()) => {
                Ok(result.unwrap_or_else(|| unreachable!("a reply without error was decoded")))
            }
            Err(error) => {
                let error = error.about((M::GENERATED.channel)(request));
                Err(self.inner.hide_secrets(error))
            }
        }
    }

    /// Returns the queues and the place for a request in shared batches, if this client coalesces and takes the
    /// request.
    fn share(&self, place: Option<Place>, info: &CallInfo<'_>) -> Option<(&Coalescer, Place)> {
        let coalescer = self.coalescer.as_deref()?;
        let place = place?;
        coalescer.accepts(place, info).then_some((coalescer, place))
    }

    /// Makes attempts until one succeeds or no further one is due. Not generic over the method, so that it is
    /// compiled once.
    async fn send(&self, call: &ReadyCall<'_>, decode: &mut Decode<'_>) -> Result<(), Error> {
        let mut attempts = self
            .inner
            .start(&call.info, &self.retry, call.deadline)
            .await?;
        loop {
            let deadline = attempts.next_attempt();
            let reply = match call.shared {
                Some((coalescer, place)) => {
                    let item =
                        coalescer.attempt(&self.inner, &call.info, place, call.body, &deadline);
                    item.await.map(Reply::Item)
                }
                None => {
                    let candidate = attempts.candidate();
                    let reply = self
                        .inner
                        .attempt(&call.route, call.body, deadline, candidate);
                    reply.await.map(Reply::Whole)
                }
            };
            let outcome = reply.and_then(&mut *decode);
            if let Some(outcome) = attempts.finish_or_wait(outcome).await {
                return outcome;
            }
        }
    }

    /// Retries the parts that failed temporarily, and replaces their outcomes in `result`.
    pub(super) async fn resend_failed<M: Method>(
        &self,
        request: &M,
        result: &mut M::Result,
        deadline: &Deadline,
    ) {
        let Some(resend) = M::GENERATED.parts.and_then(|parts| parts.resend) else {
            return;
        };
        let once = self.with_retry(Retry::none());
        let mut attempts = 1;
        loop {
            let failed = (resend.failed)(result);
            if failed.is_empty() || !self.inner.pause(&self.retry, attempts, *deadline).await {
                return;
            }
            attempts += 1;
            let mut again = (resend.request)(request, result, &failed);
            let Ok(body) = self.encode(&mut again) else {
                return;
            };
            if let Ok(replaced) = once.exchange(&again, &body, None, deadline).await {
                (resend.replace)(result, &failed, replaced);
            }
        }
    }
}

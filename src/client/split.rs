//! Large batches and broadcasts, sent as several requests.

use super::Client;
use super::exchange::finish;
use crate::api::method::{Method, Parts};
use crate::call::{Deadline, Made, RetryLoop};
use crate::codec::EncodedBody;
use crate::error::Error;
use crate::observe::ObservedCall;

/// The requests that a call is split into, each with its encoded form. The last one is sent first.
type Requests<M> = Vec<(M, EncodedBody)>;

impl Client {
    /// Sends a request as several ones, each of at most `limit` bytes or of a single part, and joins their results.
    ///
    /// They are one call: it has one permit, and an error covers all of them. If it fails, the request has all its
    /// parts back.
    pub(super) async fn exchange_split<M: Method>(
        &self,
        request: &mut M,
        parts: Parts<M>,
        limit: usize,
        deadline: &Deadline,
        observed: &ObservedCall,
    ) -> Result<(M::Result, Made), Error> {
        let mut requests = self.split(request, &parts, limit)?;
        let outcome = self
            .exchange_all(request, &parts, &mut requests, deadline, observed)
            .await;
        for (rest, _) in requests.into_iter().rev() {
            (parts.give_back)(request, rest);
        }
        outcome
    }

    /// Sends the requests one after another, and gives their parts back to the whole.
    async fn exchange_all<M: Method>(
        &self,
        whole: &mut M,
        parts: &Parts<M>,
        requests: &mut Requests<M>,
        deadline: &Deadline,
        observed: &ObservedCall,
    ) -> Result<(M::Result, Made), Error> {
        let count = requests.len();
        let mut attempts: Option<RetryLoop<'_>> = None;
        let mut result: Option<M::Result> = None;
        while let Some((request, body)) = requests.last_mut() {
            let info = self.call_info(request, body);
            let attempts = match &mut attempts {
                Some(attempts) => {
                    attempts.next_request(info);
                    attempts
                }
                None => {
                    let inner = &self.inner;
                    let first = inner.start(info, &self.options, deadline, observed);
                    let mut first = first.await?;
                    first.set_requests(count);
                    attempts.insert(first)
                }
            };
            let next = self.exchange(request, body, attempts).await?;
            let mut next = finish(request, next);
            self.resend_if_failed(request, &mut next, attempts).await;
            match &mut result {
                Some(result) => (parts.join)(result, next),
                None => result = Some(next),
            }
            if let Some((request, _)) = requests.pop() {
                (parts.give_back)(whole, request);
            }
        }
        let result = result.unwrap_or_else(|| unreachable!("the whole request is a part"));
        let made = attempts.as_ref().map(RetryLoop::made);
        Ok((result, made.unwrap_or_default()))
    }

    /// Moves the parts of a request into several ones, and encodes and checks all of them before the first one is
    /// sent.
    fn split<M: Method>(
        &self,
        request: &mut M,
        parts: &Parts<M>,
        limit: usize,
    ) -> Result<Requests<M>, Error> {
        let whole = (parts.take)(request, (parts.len)(request));
        let mut ready = Vec::new();
        // A stack: the first parts are on top.
        let mut waiting = vec![whole];
        while let Some(mut part) = waiting.pop() {
            let body = self.encode(&mut part)?;
            if body.len() > limit && (parts.len)(&part) > 1 {
                let count = body.len().div_ceil(limit);
                waiting.extend(split(part, parts, count));
                continue;
            }
            self.inner.check_size(M::NAME, body.len())?;
            ready.push((part, body));
        }
        ready.reverse();
        Ok(ready)
    }
}

/// Splits a request into at most `count` requests with the same number of parts each, of which the last one is first.
fn split<M: Method>(mut request: M, parts: &Parts<M>, count: usize) -> Vec<M> {
    let len = (parts.len)(&request);
    let each = len.div_ceil(count.min(len));
    let mut requests = Vec::new();
    while (parts.len)(&request) > each {
        requests.push((parts.take)(&mut request, each));
    }
    requests.push(request);
    requests
}

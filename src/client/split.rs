//! Large batches and broadcasts, sent as several requests.

use super::Client;
use crate::api::method::{Method, Parts};
use crate::call::Deadline;
use crate::error::Error;

impl Client {
    /// Sends a request as several ones, each of at most `limit` bytes or of a single part, and joins their results.
    pub(super) async fn exchange_split<M: Method>(
        &self,
        request: &mut M,
        parts: Parts<M>,
        limit: usize,
        key: Option<&str>,
        deadline: &Deadline,
    ) -> Result<M::Result, Error> {
        let whole = (parts.take)(request, (parts.len)(request));
        let mut result: Option<M::Result> = None;
        // A stack: the last request is sent next.
        let mut requests = Vec::new();
        requests.push(whole);
        while let Some(mut part) = requests.pop() {
            let body = self.encode(&mut part)?;
            if body.len() > limit && (parts.len)(&part) > 1 {
                let count = body.len().div_ceil(limit);
                requests.extend(split(part, &parts, count).into_iter().rev());
                continue;
            }
            let mut next = self.exchange(&part, &body, key, deadline).await?;
            (parts.finish)(&mut part, &mut next);
            (parts.give_back)(request, part);
            match &mut result {
                Some(result) => (parts.join)(result, next),
                None => result = Some(next),
            }
        }
        Ok(result.unwrap_or_else(|| unreachable!("the whole request is a part")))
    }
}

/// Splits a request into at most `count` requests with the same number of parts each, in order.
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

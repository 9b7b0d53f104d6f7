//! Large batches and broadcasts, sent as several requests.

use std::ops::Range;

use crate::{BatchRequest, BatchResponse, BroadcastRequest, Client, Command, Error, Method, api};

/// A request that can be sent in parts.
pub(crate) trait Divisible: Method {
    /// How many parts it has at most.
    fn len(&self) -> usize;

    /// The request with some of the parts.
    fn part(&self, range: Range<usize>) -> Self;

    /// Adds what answers the next part.
    fn join(result: &mut Self::Result, next: Self::Result);
}

impl Divisible for BatchRequest {
    fn len(&self) -> usize {
        self.commands.len()
    }

    fn part(&self, range: Range<usize>) -> Self {
        let commands: Vec<Command> = self.commands[range].to_vec();
        // A schema may lack `parallel`, and add fields.
        #[allow(clippy::needless_update)]
        Self {
            commands,
            ..self.clone()
        }
    }

    fn join(result: &mut BatchResponse, next: BatchResponse) {
        result.replies.extend(next.replies);
    }
}

impl Divisible for BroadcastRequest {
    fn len(&self) -> usize {
        self.channels.len()
    }

    fn part(&self, range: Range<usize>) -> Self {
        let channels = self.channels[range].to_vec();
        Self {
            channels,
            ..self.clone()
        }
    }

    fn join(result: &mut api::BroadcastResult, next: api::BroadcastResult) {
        result.responses.extend(next.responses);
    }
}

impl Client {
    /// Calls a method, by several requests where one would be too large and the client was told to.
    pub(crate) async fn exchange_in_parts<M: Divisible>(
        &self,
        request: &mut M,
        key: Option<&str>,
    ) -> Result<M::Result, Error> {
        match self.shared.split_above {
            // Boxed, since it is seldom, and would be a part of each batch's future.
            Some(limit) => Box::pin(self.exchange_divided(request, limit, key)).await,
            None => {
                let body = self.write(request)?;
                self.exchange(request, &body, key).await
            }
        }
    }

    async fn exchange_divided<M: Divisible>(
        &self,
        request: &M,
        limit: usize,
        key: Option<&str>,
    ) -> Result<M::Result, Error> {
        // One deadline for all of them.
        let client = self.with_deadline(self.time().ends);
        let mut result: Option<M::Result> = None;
        let mut ranges = Vec::new();
        ranges.push(0..request.len());
        while let Some(range) = ranges.pop() {
            let mut part = request.part(range.clone());
            let body = self.write(&mut part)?;
            let size = body.len();
            if size > limit && range.len() > 1 {
                let count = size.div_ceil(limit).min(range.len());
                let each = range.len().div_ceil(count);
                let starts = range.clone().step_by(each);
                ranges.extend(
                    starts
                        .map(|start| start..(start + each).min(range.end))
                        .rev(),
                );
                continue;
            }
            let answered = client.exchange(&part, &body, key).await?;
            match &mut result {
                Some(result) => M::join(result, answered),
                None => result = Some(answered),
            }
        }
        Ok(result.unwrap_or_else(|| unreachable!("there is a part, though it is empty")))
    }
}

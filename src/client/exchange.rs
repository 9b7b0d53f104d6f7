//! How a request goes out, and what comes back is read.

use bytes::Bytes;

use super::Client;
use crate::batch::part::Received;
use crate::call::Call;
use crate::error::excerpt;
use crate::method::Carried;
use crate::transport::Written;
use crate::{BatchRequest, BatchResponse, Error, Method};

impl Client {
    /// Sends a batch of any commands; `parallel` is set where it was not.
    pub(crate) async fn exchange_batch(
        &self,
        request: &mut BatchRequest,
        parallel: bool,
    ) -> Result<BatchResponse, Error> {
        if request.commands.is_empty() {
            return Ok(BatchResponse::default());
        }
        request.parallel |= parallel;
        let key = self.give_key(request);
        self.exchange_in_parts(request, key.as_deref()).await
    }

    /// Checks a request, and writes it. It is changed on the way, but not in the end.
    pub(crate) fn write<M: Method>(&self, request: &mut M) -> Result<Written, Error> {
        let written = crate::method::check(request).and_then(|()| self.shared.encode(request));
        written.map_err(|error| self.shared.hide_secrets(error))
    }

    /// Calls a method by what was written of the request; `key` is what that was given.
    pub(crate) async fn exchange<M: Method>(
        &self,
        request: &M,
        body: &Written,
        key: Option<&str>,
    ) -> Result<M::Result, Error> {
        let mut result = None;
        let mut read = |answer: &Answer| {
            result = Some(self.read(request, body, answer)?);
            Ok(())
        };
        match self
            .send(&Call::of(request, key), M::CARRIED, body, &mut read)
            .await
        {
            Ok(()) => Ok(result.unwrap_or_else(|| unreachable!("what was answered was read"))),
            Err(error) => Err(self.shared.hide_secrets(error)),
        }
    }

    /// Sends a request that is written, alone or with others, until what it answers can be read. It knows nothing of
    /// the single methods, each of which would make it anew.
    async fn send(
        &self,
        call: &Call<'_>,
        carried: Option<Carried>,
        body: &Written,
        read: &mut (dyn FnMut(&Answer) -> Result<(), Error> + Send),
    ) -> Result<(), Error> {
        let (shared, time) = (&self.shared, self.time());
        let coalescer = self.coalescer.as_deref().zip(carried);
        let coalescer =
            coalescer.filter(|(coalescer, carried)| coalescer.takes(call, *carried, body));
        let mut tries = shared.enter(call, body.len(), &self.retry, time).await?;
        loop {
            let answer = match coalescer {
                Some((coalescer, carried)) => coalescer
                    .attempt(shared, call, carried, body, time)
                    .await
                    .map(Answer::Part),
                None => shared.attempt(call, body, time).await.map(Answer::Whole),
            };
            let outcome = answer.and_then(|answer| read(&answer));
            if let Some(outcome) = tries.settle(outcome).await {
                return outcome;
            }
        }
    }

    /// Reads what a call answers.
    fn read<M: Method>(
        &self,
        request: &M,
        body: &Written,
        answer: &Answer,
    ) -> Result<M::Result, Error> {
        let reply = match answer {
            Answer::Whole(reply) => reply,
            Answer::Part(part) => {
                return request.read_part(Received {
                    part,
                    shared: &self.shared,
                });
            }
        };
        let response = self.shared.decode::<M>(body, reply)?;
        let broken = |problem: String| Error::Decode {
            method: Some(M::NAME),
            message: format!("{problem}, in the reply {}", excerpt(reply)),
            source: None,
        };
        let outcome =
            M::outcome(response).ok_or_else(|| broken("neither an error nor a result".into()))?;
        let result = outcome.map_err(|error| Error::Api(crate::ApiFailure::new(M::NAME, error)))?;
        request.verify(&result).map_err(broken)?;
        Ok(result)
    }
}

/// What answers a call.
enum Answer {
    /// A reply of its own.
    Whole(Bytes),
    /// Its part of the reply to a batch.
    Part(Bytes),
}

//! The methods: what the server does with a request, whichever protocol brought it.

mod batch;
mod errors;
mod history;
mod maps;
mod node;
mod presence;
mod publish;
mod users;

use std::collections::HashSet;
use std::fmt;

use bytes::Bytes;
use prost::Message as _;

use super::clock::Clock;
use super::faults::Faults;
use super::json::{self, Described};
use super::namespace::Namespaces;
use super::recorder::Recorder;
use super::overrides::Overrides;
use super::state::State;
use centrifugo_api::{ApiError, Method, api};

pub(crate) use errors::*;
pub(crate) use publish::{Message, result};

/// A method as the embedded server serves it: every request of the schema.
pub trait ServedMethod: Method + Default + 'static {
    /// Whether a reply has a place for an error.
    #[doc(hidden)]
    const HAS_ERROR: bool;

    /// The reply that says how it went.
    #[doc(hidden)]
    fn response(outcome: Result<Self::Result, ApiError>) -> Self::Response;

    /// The channels that the request is about.
    #[doc(hidden)]
    fn channels(&self) -> Vec<&str>;
}

/// What a method does. Those of Centrifugo PRO are not to be found, unless a test overrides them.
pub(crate) trait Handler: ServedMethod {
    fn handle(self, call: &Call<'_>) -> Result<Self::Result, ApiError> {
        let _ = call;
        Err(not_found())
    }
}

/// Where a request finds everything.
pub(crate) struct Call<'a> {
    pub(crate) engine: &'a Engine,
    /// The positions of `null` among the commands of a batch.
    pub(crate) nulls: &'a HashSet<usize>,
}

/// How a method is reached, read, run and answered.
pub(crate) struct Route {
    pub(crate) name: &'static str,
    /// The name over gRPC, without the service's.
    pub(crate) rpc: &'static str,
    pub(crate) grpc_path: &'static str,
    pub(crate) open_source: bool,
    pub(crate) has_error: bool,
    pub(crate) request: &'static json::MessageDescriptor,
    pub(crate) response: &'static json::MessageDescriptor,
    pub(crate) serve: fn(&Call<'_>, Bytes) -> Result<Answer, prost::DecodeError>,
    pub(crate) check: fn(Bytes) -> Result<(), prost::DecodeError>,
    pub(crate) channels: fn(Bytes) -> Vec<String>,
}

/// A reply's protobuf, and the error in it.
pub(crate) struct Answer {
    pub(crate) response: Vec<u8>,
    pub(crate) error: Option<ApiError>,
}

impl fmt::Debug for Route {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

/// All that the server consists of, but for the wire.
pub(crate) struct Engine {
    /// The node's id.
    pub(crate) uid: String,
    pub(crate) namespaces: Namespaces,
    pub(crate) clock: Clock,
    pub(crate) state: State,
    pub(crate) overrides: Overrides,
    pub(crate) faults: Faults,
    pub(crate) recorder: Recorder,
}

impl Engine {
    /// Runs a request, unless a fault or a over stands in its place.
    pub(crate) fn execute<M: Handler>(
        &self,
        request: M,
        call: &Call<'_>,
    ) -> Result<M::Result, ApiError> {
        if let Some(error) = self.faults.api_error(&request) {
            return Err(error);
        }
        match self.overrides.get::<M>() {
            Some(over) => over(request),
            None => request.handle(call),
        }
    }

    /// Ends what has expired, and forgets what nobody can ask for any more.
    pub(crate) fn expire(&self) {
        self.expire_keys();
        let (now, seconds) = (self.clock.now(), self.clock.seconds());
        let mut data = self.state.lock();
        data.connections.expire(seconds);
        data.idempotency.forget_old(now);
    }

    /// Whether the method is served, be it by a over.
    pub(crate) fn serves(&self, route: &Route) -> bool {
        route.open_source || self.overrides.has(route.name)
    }
}

fn serve<M: Handler>(call: &Call<'_>, request: Bytes) -> Result<Answer, prost::DecodeError> {
    let outcome = call.engine.execute(M::decode(request)?, call);
    let error = outcome.as_ref().err().cloned();
    Ok(Answer {
        response: M::response(outcome).encode_to_vec(),
        error,
    })
}

fn check<M: ServedMethod>(request: Bytes) -> Result<(), prost::DecodeError> {
    M::decode(request).map(drop)
}

fn channels_of<M: ServedMethod>(request: Bytes) -> Vec<String> {
    let request = M::decode(request).unwrap_or_default();
    request.channels().into_iter().map(str::to_owned).collect()
}

mod generated {
    #![allow(clippy::all, clippy::pedantic, deprecated)]

    use super::*;

    include!(concat!(env!("OUT_DIR"), "/served.rs"));
}

pub(crate) use generated::{ROUTES, run};

//! The methods: the effect of each request on the server's state, independent of the protocol.

#[cfg(any(feature = "_token", feature = "proxy"))]
mod admission;
mod batch;
mod history;
mod maps;
mod node;
mod presence;
mod publish;
mod subscriber;
mod users;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use centrifugo_api::{ApiError, Method, api};
use prost::Message as _;

use crate::clock::Clock;
use crate::errors::{bad_request, internal, not_found};
use crate::faults::Faults;
use crate::json::{Described, MessageDescriptor};
use crate::messages;
use crate::namespaces::Namespaces;
use crate::overrides::Overrides;
#[cfg(feature = "proxy")]
use crate::proxies::Proxies;
use crate::recorder::Recorder;
use crate::release::Release;
use crate::served::ServedMethod;
use crate::state::State;
#[cfg(feature = "_token")]
use crate::tokens::Tokens;

#[cfg(any(feature = "_token", feature = "proxy"))]
pub(crate) use admission::Admission;
#[cfg(feature = "proxy")]
pub(crate) use admission::LONGEST_TTL;
pub(crate) use publish::Message;
#[cfg(feature = "proxy")]
pub(crate) use publish::{check_format, payload};
#[cfg(feature = "proxy")]
pub(crate) use subscriber::check_own;
pub(crate) use subscriber::{Offer, Subscriber};
#[cfg(feature = "proxy")]
pub(crate) use users::seen_by_client;

/// A request that the server handles, as the newest schema has it.
pub(crate) trait Handler: prost::Message + Default {
    type Result: prost::Message;

    fn handle(self, call: &Call<'_>) -> Result<Self::Result, ApiError>;
}

/// A request of the SDK's schema. Methods without a handler, such as those of Centrifugo PRO, return error 104 unless
/// overridden.
pub(crate) trait Runnable: ServedMethod {
    fn run(self, call: &Call<'_>) -> Result<Self::Result, ApiError> {
        let _ = call;
        Err(not_found())
    }
}

/// Runs a request of the SDK's schema by its handler.
///
/// The SDK's schema may be older than the handler's. The fields have the same numbers in both, and a field that one of
/// them lacks is absent.
fn handle<H: Handler, R: prost::Message + Default>(
    request: &impl prost::Message,
    call: &Call<'_>,
) -> Result<R, ApiError> {
    let request = H::decode(Bytes::from(request.encode_to_vec())).map_err(|_| bad_request())?;
    let result = request.handle(call)?;
    R::decode(Bytes::from(result.encode_to_vec())).map_err(|_| internal())
}

/// The context of a call.
pub(crate) struct Call<'a> {
    pub(crate) engine: &'a Engine,
    /// The indexes of the commands of a batch that were `null` in JSON.
    pub(crate) nulls: &'a HashSet<usize>,
}

/// The entry of a method in the table that routes calls to their handlers.
pub(crate) struct Route {
    pub(crate) name: &'static str,
    /// The name over gRPC, without the service.
    pub(crate) rpc: &'static str,
    pub(crate) grpc_path: &'static str,
    pub(crate) open_source: bool,
    pub(crate) has_error: bool,
    pub(crate) request: &'static MessageDescriptor,
    pub(crate) response: &'static MessageDescriptor,
    /// Runs a request in protobuf.
    pub(crate) serve: fn(&Call<'_>, Bytes) -> Result<EncodedReply, prost::DecodeError>,
    /// Checks that a request can be decoded.
    pub(crate) check: fn(Bytes) -> Result<(), prost::DecodeError>,
    /// Returns the channels that a request names.
    pub(crate) channels: fn(Bytes) -> Vec<String>,
}

/// A reply in protobuf, with the error that it contains.
pub(crate) struct EncodedReply {
    pub(crate) protobuf: Vec<u8>,
    pub(crate) error: Option<ApiError>,
}

impl fmt::Debug for Route {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

/// The server without its protocols: state, clock, overrides and faults.
pub(crate) struct Engine {
    /// The id of the node.
    pub(crate) uid: String,
    pub(crate) release: Release,
    pub(crate) namespaces: Namespaces,
    pub(crate) clock: Clock,
    pub(crate) state: State,
    pub(crate) overrides: Overrides,
    pub(crate) faults: Faults,
    pub(crate) recorder: Recorder,
    #[cfg(feature = "_token")]
    pub(crate) tokens: Tokens,
    #[cfg(feature = "proxy")]
    pub(crate) proxies: Proxies,
}

/// A server without proxies.
#[cfg(not(feature = "proxy"))]
#[allow(clippy::unused_self)] // As with proxies.
impl Engine {
    #[cfg_attr(not(feature = "_token"), allow(dead_code))]
    pub(crate) fn has_refresh_proxy(&self) -> bool {
        false
    }

    pub(crate) fn has_sub_refresh_proxy(&self, _: &str) -> bool {
        false
    }

    fn start_refreshes(self: &Arc<Self>) {}
}

impl Engine {
    /// Runs a request, unless a fault or an override replaces the method.
    pub(crate) fn execute<M: Runnable>(
        &self,
        request: M,
        call: &Call<'_>,
    ) -> Result<M::Result, ApiError> {
        if let Some(error) = self.faults.api_error(&request) {
            return Err(self.release.sent(error));
        }
        match self.overrides.get::<M>() {
            Some(handler) => handler(request),
            None => request.run(call).map_err(|error| self.release.sent(error)),
        }
    }

    /// Ends expired connections and subscriptions, removes expired keys and cached results, and lets proxies be asked about
    /// what they refresh.
    pub(crate) fn expire(self: &Arc<Self>) {
        self.expire_keys();
        let now = self.clock.now();
        let seconds = self.clock.seconds();
        let mut data = self.state.lock();
        data.connections
            .expire(seconds, |channel| self.has_sub_refresh_proxy(channel));
        data.idempotency.remove_expired(now);
        drop(data);
        self.start_refreshes();
    }

    /// Checks whether the server serves a method, itself or by an override.
    pub(crate) fn serves(&self, route: &Route) -> bool {
        route.open_source || self.overrides.contains(route.name)
    }
}

fn serve<M: Runnable>(call: &Call<'_>, request: Bytes) -> Result<EncodedReply, prost::DecodeError> {
    let outcome = call.engine.execute(M::decode(request)?, call);
    let error = outcome.as_ref().err().cloned();
    Ok(EncodedReply {
        protobuf: M::response(outcome).encode_to_vec(),
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

/// The table of the methods, and what the schema determines of each of them.
mod generated {
    #![allow(clippy::all, clippy::pedantic, deprecated)]

    use super::*;

    include!(concat!(env!("OUT_DIR"), "/served.rs"));
}

pub(crate) use generated::{ROUTES, run};

//! The HTTP transport: a POST to `{base}/{method}`, or to the base URL with legacy commands.

mod connections;
mod dialer;
mod failure;
mod hedge;
mod request;
mod response;
mod serve;
#[cfg(test)]
#[cfg(all(feature = "blocking", feature = "_tls", target_os = "linux"))]
mod tests;
#[cfg(not(feature = "_tls"))]
mod without_tls;

use std::time::Instant;

use ::http::header::HeaderMap;
use bytes::Bytes;
use reqwest::Response;

use super::diagnosis::{self, Diagnosis};
use super::refusal::unauthorized;
use super::{OutgoingRequest, OwnConnections, Route, SendState, TransportConfig, too_large};
use crate::error::Error;
use connections::{Clients, Connections, Watch};
use request::Urls;
use response::read;

/// The number of times that a request is sent again at once because the server refused it unread.
const MAX_REFUSALS: usize = 2;

/// The HTTP connections to a node.
pub(crate) struct Http {
    urls: Urls,
    /// The server as errors show it.
    shown: Box<str>,
    /// The headers of each call, with room for the key, so that no call grows the map.
    headers: HeaderMap,
    max_response_size: usize,
    /// True if calls are sent as command lines to the base URL.
    legacy: bool,
    proxy: Option<String>,
    clients: Clients,
    diagnosis: Diagnosis,
}

/// An attempt that is being made.
struct Sending<'a> {
    method: &'static str,
    state: &'a SendState,
    connections: &'a Connections,
    started: Instant,
}

impl Http {
    pub(super) fn new(mut config: TransportConfig, own: OwnConnections) -> Result<Self, Error> {
        let urls = Urls::new(&config.url.to_http())?;
        let shown = config.shown();
        let max_response_size = config.max_response_size;
        let legacy = config.legacy_commands;
        let diagnosis = Diagnosis::new(&config);
        let headers = request::headers(&mut config, &urls.base, own.has_http_client());
        let proxy = config.proxy.clone();
        let clients = Clients::new(config, own.http_client)?;
        Ok(Self {
            urls,
            shown,
            headers,
            max_response_size,
            legacy,
            proxy,
            clients,
            diagnosis,
        })
    }

    /// Sends a request and returns the body of the reply.
    pub(super) async fn send(
        &self,
        route: &Route<'_>,
        outgoing: &OutgoingRequest<'_>,
    ) -> Result<Bytes, Error> {
        let watch = Watch::start(&self.clients, outgoing.state.clone(), outgoing.ends)?;
        let outcome = self.exchange(route, outgoing, &watch.connections).await;
        watch.end();
        outcome
    }

    /// Sends a request over those connections and returns the body of the reply.
    async fn exchange(
        &self,
        route: &Route<'_>,
        outgoing: &OutgoingRequest<'_>,
        connections: &Connections,
    ) -> Result<Bytes, Error> {
        let started = Instant::now();
        let sending = Sending {
            method: route.method,
            state: &outgoing.state,
            connections,
            started,
        };
        let make = |copy| self.request(route, outgoing, copy);
        let response = self.execute(&sending, make).await?;
        let mut response = self.checked_origin(&sending, response, || self.url_of(route))?;
        self.diagnosis.saw_reply();
        match response.status().as_u16() {
            200..=299 => {
                let body = read(&mut response, connections, self.max_response_size).await;
                let (body, is_whole) = body.map_err(|error| self.network_error(&sending, error))?;
                if is_whole {
                    Ok(body)
                } else {
                    Err(too_large(route.method, self.max_response_size))
                }
            }
            401 => Err(unauthorized(route)),
            _ => Err(self.status_error(route, response, connections).await),
        }
    }

    /// Sends a request, of which `make` makes the copies, also once more if the server certainly did not process it.
    /// Returns the head of the response.
    async fn execute(
        &self,
        sending: &Sending<'_>,
        make: impl Fn(u8) -> Result<reqwest::Request, Error>,
    ) -> Result<Response, Error> {
        let Sending {
            state, connections, ..
        } = *sending;
        let mut refusals = 0;
        loop {
            let copy = state.new_copy();
            let first = make(copy)?;
            let further = |copy| make(copy).ok();
            let outcome = hedge::execute(&connections.client, state, (copy, first), further).await;
            let error = match outcome {
                Ok(response) => {
                    connections.saw_read();
                    state.set_peer(response.remote_addr());
                    return Ok(response);
                }
                Err(error) => error,
            };
            let is_refused = diagnosis::is_refused(&error);
            if is_refused {
                connections.saw_read();
                state.take_back();
                refusals += 1;
            }
            if !is_refused || refusals > MAX_REFUSALS {
                return Err(self.network_error(sending, error));
            }
        }
    }
}

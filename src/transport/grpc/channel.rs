//! Calls over a tonic channel that the user made.

use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;

use ::http::{Request, Uri};
use bytes::Bytes;
use tonic::body::Body;
use tonic::client::GrpcService as _;
use tonic::transport::Channel;

use super::reply::read;
use super::{Failure, Grpc};
use crate::transport::request::TrackedBody;
use crate::transport::{OutgoingRequest, Route, diagnosis};

impl Grpc {
    /// Makes a call over a channel.
    pub(super) async fn call_channel(
        &self,
        route: &Route<'_>,
        mut channel: Channel,
        outgoing: &OutgoingRequest,
    ) -> Result<Bytes, Failure> {
        let ready = poll_fn(|context| channel.poll_ready(context)).await;
        ready.map_err(|error| Failure::Unready(error.into()))?;
        let body = TrackedBody::new(self.body(outgoing), outgoing.state.clone());
        let mut request = Request::new(Body::new(body));
        *request.method_mut() = ::http::Method::POST;
        *request.uri_mut() = Uri::from_static(route.grpc_path);
        *request.headers_mut() = self.headers(outgoing);
        let response = channel.call(request).await.map_err(|error| {
            if diagnosis::is_refused(&error) {
                outgoing.state.take_back();
            }
            Failure::lost(error)
        })?;
        self.diagnosis.saw_reply();
        read(response, self.expected, |status| {
            Failure::lost(StreamError(status))
        })
        .await
    }
}

/// The cause of a local status, without the status itself, whose message repeats it.
#[derive(Debug)]
struct StreamError(tonic::Status);

impl fmt::Display for StreamError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.source() {
            Some(cause) => fmt::Display::fmt(cause, formatter),
            None => formatter.write_str(self.0.message()),
        }
    }
}

impl StdError for StreamError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()?.source()
    }
}

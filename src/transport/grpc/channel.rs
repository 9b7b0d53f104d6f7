//! A tonic channel that the user made, as a service.

use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;

use ::http::Request;
use http_body_util::BodyExt as _;
use tonic::client::GrpcService as _;
use tonic::transport::Channel;

use crate::transport::diagnosis;
use crate::transport::service::{Body, HttpTransport, Responding, Transport};

/// Returns the transport that a channel is.
pub(super) fn transport(channel: Channel) -> HttpTransport {
    HttpTransport::built_in(Arc::new(Own(channel)))
}

/// A channel of the user.
struct Own(Channel);

impl Transport for Own {
    fn respond(self: Arc<Self>, request: Request<Body>) -> Responding {
        let mut channel = self.0.clone();
        Box::pin(async move {
            poll_fn(|context| channel.poll_ready(context)).await?;
            let state = request.body().state();
            let request = request.map(tonic::body::Body::new);
            let response = channel.call(request).await.inspect_err(|error| {
                if diagnosis::is_refused(error) {
                    state.take_back();
                }
            })?;
            Ok(response.map(|body| Body::new(body.map_err(StreamError))))
        })
    }
}

/// Returns whether an error is that of a channel.
pub(super) fn is_error(error: &(dyn StdError + 'static)) -> bool {
    error.is::<tonic::transport::Error>() || error.is::<StreamError>()
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

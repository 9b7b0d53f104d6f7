//! The built-in transport as a service, which layers are around.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use ::http::{Request, Response, request};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use reqwest::Url;

use super::connections::{Clients, Watch};
use super::dialer::REQUEST;
use super::{Http, Sending};
use crate::error::Error;
use crate::transport::diagnosis::BoxError;
use crate::transport::request::TrackedBody;
use crate::transport::service::{Attempt, Body, Parts, Responding, Transport};

impl AsRef<Clients> for Http {
    fn as_ref(&self) -> &Clients {
        &self.clients
    }
}

/// A node that a response belongs to.
struct Node(Arc<Http>);

impl AsRef<Clients> for Node {
    fn as_ref(&self) -> &Clients {
        &self.0.clients
    }
}

impl Transport for Http {
    fn respond(self: Arc<Self>, request: Request<Body>) -> Responding {
        Box::pin(async move { Ok(self.serve(request).await?) })
    }
}

impl Http {
    /// Sends a request and returns the response, whose body keeps the watch over the connections.
    async fn serve(self: Arc<Self>, request: Request<Body>) -> Result<Response<Body>, Error> {
        let (head, body) = request.into_parts();
        let Attempt {
            method,
            state,
            started,
            ends,
        } = Attempt::of(&body);
        let url = url_of(&head)?;
        let watch = Watch::start(Node(Arc::clone(&self)), state.clone(), ends)?;
        let sending = Sending {
            method,
            state: &state,
            connections: &watch.connections,
            started,
        };
        let response = match body.into_parts() {
            Parts::Whole(body) => {
                let make = |copy| {
                    let body = TrackedBody::copy(body.clone(), state.clone(), copy);
                    Ok(request_of(&head, &url, reqwest::Body::wrap(body)))
                };
                self.execute(&sending, make).await
            }
            Parts::Stream(body) => {
                // Nothing tells when it leaves.
                state.send(0);
                let request = request_of(&head, &url, reqwest::Body::wrap(body));
                let response = sending.connections.client.execute(request);
                let response = REQUEST.scope(state.clone(), response).await;
                response.map_err(|error| self.network_error(&sending, error))
            }
        };
        let response = response
            .and_then(|response| self.checked_origin(&sending, response, || Ok(url.clone())));
        match response {
            Ok(response) => {
                self.diagnosis.saw_reply();
                let response = Response::<reqwest::Body>::from(response);
                Ok(response.map(|body| {
                    Body::new(Incoming {
                        body,
                        watch: Some(watch),
                    })
                }))
            }
            Err(error) => {
                watch.end();
                Err(error)
            }
        }
    }
}

/// Returns the URL of a request.
fn url_of(head: &request::Parts) -> Result<Url, Error> {
    let url = head.uri.to_string();
    url.parse().map_err(|error| {
        let problem = format!("a layer has changed the URL to `{url}`: {error}; nothing was sent");
        Error::InvalidRequest(problem.into())
    })
}

fn request_of(head: &request::Parts, url: &Url, body: reqwest::Body) -> reqwest::Request {
    let mut request = reqwest::Request::new(head.method.clone(), url.clone());
    *request.headers_mut() = head.headers.clone();
    *request.body_mut() = Some(body);
    request
}

/// The body of a response. If it is dropped although nothing has arrived for some time, the connections are taken for
/// dead.
struct Incoming {
    body: reqwest::Body,
    /// `None` once the body has ended.
    watch: Option<Watch<Node>>,
}

impl http_body::Body for Incoming {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        match (&frame, &self.watch) {
            (Some(Ok(_)), Some(watch)) => watch.connections.saw_read(),
            _ => {
                if let Some(watch) = self.watch.take() {
                    watch.end();
                }
            }
        }
        Poll::Ready(frame.map(|frame| frame.map_err(|error| error.without_url().into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

//! Layers around the built-in transports, around connections that the user made, and around services.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use centrifugo_api::bytes::Bytes;
use centrifugo_api::service::{Body, HttpTransport};
use centrifugo_api::{Client, ClientBuilder, Effect, PublishResponse, PublishResult, Retry};
use http::{HeaderValue, Request};
use tower_layer::layer_fn;
use tower_service::Service;

use crate::bodies::Wrapped;
use crate::closed_port::closed_port;
use crate::double::{Answering, BoxError, Double, Over, framed, read};
use crate::fake_grpc::{FakeGrpc, Reply};
use crate::fake_http::{Answer, FakeHttp};
use crate::{KEY, Outcome, assert_says, failure, publish};

/// A server of one of the protocols whose transport is compiled in.
enum Server {
    Http(FakeHttp),
    Grpc(FakeGrpc),
}

impl Server {
    /// Returns servers whose replies these are.
    fn all(answer: Answer, reply: Reply) -> Vec<Self> {
        let mut servers = Vec::new();
        if cfg!(feature = "_http") {
            servers.push(Self::Http(FakeHttp::always(answer)));
        }
        if cfg!(feature = "grpc") {
            servers.push(Self::Grpc(FakeGrpc::always(reply)));
        }
        servers
    }

    /// Returns servers that take every publication.
    fn well() -> Vec<Self> {
        let mut result = PublishResult::default();
        result.offset = 5;
        let mut response = PublishResponse::default();
        response.result = Some(result);
        let answer = Answer::json(r#"{"result":{"offset":5}}"#);
        Self::all(answer, Reply::ok(&response))
    }

    fn over(&self) -> Over {
        match self {
            Self::Http(_) => Over::Http,
            Self::Grpc(_) => Over::Grpc,
        }
    }

    fn url(&self) -> String {
        match self {
            Self::Http(fake) => fake.url(),
            Self::Grpc(fake) => fake.url(),
        }
    }

    fn builder(&self) -> ClientBuilder {
        Client::builder(self.url()).api_key(KEY)
    }

    /// Returns the values of a header, and the bodies, of the requests so far.
    fn requests(&self, header: &str) -> Vec<(String, Vec<u8>)> {
        match self {
            Self::Http(fake) => {
                let requests = fake.requests();
                let requests = requests.iter();
                let request = |request: &crate::fake_http::Request| {
                    (
                        request.headers(header).join("|"),
                        request.body.clone().into_bytes(),
                    )
                };
                requests.map(request).collect()
            }
            Self::Grpc(fake) => {
                let calls = fake.requests();
                let value = |call: &crate::fake_grpc::Call| {
                    let value = call
                        .headers
                        .get(header)
                        .and_then(|value| value.to_str().ok());
                    (value.unwrap_or_default().to_owned(), call.body.clone())
                };
                calls.iter().map(value).collect()
            }
        }
    }
}

/// A layer's service: it changes requests by a function.
#[derive(Clone)]
struct Changed<F> {
    inner: HttpTransport,
    change: F,
}

impl<F: Fn(Request<Body>) -> Request<Body>> Service<Request<Body>> for Changed<F> {
    type Response = http::Response<Body>;
    type Error = BoxError;
    type Future = Answering;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Answering {
        self.inner.call((self.change)(request))
    }
}

/// Adds a layer that changes requests.
fn with_change<F>(over: Over, builder: ClientBuilder, change: F) -> ClientBuilder
where
    F: Fn(Request<Body>) -> Request<Body> + Clone + Send + Sync + 'static,
{
    let layer = layer_fn(move |inner| Changed {
        inner,
        change: change.clone(),
    });
    with_layer(over, builder, layer)
}

fn with_layer<L>(over: Over, builder: ClientBuilder, layer: L) -> ClientBuilder
where
    L: tower_layer::Layer<HttpTransport> + Send + Sync + 'static,
    L::Service: Service<
            Request<Body>,
            Response = http::Response<Body>,
            Error = BoxError,
            Future = Answering,
        > + Clone
        + Send
        + Sync
        + 'static,
{
    match over {
        #[cfg(feature = "service")]
        Over::Http => builder.http_layer(layer),
        #[cfg(feature = "grpc")]
        Over::Grpc => builder.grpc_layer(layer),
        #[allow(unreachable_patterns)]
        _ => unreachable!("the protocol is not compiled in"),
    }
}

/// Returns a function that adds to the header `x-path`.
fn stamp(text: &'static str) -> impl Fn(Request<Body>) -> Request<Body> + Clone + Send + Sync {
    move |mut request| {
        let before = request.headers().get("x-path").cloned();
        let before = before.as_ref().and_then(|value| value.to_str().ok());
        let path = format!("{}{text}", before.unwrap_or_default());
        let path = HeaderValue::try_from(path).expect("a header");
        request.headers_mut().insert("x-path", path);
        request
    }
}

#[tokio::test]
async fn request_passes_layers_in_their_order_to_the_server() -> Outcome {
    for server in Server::well() {
        let builder = with_change(server.over(), server.builder(), stamp("a"));
        let client = with_change(server.over(), builder, stamp("b")).build()?;
        assert_eq!(publish(&client).await?.offset, 5);
        assert_eq!(publish(&client).await?.offset, 5);
        let paths: Vec<_> = server
            .requests("x-path")
            .into_iter()
            .map(|(path, _)| path)
            .collect();
        assert_eq!(paths, ["ab", "ab"]);
    }
    Ok(())
}

#[tokio::test]
async fn order_of_service_and_layers_does_not_matter() -> Outcome {
    for over in Over::all() {
        let double = || {
            Double::new(move |request| async move {
                assert_eq!(request.headers()["x-path"], "a");
                read(request).await?;
                Ok(over.published(1))
            })
        };
        let first = over.service(double());
        let first = with_change(over, first, stamp("a"));
        let last = with_change(over, Client::builder(over.url()), stamp("a"));
        let last = over.service_of(last, double());
        for builder in [first, last] {
            publish(&builder.build()?).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn headers_are_the_same_with_and_without_a_layer() -> Outcome {
    for server in Server::well() {
        let layered = with_change(server.over(), server.builder(), |request| request);
        publish(&server.builder().build()?).await?;
        publish(&layered.build()?).await?;
        let names = match &server {
            Server::Http(fake) => {
                let requests = fake.requests();
                let names = requests.iter().map(|request| {
                    let mut headers = request.headers.clone();
                    headers
                        .iter_mut()
                        .for_each(|(name, _)| name.make_ascii_lowercase());
                    headers.sort();
                    format!(
                        "{} {} {headers:?} {}",
                        request.method, request.path, request.body
                    )
                });
                names.collect::<Vec<_>>()
            }
            Server::Grpc(fake) => {
                let calls = fake.requests();
                let names = calls.iter().map(|call| {
                    let mut headers: Vec<_> = call
                        .headers
                        .iter()
                        .map(|(name, value)| {
                            let is_time = name == "grpc-timeout";
                            format!("{name}: {:?}", (!is_time).then_some(value))
                        })
                        .collect();
                    headers.sort();
                    format!(
                        "{} {} {headers:?} {:?}",
                        call.path, call.authority, call.body
                    )
                });
                names.collect()
            }
        };
        assert_eq!(names[0], names[1]);
    }
    Ok(())
}

#[tokio::test]
async fn layer_can_replace_the_body() -> Outcome {
    for server in Server::well() {
        let over = server.over();
        let other = match over {
            Over::Http => Bytes::from(r#"{"channel":"other","data":{}}"#),
            Over::Grpc => framed(b"\x0a\x05other\x12\x02{}").into(),
        };
        let replacing = {
            let other = other.clone();
            move |request: Request<Body>| {
                let other = other.clone();
                request.map(|body| body.with_bytes(other))
            }
        };
        let plain = {
            let other = other.clone();
            move |request: Request<Body>| request.map(|_| Body::from(other.clone()))
        };
        let wrapping = |request: Request<Body>| request.map(Wrapped).map(Body::new);
        publish(&with_change(over, server.builder(), replacing).build()?).await?;
        publish(&with_change(over, server.builder(), plain).build()?).await?;
        publish(&with_change(over, server.builder(), wrapping).build()?).await?;
        let bodies: Vec<_> = server
            .requests("x-path")
            .into_iter()
            .map(|(_, body)| body)
            .collect();
        assert_eq!(bodies[..2], [other.to_vec(), other.to_vec()], "{over:?}");
        assert!(
            String::from_utf8_lossy(&bodies[2]).contains("hello"),
            "{over:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn failure_below_a_layer_tells_as_much_as_without() -> Outcome {
    for server in Server::well() {
        let over = server.over();
        let closed = closed_port()?;
        let address = closed.local_addr()?;
        let url = match over {
            Over::Http => format!("http://{address}/api"),
            Over::Grpc => format!("grpc://{address}"),
        };
        let builder = Client::builder(&url).retry(Retry::none());
        let client = with_change(over, builder, |request| request).build()?;
        let error = failure(&client).await;
        assert!(error.is_network() && error.is_unsent(), "{error:?}");
        assert_says(&error, &format!("cannot connect to {url}"));
        assert_says(&error, "connection refused; nothing was sent");

        // The call goes on to the node that is up.
        let builder = Client::builder(&url)
            .retry(Retry::none())
            .endpoint(server.url());
        let client = with_change(over, builder, |request| request).build()?;
        for _ in 0..4 {
            publish(&client).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn connection_that_is_lost_below_a_layer_may_have_run_the_call() -> Outcome {
    for server in Server::all(Answer::nothing(), Reply::nothing().cut()) {
        let over = server.over();
        for wraps in [false, true] {
            let change = move |request: Request<Body>| {
                if wraps {
                    request.map(Wrapped).map(Body::new)
                } else {
                    request
                }
            };
            let client = with_change(over, server.builder(), change).build()?;
            let error = failure(&client).await;
            assert!(error.is_network(), "{error:?}");
            assert_eq!(error.effect(), Effect::MayHaveRun, "{error:?}");
            assert_eq!(error.attempts(), 1, "{error:?}");
        }
        assert_eq!(server.requests("x-path").len(), 2, "{over:?}");
    }
    Ok(())
}

/// A layer's service that wraps the errors below it.
#[derive(Clone)]
struct Wraps(HttpTransport);

#[derive(Debug, thiserror::Error)]
#[error("the layer says so")]
struct Wrapping(#[source] BoxError);

impl Service<Request<Body>> for Wraps {
    type Response = http::Response<Body>;
    type Error = BoxError;
    type Future = Answering;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Answering {
        let answer = self.0.call(request);
        Box::pin(async move { answer.await.map_err(|error| Wrapping(error).into()) })
    }
}

#[tokio::test]
async fn error_that_a_layer_wraps_keeps_its_reason() -> Outcome {
    for server in Server::well() {
        let over = server.over();
        let closed = closed_port()?;
        let address = closed.local_addr()?;
        let url = match over {
            Over::Http => format!("http://{address}/api"),
            Over::Grpc => format!("grpc://{address}"),
        };
        let builder = Client::builder(&url).retry(Retry::none());
        let client = with_layer(over, builder, layer_fn(Wraps)).build()?;
        let error = failure(&client).await;
        assert!(error.is_network() && error.is_unsent(), "{error:?}");
        assert_says(&error, "connection refused; nothing was sent");
        let source = std::error::Error::source(&error).map(ToString::to_string);
        assert_eq!(source.as_deref(), Some("the layer says so"));
    }
    Ok(())
}

#[tokio::test]
async fn each_node_has_its_own_service_of_a_layer() -> Outcome {
    for server in Server::well() {
        let made = Arc::new(Mutex::new(0));
        let builder = {
            let made = Arc::clone(&made);
            let layer = layer_fn(move |inner| {
                *made.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                Wraps(inner)
            });
            with_layer(server.over(), server.builder(), layer)
        };
        let other = Server::well().remove(0);
        let second = match server.over() {
            Over::Http => "http://127.0.0.1:9/api",
            Over::Grpc => "grpc://127.0.0.1:9",
        };
        let client = builder.endpoint(second).build()?;
        publish(&client).await?;
        drop(other);
        assert_eq!(*made.lock().expect("no panic"), 2);
    }
    Ok(())
}

#[cfg(feature = "http")]
#[tokio::test]
async fn layer_is_around_the_http_client_of_the_user() -> Outcome {
    let fake = FakeHttp::always(Answer::json(r#"{"result":{}}"#));
    let own = crate::own_client::builder()?.build()?;
    let builder = Client::builder(fake.url()).http_client(own);
    let client = with_change(Over::Http, builder, stamp("a")).build()?;
    publish(&client).await?;
    assert_eq!(fake.requests()[0].headers("x-path"), ["a"]);
    Ok(())
}

#[cfg(feature = "grpc")]
#[tokio::test]
async fn layer_is_around_the_channel_of_the_user() -> Outcome {
    for server in Server::well() {
        let Server::Grpc(fake) = &server else {
            continue;
        };
        let url = fake.url().replace("grpc://", "http://");
        let channel = tonic::transport::Endpoint::from_shared(url)?.connect_lazy();
        let builder = server.builder().grpc_channel(channel);
        let client = with_change(Over::Grpc, builder, stamp("a")).build()?;
        publish(&client).await?;
        assert_eq!(server.requests("x-path")[0].0, "a");
    }
    Ok(())
}

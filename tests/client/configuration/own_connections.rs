//! HTTP clients, gRPC channels, services and layers that the user provides.

use std::convert::Infallible;
use std::future::{Pending, pending};
use std::task::{Context, Poll};
use std::time::Duration;

use centrifugo_api::http::{Request, Response};
use centrifugo_api::service::Body;
use centrifugo_api::{Client, ClientBuilder};

use super::{GRPC, HTTP, assert_config};

/// A service that never answers.
#[derive(Clone)]
struct Silent;

impl tower_service::Service<Request<Body>> for Silent {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pending<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request<Body>) -> Self::Future {
        pending()
    }
}

/// Checks that options of connections are refused together with a service.
fn assert_options_of_connections(own: impl Fn() -> ClientBuilder, name: &str) {
    const SECOND: Duration = Duration::from_secs(1);
    let refused = |option: &str, builder: ClientBuilder| {
        let effect = format!("no effect with {name}");
        assert_config(builder, &[option, &effect, "set it there"]);
    };
    refused("connect_timeout", own().connect_timeout(SECOND));
    refused("tcp_keepalive", own().tcp_keepalive(SECOND));
    refused("http2_keep_alive", own().http2_keep_alive(SECOND));
    #[cfg(unix)]
    refused("unix_socket", own().unix_socket("/run/centrifugo.sock"));
    let fine = own().api_key("key").user_agent("mine").header("X-One", "1");
    assert!(fine.timeout(Duration::MAX).build().is_ok());
}

#[test]
#[cfg(feature = "_http")]
fn http_service_goes_with_its_own_options_only() -> crate::Outcome {
    let own = |url: &str| Client::builder(url).http_service(Silent);
    assert_options_of_connections(|| own(HTTP), "http_service");
    for (option, builder) in [
        (
            "idle_timeout",
            own(HTTP).idle_timeout(Duration::from_secs(1)),
        ),
        ("max_idle_connections", own(HTTP).max_idle_connections(1)),
        ("no_proxy", own(HTTP).no_proxy()),
    ] {
        assert_config(builder, &[option, "no effect with http_service"]);
    }
    #[cfg(feature = "http")]
    assert_config(
        own(HTTP).http_client(crate::own_client::builder()?.build()?),
        &["http_client has no effect with http_service", "omit one"],
    );
    if cfg!(feature = "grpc") {
        assert_config(
            own(GRPC),
            &["http_service needs an http or https URL", "grpc_service"],
        );
        let layered = Client::builder(GRPC).http_layer(tower_layer::layer_fn(|inner| inner));
        assert_config(
            layered,
            &["http_layer needs an http or https URL", "grpc_layer"],
        );
    }
    // TLS is the service's, whether the feature is on or not.
    own("https://localhost/api")
        .endpoint("https://other/api")
        .build()?;
    #[cfg(feature = "tls")]
    assert_config(
        own("https://localhost/api").danger_accept_invalid_certs(),
        &["danger_accept_invalid_certs has no effect with http_service"],
    );
    // A layer around the built-in transport takes nothing away.
    let layered = Client::builder(HTTP).http_layer(tower_layer::layer_fn(|inner| inner));
    layered
        .connect_timeout(Duration::from_secs(1))
        .no_proxy()
        .build()?;
    Ok(())
}

#[test]
#[cfg(feature = "grpc")]
fn grpc_service_goes_with_its_own_options_only() -> crate::Outcome {
    let own = |url: &str| Client::builder(url).grpc_service(Silent);
    assert_options_of_connections(|| own(GRPC), "grpc_service");
    assert_config(
        own(GRPC).grpc_connections(2),
        &["grpc_connections", "no effect with grpc_service"],
    );
    if cfg!(feature = "_http") {
        assert_config(
            own(HTTP),
            &["grpc_service needs a grpc or grpcs URL", "http_service"],
        );
        let layered = Client::builder(HTTP).grpc_layer(tower_layer::layer_fn(|inner| inner));
        assert_config(
            layered,
            &["grpc_layer needs a grpc or grpcs URL", "http_layer"],
        );
    }
    own("grpcs://localhost").endpoint("grpcs://other").build()?;
    own(GRPC).authority("centrifugo.example").build()?;
    let layered = Client::builder(GRPC).grpc_layer(tower_layer::layer_fn(|inner| inner));
    let layered = layered.grpc_connections(2);
    layered.connect_timeout(Duration::from_secs(1)).build()?;
    Ok(())
}

#[test]
#[cfg(feature = "http")]
fn http_client_goes_with_its_own_options_only() -> crate::Outcome {
    let client = crate::own_client::builder()?.build()?;
    let own = |url: &str| Client::builder(url).http_client(client.clone());
    assert!(
        own(HTTP)
            .api_key("key")
            .header("X-One", "1")
            .timeout(Duration::MAX)
            .build()
            .is_ok()
    );
    assert_config(
        own(HTTP).connect_timeout(Duration::from_secs(1)),
        &["connect_timeout", "http_client"],
    );
    assert_config(
        own(HTTP).user_agent("mine"),
        &["user_agent has no effect with http_client", "set it there"],
    );
    if cfg!(feature = "grpc") {
        assert_config(
            own(GRPC),
            &["http_client needs an http or https URL", "grpc_channel"],
        );
    }
    #[cfg(feature = "tls")]
    for builder in [
        own("https://localhost/api").root_certificate("PEM"),
        own("https://localhost/api").identity("PEM"),
        own("https://localhost/api").danger_accept_invalid_certs(),
    ] {
        assert_config(builder, &["has no effect with http_client", "set it there"]);
    }
    Ok(())
}

#[tokio::test]
#[cfg(feature = "grpc")]
async fn grpc_channel_goes_with_its_own_options_only() {
    let channel = tonic::transport::Endpoint::from_static("http://localhost:10000").connect_lazy();
    let both = Client::builder(GRPC).grpc_channel(channel.clone());
    assert_config(
        both.grpc_service(Silent),
        &["grpc_channel has no effect with grpc_service", "omit one"],
    );
    let own = |url: &str| Client::builder(url).grpc_channel(channel.clone());
    assert!(
        own(GRPC)
            .api_key("key")
            .header("X-One", "1")
            .timeout(Duration::MAX)
            .build()
            .is_ok()
    );
    assert_config(
        own(GRPC).connect_timeout(Duration::from_secs(1)),
        &["connect_timeout", "grpc_channel"],
    );
    assert_config(
        own(GRPC).user_agent("mine"),
        &["user_agent has no effect with grpc_channel", "set it there"],
    );
    if cfg!(feature = "_http") {
        assert_config(
            own(HTTP),
            &["grpc_channel needs a grpc or grpcs URL", "http_client"],
        );
    }
    #[cfg(feature = "tls")]
    assert_config(
        own("grpcs://localhost:1").danger_accept_invalid_certs(),
        &["no effect with grpc_channel"],
    );
}

#[test]
#[cfg(feature = "hyper")]
fn hyper_goes_with_http_and_connections_of_this_crate_only() -> crate::Outcome {
    let hyper = |url: &str| Client::builder(url).hyper();
    hyper(HTTP)
        .connect_timeout(Duration::from_secs(1))
        .build()?;
    assert_config(
        hyper(HTTP).http_service(Silent),
        &["hyper has no effect with http_service", "omit one"],
    );
    #[cfg(feature = "http")]
    assert_config(
        hyper(HTTP).http_client(crate::own_client::builder()?.build()?),
        &["hyper has no effect with http_client", "omit one"],
    );
    if cfg!(feature = "grpc") {
        assert_config(hyper(GRPC), &["hyper needs an http or https URL"]);
    }
    Ok(())
}

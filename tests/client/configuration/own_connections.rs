//! HTTP clients and gRPC channels that the user provides.

use std::time::Duration;

use centrifugo_api::Client;

use super::{GRPC, HTTP, assert_config};

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
    if cfg!(feature = "http") {
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

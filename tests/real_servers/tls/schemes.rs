//! URLs whose scheme does not match the port.

use super::*;

const NO_TLS: &str = "does not speak TLS on this port: begin the URL with http:// or grpc://";
const TLS: &str = "speaks TLS on this port: begin the URL with https://";
const NOT_PLAIN_HTTP: &str = "With TLS, the URL begins with https://; gRPC has a port of its own";
const NOT_PLAIN_GRPC: &str =
    "is this the port of Centrifugo's gRPC API, 10000 by default, and without TLS?";
const NOT_HTTP: &str =
    "is this the port of Centrifugo's gRPC API? The HTTP API has another port, 8000 by default";
const NOT_GRPC: &str = "is this the port of Centrifugo's gRPC API, 10000 by default?";

#[tokio::test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn wrong_scheme_for_port_is_explained() -> Outcome {
    let authority = Authority::new()?;
    let plain = Server::start(Backend::Real(Version::V6)).await;
    let secured = start_with_tls(&authority.certify("127.0.0.1")?, &[]).await;
    let mut wrong = Vec::new();
    for (port, scheme, expected) in [
        (plain.http_port, "https", NO_TLS),
        (plain.http_port, "grpc", NOT_PLAIN_GRPC),
        (plain.http_port, "grpcs", NO_TLS),
        (plain.grpc_port, "http", NOT_PLAIN_HTTP),
        (plain.grpc_port, "https", NO_TLS),
        (plain.grpc_port, "grpcs", NO_TLS),
        (secured.http_port, "http", TLS),
        (secured.http_port, "grpc", NOT_PLAIN_GRPC),
        (secured.http_port, "grpcs", NOT_GRPC),
        (secured.grpc_port, "http", NOT_PLAIN_HTTP),
        (secured.grpc_port, "https", NOT_HTTP),
        (secured.grpc_port, "grpc", NOT_PLAIN_GRPC),
    ] {
        let builder =
            Client::builder(format!("{scheme}://127.0.0.1:{port}")).api_key("no server's key");
        let error = match scheme {
            "https" | "grpcs" => fails(builder.root_certificate(authority.pem())).await?,
            _ => fails(builder).await?,
        };
        if !error.to_string().contains(expected) {
            wrong.push(format!("{error}, not: {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

//! Serves the endpoints of client SDKs, and the key set for Centrifugo, with axum.
//!
//! `cargo run --example endpoints --features endpoints` serves on port 3001; `-- --once` asks itself and ends. [`adapter`] shows
//! how a framework without tower or `http` calls the same endpoints: actix-web, warp, or your own.

use std::error::Error;
use std::time::Duration;

use axum::Router;
use axum::http::request::Parts;
use centrifugo_token::endpoints::{
    ConnectionTokenEndpoint, JwksEndpoint, Reject, SharedPollEndpoint, SubscriptionTokenEndpoint,
};
use centrifugo_token::{
    ConnectionClaims, Expiry, Key, KeySet, SharedPollSecret, SubscriptionClaims, TrackedKeys,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A key for this example alone.
const KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
";

const LIFETIME: Duration = Duration::from_secs(600);

/// Returns the user of a request. A real application looks the session up.
fn user(head: &Parts) -> Result<String, Reject> {
    let user = head.headers.get("x-user").ok_or(Reject::Forbidden)?;
    let user = user.to_str().map_err(|_| Reject::Forbidden)?;
    Ok(user.to_owned())
}

fn router() -> Result<Router, centrifugo_token::Error> {
    let keys = KeySet::new(LIFETIME).publish(Key::from_pem(KEY)?)?;
    let connection = ConnectionTokenEndpoint::new(keys.clone(), |head| async move {
        let user = user(&head)?;
        Ok(ConnectionClaims::new(user, Expiry::after(LIFETIME)))
    });
    let subscription = SubscriptionTokenEndpoint::new(keys.clone(), |head, channel| async move {
        let user = user(&head)?;
        if !channel.starts_with("$news") {
            return Err(Reject::Forbidden);
        }
        Ok(SubscriptionClaims::user(user).channel(channel, Expiry::after(LIFETIME)))
    });
    let secret = SharedPollSecret::new("shared_poll_secret")?;
    let shared_poll = SharedPollEndpoint::new(secret, |head, request| async move {
        let keys = TrackedKeys::user(user(&head)?).channel(request.channel, request.keys);
        Ok((keys, Expiry::after(LIFETIME)))
    });
    Ok(Router::new()
        .route_service("/centrifugo/connection_token", connection)
        .route_service("/centrifugo/subscription_token", subscription)
        .route_service("/centrifugo/shared_poll", shared_poll)
        .route_service("/centrifugo/jwks", JwksEndpoint::new(keys)))
}

/// Calls endpoints for frameworks that have neither tower nor the types of `http` 1.
mod adapter {
    use axum::body::Bytes;
    use axum::http::{HeaderMap, Request};
    use http_body_util::{BodyExt as _, Full};
    use tower_service::Service;

    /// The response of an endpoint.
    pub(super) struct Reply {
        pub(super) status: u16,
        pub(super) headers: HeaderMap,
        pub(super) body: Bytes,
    }

    /// Calls an endpoint with a request whose parts are texts and bytes. Give the headers that your function looks at.
    pub(super) async fn call<S>(
        mut endpoint: S,
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Reply, Box<dyn std::error::Error>>
    where
        S: Service<
                Request<Full<Bytes>>,
                Response = axum::http::Response<Full<Bytes>>,
                Error = std::convert::Infallible,
            >,
    {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        // The endpoints are always ready.
        let response = endpoint
            .call(request.body(Full::new(Bytes::from(body)))?)
            .await?;
        let (head, body) = response.into_parts();
        Ok(Reply {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.collect().await?.to_bytes(),
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let is_test = std::env::args().any(|argument| argument == "--once");
    let port = if is_test { 0 } else { 3001 };
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    println!("http://{address}/centrifugo/connection_token");
    let server = axum::serve(listener, router()?).into_future();
    if !is_test {
        return Ok(server.await?);
    }

    let server = tokio::spawn(server);
    let mut stream = TcpStream::connect(address).await?;
    let request = "GET /centrifugo/connection_token HTTP/1.1\r\nHost: localhost\r\nX-User: 42\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await?;
    let mut response = String::new();
    stream.read_to_string(&mut response).await?;
    println!("{response}");
    server.abort();

    let endpoint = JwksEndpoint::new(KeySet::new(LIFETIME).publish(Key::from_pem(KEY)?)?);
    let reply = adapter::call(endpoint, "GET", "/jwks", &[], Vec::new()).await?;
    println!(
        "{} {:?}\n{}",
        reply.status,
        reply.headers,
        String::from_utf8_lossy(&reply.body)
    );
    Ok(())
}

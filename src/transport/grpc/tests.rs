//! Tests of names with several addresses, with clients of embedded servers.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use centrifugo_api_testing::Server;

use crate::api::messages::InfoRequest;
use crate::call::Retry;
use crate::client::{Client, ClientBuilder};
use crate::transport::Names;
#[cfg(feature = "_tls")]
use crate::transport::support::authority;
#[cfg(target_os = "linux")]
use crate::transport::support::blackhole;
use crate::transport::support::closed_port;
#[cfg(feature = "_tls")]
use crate::transport::support::front;
use crate::transport::support::front::{Front, Manner};

const SHORT: Duration = Duration::from_millis(500);

fn address(server: &Server) -> SocketAddr {
    let url = server.grpc_url();
    url.strip_prefix("grpc://").unwrap().parse().unwrap()
}

/// Returns the builder of a client of a name with those addresses.
fn client_of(scheme: &str, addresses: &[SocketAddr]) -> ClientBuilder {
    let addresses = addresses.to_vec();
    let names = Names::with_resolver(move |_, _| Ok(addresses.clone()));
    Client::builder(format!("{scheme}://centrifugo.invalid:10000"))
        .names(names)
        .retry(Retry::none())
}

#[tokio::test]
async fn client_stays_with_one_address() {
    let servers = [(); 4].map(|()| Server::start().unwrap());
    let client = client_of("grpc", &servers.each_ref().map(address));
    let client = client.api_key(servers[0].grpc_api_key()).build().unwrap();
    for _ in 0..20 {
        client.info(InfoRequest::new()).await.unwrap();
    }
    let calls = servers.map(|server| server.take_requests().len());
    assert_eq!(calls, [20, 0, 0, 0]);
}

#[tokio::test]
async fn address_that_refuses_connections_is_skipped() {
    let closed = closed_port::closed_port().unwrap();
    let server = Server::start().unwrap();
    let addresses = [closed.local_addr().unwrap(), address(&server)];
    let client = client_of("grpc", &addresses).api_key(server.grpc_api_key());
    client
        .build()
        .unwrap()
        .info(InfoRequest::new())
        .await
        .unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn address_that_swallows_connections_fails_no_call() {
    let blackhole = blackhole::Blackhole::start().await.unwrap();
    let server = Server::start().unwrap();
    let addresses = [blackhole.address, address(&server)];
    let mut fastest = Duration::MAX;
    // Nothing is known of the addresses of a new client. A busy machine delays some first calls, but not so many.
    for _ in 0..10 {
        let builder = client_of("grpc", &addresses).api_key(server.grpc_api_key());
        let client = builder.timeout(Duration::from_secs(2)).build().unwrap();
        let began = Instant::now();
        client.info(InfoRequest::new()).await.unwrap();
        let first = began.elapsed();
        assert!(first >= Duration::from_millis(250), "{first:?}");
        fastest = fastest.min(first);
        for _ in 0..5 {
            client.info(InfoRequest::new()).await.unwrap();
        }
        if fastest < Duration::from_millis(350) {
            break;
        }
    }
    assert!(fastest < Duration::from_millis(350), "{fastest:?}");
}

#[cfg(feature = "_tls")]
#[tokio::test]
async fn slow_handshakes_of_all_addresses_fail_no_call() {
    let server = Server::start().unwrap();
    let authority = authority::Authority::new().unwrap();
    let identity = authority.certify("centrifugo.invalid").unwrap().identity();
    let tls = front::acceptor(&identity).unwrap();
    let slow = |_| Manner::Slow(Duration::from_millis(1200));
    let first = Front::start(address(&server), Some(tls.clone()), slow)
        .await
        .unwrap();
    let second = Front::start(address(&server), Some(tls), slow)
        .await
        .unwrap();
    let client = client_of("grpcs", &[first.address, second.address])
        .api_key(server.grpc_api_key())
        .root_certificate(authority.pem())
        .build()
        .unwrap();
    client.info(InfoRequest::new()).await.unwrap();
    let made = first.connections() + second.connections();
    for _ in 0..5 {
        client.info(InfoRequest::new()).await.unwrap();
    }
    // The first call has made them: that which won, and those that lost.
    assert_eq!(first.connections() + second.connections(), made);
}

#[tokio::test]
async fn another_address_is_called_when_a_connection_went_silent() {
    let servers = [(); 2].map(|()| Server::start().unwrap());
    let front = Front::start(address(&servers[0]), None, |_| Manner::Pass)
        .await
        .unwrap();
    let client = client_of("grpc", &[front.address, address(&servers[1])])
        .api_key(servers[0].grpc_api_key())
        .timeout(SHORT)
        .build()
        .unwrap();
    client.info(InfoRequest::new()).await.unwrap();
    front.freeze();
    let error = client.info(InfoRequest::new()).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    for _ in 0..3 {
        client.info(InfoRequest::new()).await.unwrap();
    }
    assert_eq!(servers.map(|server| server.take_requests().len()), [1, 3]);
}

#[tokio::test]
async fn error_names_the_addresses_that_failed() {
    let closed = [(); 2].map(|()| closed_port::closed_port().unwrap());
    let addresses = closed.each_ref().map(|socket| socket.local_addr().unwrap());
    let client = client_of("grpc", &addresses).build().unwrap();
    let error = client.info(InfoRequest::new()).await.unwrap_err();
    assert!(error.is_network() && error.is_unsent(), "{error:?}");
    let [first, second] = addresses;
    let expected = format!("centrifugo.invalid:10000 at {first}, {second}: connection refused");
    assert!(error.to_string().contains(&expected), "{error}");
}

#[tokio::test]
async fn error_says_that_a_name_is_unknown() {
    let names = Names::with_resolver(|_, _| Err(io::ErrorKind::NotFound.into()));
    let client = Client::builder("grpc://centrifugo.invalid:10000").names(names);
    let client = client.retry(Retry::none()).build().unwrap();
    let error = client.info(InfoRequest::new()).await.unwrap_err();
    assert!(error.is_network() && error.is_unsent(), "{error:?}");
    assert!(
        error
            .to_string()
            .contains("the host name cannot be resolved"),
        "{error}"
    );
}

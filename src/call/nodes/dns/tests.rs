//! Tests of names with several addresses, with clients of embedded servers.

use std::collections::HashSet;

use centrifugo_api_testing::Server;

use super::*;
use crate::api::messages::InfoRequest;
use crate::call::Retry;
use crate::client::Client;

const HTTP: &str = "http://centrifugo.invalid/api";
const GRPC: &str = "grpc://centrifugo.invalid:10000";

/// Returns clients whose host has just been looked up.
fn clients(server: &Server) -> [Client; 2] {
    [(HTTP, server.api_key()), (GRPC, server.grpc_api_key())].map(|(url, key)| {
        let client = Client::builder(url)
            .api_key(key)
            .retry(Retry::none())
            .build()
            .unwrap();
        client.inner().nodes.lookups.end();
        client
    })
}

fn address(server: &Server) -> SocketAddr {
    let url = server.grpc_url();
    url.strip_prefix("grpc://").unwrap().parse().unwrap()
}

fn addresses(servers: &[&Server]) -> Vec<Option<BTreeSet<SocketAddr>>> {
    vec![Some(servers.iter().map(|server| address(server)).collect())]
}

#[tokio::test]
async fn calls_are_spread_over_the_addresses_of_a_name() {
    let first = Server::start().unwrap();
    let second = Server::start().unwrap();
    for client in clients(&first) {
        client.inner().nodes.update(addresses(&[&first, &second]));
        for _ in 0..10 {
            client.info(InfoRequest::new()).await.unwrap();
        }
        assert_eq!(
            [&first, &second].map(|server| server.take_requests().len()),
            [5, 5]
        );
    }
}

#[tokio::test]
async fn address_without_a_listener_is_skipped() {
    let first = Server::start().unwrap();
    let second = Server::start().unwrap();
    let found = addresses(&[&first, &second]);
    drop(second);
    for client in clients(&first) {
        client.inner().nodes.update(found.clone());
        for _ in 0..10 {
            client.info(InfoRequest::new()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn error_names_address() {
    let server = Server::start().unwrap();
    let found = addresses(&[&server, &Server::start().unwrap()]);
    for client in clients(&server) {
        client.inner().nodes.update(found.clone());
        let nodes = client.inner().nodes.current();
        assert!(
            nodes
                .iter()
                .any(|node| node.origin.1 == Some(address(&server)))
        );
    }
    drop(server);
    let server = Server::start().unwrap();
    for client in clients(&server) {
        client.inner().nodes.update(found.clone());
        let error = client.info(InfoRequest::new()).await.unwrap_err();
        let names_address = found[0]
            .iter()
            .flatten()
            .any(|address| error.to_string().contains(&format!("at {address}")));
        assert!(names_address && error.is_unsent(), "{error}");
    }
}

#[tokio::test]
async fn nodes_that_stay_are_kept() {
    let a = &Server::start().unwrap();
    let b = &Server::start().unwrap();
    let c = &Server::start().unwrap();
    for client in clients(a) {
        let nodes = &client.inner().nodes;
        let addresses_now = || -> HashSet<_> {
            let current = nodes.current();
            current.iter().map(|node| node.origin.1).collect()
        };
        let alone = nodes.current();
        nodes.update(addresses(&[a, b]));
        let before = nodes.current();
        nodes.update(addresses(&[b, c]));
        let after = nodes.current();
        assert_eq!(
            addresses_now(),
            [b, c].map(|server| Some(address(server))).into()
        );
        let kept = after
            .iter()
            .filter(|node| before.iter().any(|known| Arc::ptr_eq(known, node)));
        assert_eq!(kept.count(), 1);
        // A failed lookup.
        nodes.update(vec![None]);
        assert_eq!(
            addresses_now(),
            [b, c].map(|server| Some(address(server))).into()
        );
        nodes.update(addresses(&[b]));
        assert!(Arc::ptr_eq(&nodes.current()[0], &alone[0]) && nodes.current().len() == 1);
    }
}

#[tokio::test]
async fn lookups_run_one_at_a_time() {
    let clients = clients(&Server::start().unwrap());
    let nodes = &clients[0].inner().nodes;
    assert!(!nodes.lookups.start_if_due(), "a lookup has just ended");
    nodes.lookups.state().last = Instant::now().checked_sub(REFRESH_WHEN_DOWN);
    assert!(!nodes.lookups.start_if_due(), "the last lookup is recent");
    nodes.lookups.hurry();
    assert!(nodes.lookups.start_if_due());
    nodes.lookups.hurry();
    assert!(!nodes.lookups.start_if_due(), "another lookup is running");
    let before = nodes.current();
    look_up(
        LookupGuard(Arc::downgrade(nodes)),
        vec![Some(("localhost".to_owned(), 1))],
    )
    .await;
    assert!(!nodes.lookups.state().is_running);
    assert!(nodes.lookups.state().last.unwrap().elapsed() < REFRESH_WHEN_DOWN);
    let found = tokio::net::lookup_host(("localhost", 1))
        .await
        .unwrap()
        .collect::<BTreeSet<_>>();
    assert_eq!(nodes.current().len(), found.len());
    assert_eq!(
        Arc::ptr_eq(&nodes.current()[0], &before[0]),
        found.len() == 1
    );
}

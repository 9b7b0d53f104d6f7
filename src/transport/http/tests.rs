//! Tests of hosts with several addresses, and of lookups, with clients of embedded servers.

use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use centrifugo_api_testing::Server;

use crate::api::messages::InfoRequest;
use crate::call::Retry;
use crate::client::{Client, ClientBuilder};
use crate::transport::Names;
use crate::transport::support::authority::Authority;
use crate::transport::support::blackhole::Blackhole;
use crate::transport::support::front::{Front, Manner, acceptor};

/// A host without a port, so that the addresses keep theirs.
const URL: &str = "http://centrifugo.invalid/api";

/// The time after which the next address is dialled.
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

/// Longer than any call here takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn address(server: &Server) -> SocketAddr {
    let url = server.grpc_url();
    url.strip_prefix("grpc://").unwrap().parse().unwrap()
}

/// Returns the builder of a client of a host that has these addresses.
fn builder(url: &str, server: &Server, addresses: &[SocketAddr]) -> ClientBuilder {
    let addresses = addresses.to_vec();
    Client::builder(url)
        .api_key(server.api_key())
        .retry(Retry::none())
        .timeout(PATIENCE)
        .names(Names::with_resolver(move |_, _| Ok(addresses.clone())))
}

/// Makes a call, and returns how long it took.
async fn call(client: &Client) -> Duration {
    let started = Instant::now();
    client.info(InfoRequest::new()).await.unwrap();
    started.elapsed()
}

async fn front(server: &Server, manner: fn(usize) -> Manner) -> Front {
    Front::start(address(server), None, manner).await.unwrap()
}

#[tokio::test]
async fn address_that_does_not_reply_holds_up_one_call_for_a_moment() {
    let dead = Blackhole::start().await.unwrap();
    let server = Server::start().unwrap();
    let mut fastest = Duration::MAX;
    // A busy machine delays some calls, but not the first ones of so many clients.
    for _ in 0..10 {
        let client = builder(URL, &server, &[dead.address, address(&server)])
            .timeout(Duration::from_secs(2))
            .build()
            .unwrap();
        let first = call(&client).await;
        assert!(first >= NEXT_ADDRESS, "{first:?}");
        fastest = fastest.min(first);
        if fastest < Duration::from_millis(350) {
            break;
        }
    }
    assert!(fastest < Duration::from_millis(350), "{fastest:?}");
}

#[tokio::test]
async fn address_that_does_not_reply_is_not_dialled_by_later_calls() {
    let dead = Blackhole::start().await.unwrap();
    let server = Server::start().unwrap();
    let alive = front(&server, |_| Manner::Pass).await;
    // Each call dials.
    let client = builder(URL, &server, &[dead.address, alive.address])
        .idle_timeout(Duration::from_millis(1))
        .build()
        .unwrap();
    call(&client).await;
    let mut slow = 0;
    for calls in 1..=10 {
        alive
            .wait_for(|seen| seen.ended == seen.connections && seen.connections >= calls)
            .await;
        let took = call(&client).await;
        slow += usize::from(took >= NEXT_ADDRESS);
    }
    // Only a busy machine delays any of them.
    assert!(slow <= 5, "{slow} calls are slow");
}

#[tokio::test]
async fn address_that_does_not_reply_fails_no_concurrent_call() {
    let dead = Blackhole::start().await.unwrap();
    let server = Server::start().unwrap();
    let client = builder(URL, &server, &[dead.address, address(&server)])
        .build()
        .unwrap();
    let calls = (0..20).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { call(&client).await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
}

#[tokio::test]
async fn addresses_that_refuse_are_passed_over_at_once() {
    let server = Server::start().unwrap();
    let closed: Vec<_> = (0..5)
        .map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    let mut addresses: Vec<_> = closed
        .iter()
        .map(|closed| closed.local_addr().unwrap())
        .collect();
    drop(closed);
    addresses.push(address(&server));
    let client = builder(URL, &server, &addresses).build().unwrap();
    let took = call(&client).await;
    assert!(took < Duration::from_secs(3), "{took:?}");
    addresses.pop();
    let client = builder(URL, &server, &addresses).build().unwrap();
    let error = client.info(InfoRequest::new()).await.unwrap_err();
    assert!(error.is_network() && error.is_unsent(), "{error:?}");
    let text = error.to_string();
    assert!(
        addresses
            .iter()
            .all(|address| text.contains(&address.to_string())),
        "{text}"
    );
}

#[tokio::test]
async fn rare_calls_stay_with_one_address() {
    let server = Server::start().unwrap();
    let mut fronts = Vec::new();
    for _ in 0..4 {
        fronts.push(front(&server, |_| Manner::Pass).await);
    }
    let addresses: Vec<_> = fronts.iter().map(|front| front.address).collect();
    // Each answer begins with another address, as those of many name servers do.
    let answer = Mutex::new(addresses);
    let names = Names::with_resolver(move |_, _| {
        let mut answer = answer.lock().unwrap();
        answer.rotate_left(1);
        Ok(answer.clone())
    });
    let names = Arc::new(names);
    let client = builder(URL, &server, &[])
        .names(Arc::clone(&names))
        .idle_timeout(Duration::from_millis(20))
        .build()
        .unwrap();
    for _ in 0..5 {
        call(&client).await;
        // Longer than a connection stays idle: the next call connects.
        tokio::time::sleep(Duration::from_millis(60)).await;
        names.expire();
    }
    let connections = fronts.iter().map(Front::connections);
    let used = connections.filter(|connections| *connections > 0);
    assert_eq!(used.count(), 1);
}

#[tokio::test]
async fn slow_handshakes_at_all_addresses_fail_no_call() {
    const SLOW: Duration = Duration::from_millis(1200);
    let server = Server::start().unwrap();
    let authority = Authority::new().unwrap();
    let certified = authority.certify("centrifugo.invalid").unwrap();
    let tls = acceptor(&certified.identity()).unwrap();
    let mut fronts = Vec::new();
    for _ in 0..2 {
        let slow = |_| Manner::Slow(SLOW);
        fronts.push(
            Front::start(address(&server), Some(tls.clone()), slow)
                .await
                .unwrap(),
        );
    }
    let addresses: Vec<_> = fronts.iter().map(|front| front.address).collect();
    let builder = builder("https://centrifugo.invalid/api", &server, &addresses);
    let client = builder
        .root_certificate(authority.pem())
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap();
    for _ in 0..10 {
        call(&client).await;
    }
}

#[tokio::test]
async fn address_of_a_connection_that_went_silent_is_left() {
    let server = Server::start().unwrap();
    let first = front(&server, |_| Manner::Pass).await;
    let second = front(&server, |_| Manner::Pass).await;
    let client = builder(URL, &server, &[first.address, second.address])
        .build()
        .unwrap();
    call(&client).await;
    assert_eq!(second.connections(), 0);
    first.freeze();
    let hurried = client.with_timeout(Duration::from_millis(500));
    let error = hurried.info(InfoRequest::new()).await.unwrap_err();
    assert!(error.is_timeout() && !error.is_unsent(), "{error:?}");
    let made = first.connections();
    call(&client).await;
    assert_eq!(first.connections(), made);
}

#[tokio::test]
async fn address_that_is_too_old_is_looked_up_and_not_called() {
    let server = Server::start().unwrap();
    let old = front(&server, |_| Manner::Pass).await;
    let new = front(&server, |_| Manner::Pass).await;
    let current = Arc::new(Mutex::new(old.address));
    let resolved = Arc::clone(&current);
    let names = Names::with_resolver(move |_, _| Ok(vec![*resolved.lock().unwrap()]));
    let names = Arc::new(names);
    let client = builder(URL, &server, &[])
        .names(Arc::clone(&names))
        .idle_timeout(Duration::from_millis(1))
        .build()
        .unwrap();
    call(&client).await;
    *current.lock().unwrap() = new.address;
    names.expire();
    old.wait_for(|seen| seen.ended == seen.connections).await;
    let made = old.connections();
    call(&client).await;
    assert_eq!(old.connections(), made);
    assert!(new.connections() > 0);
}

#[tokio::test]
async fn host_that_is_not_known_is_named_with_the_reason() {
    let server = Server::start().unwrap();
    let unknown = |_: &str, _| Err(io::Error::other("no such host"));
    let client = builder(URL, &server, &[])
        .names(Names::with_resolver(unknown))
        .build()
        .unwrap();
    let error = client.info(InfoRequest::new()).await.unwrap_err();
    assert!(error.is_network() && error.is_unsent(), "{error:?}");
    assert!(
        error
            .to_string()
            .contains("the host name cannot be resolved"),
        "{error}"
    );
}

/// Makes a call with each kind of client, whose lookup never ends. Then says the time, before the clients and their
/// runtimes end.
fn call_in_vain() {
    let hung = || {
        Names::with_resolver(|_, _| {
            loop {
                thread::park();
            }
        })
    };
    let server = Server::start().unwrap();
    let builder = || {
        let builder = builder(URL, &server, &[]).names(hung());
        builder.timeout(Duration::from_millis(100))
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let client = builder().build().unwrap();
    let error = runtime
        .block_on(client.info(InfoRequest::new()))
        .unwrap_err();
    assert!(error.is_timeout() && error.is_unsent(), "{error:?}");
    let blocking = builder().build_blocking().unwrap();
    blocking.info(InfoRequest::new()).unwrap_err();
    #[allow(clippy::print_stdout)]
    {
        println!("\nends at {}.", now());
    }
}

/// Returns the time in milliseconds, as other processes know it too.
fn now() -> u128 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis()
}

/// Runs `call_in_vain` in a process of its own, and returns how long its end took in milliseconds.
fn time_of_exit(test: &str, variable: &str) -> u128 {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(variable, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("ends at ") {
        line.clear();
        let read = output.read_line(&mut line).unwrap();
        assert!(read > 0, "the process ends too early");
    }
    let ends = line.trim_start_matches("ends at ").trim_end_matches(".\n");
    let ends: u128 = ends.parse().unwrap();
    let began = Instant::now();
    while process.try_wait().unwrap().is_none() {
        if began.elapsed() > PATIENCE {
            process.kill().unwrap();
            panic!("the process does not end");
        }
        thread::sleep(Duration::from_millis(1));
    }
    now() - ends
}

#[test]
fn lookup_that_hangs_does_not_hold_up_the_exit() {
    const CHILD: &str = "CENTRIFUGO_API_TEST_EXIT";
    if std::env::var(CHILD).is_ok() {
        return call_in_vain();
    }
    let test = "transport::http::tests::lookup_that_hangs_does_not_hold_up_the_exit";
    let mut fastest = u128::MAX;
    // A busy machine delays the end of some processes, but not of so many.
    for _ in 0..10 {
        fastest = fastest.min(time_of_exit(test, CHILD));
        if fastest < 50 {
            return;
        }
    }
    panic!("the exit took {fastest} ms");
}

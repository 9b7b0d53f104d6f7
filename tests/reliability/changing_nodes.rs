//! Nodes that change while the client runs: set by the application, or found by its function.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use centrifugo_api::observe::{CallObserver, CallStart, NodeChange, Observer};
use centrifugo_api::{Client, ClientBuilder, Error, PublishRequest, Retry};
use centrifugo_api_testing::{Fault, Server};

use crate::fake_server::eventually;
use crate::sniffer::Sniffer;
use crate::{Outcome, PATIENCE, called};

/// Two servers, their URLs, and the builder of a client of the first one.
struct Pair {
    servers: [Server; 2],
    urls: [String; 2],
    builder: ClientBuilder,
}

/// Returns two servers for each transport.
fn pairs() -> Result<[Pair; 2], Error> {
    let servers = || Ok::<_, Error>([Server::start()?, Server::start()?]);
    let (http, grpc) = (servers()?, servers()?);
    let of_http = Pair {
        urls: [http[0].url(), http[1].url()],
        builder: http[0].client_builder().retry(Retry::none()),
        servers: http,
    };
    let of_grpc = Pair {
        urls: [grpc[0].grpc_url(), grpc[1].grpc_url()],
        builder: grpc[0].grpc_client_builder().retry(Retry::none()),
        servers: grpc,
    };
    Ok([of_http, of_grpc])
}

async fn publish(client: &Client, times: usize) -> Result<(), Error> {
    for _ in 0..times {
        client.publish(PublishRequest::new("news", "1")).await?;
    }
    Ok(())
}

/// Returns the number of calls of each server since it was asked last.
fn counts(servers: &[Server; 2]) -> [usize; 2] {
    let count = |server: &Server| called(server).len();
    [count(&servers[0]), count(&servers[1])]
}

#[tokio::test]
async fn calls_go_to_the_new_nodes_of_all_clones() -> Outcome {
    for pair in pairs()? {
        let client = pair.builder.build()?;
        let clone = client.clone();
        publish(&clone, 2).await?;
        assert_eq!(counts(&pair.servers), [2, 0]);
        client.set_endpoints([&pair.urls[1]])?;
        publish(&clone, 2).await?;
        assert_eq!(counts(&pair.servers), [0, 2]);
        client.set_endpoints(&pair.urls)?;
        publish(&clone, 2).await?;
        assert_eq!(counts(&pair.servers), [1, 1]);
        assert!(format!("{client:?}").contains(&pair.urls[1]));
    }
    Ok(())
}

#[tokio::test]
async fn node_that_stays_keeps_its_connection() -> Outcome {
    for pair in pairs()? {
        let address = |url: &str| {
            let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
            rest.trim_end_matches("/api").to_owned()
        };
        let real = address(&pair.urls[0]);
        let sniffer = Sniffer::to(&real).await?;
        let watched = pair.urls[0].replace(&real, &sniffer.address.to_string());
        let client = pair.builder.build()?;
        client.set_endpoints([&watched])?;
        publish(&client, 1).await?;
        client.set_endpoints([&watched, &pair.urls[1]])?;
        publish(&client, 4).await?;
        client.set_endpoints([&watched])?;
        publish(&client, 1).await?;
        assert_eq!(sniffer.seen().peers.len(), 1);
        assert_eq!(counts(&pair.servers), [4, 2]);
    }
    Ok(())
}

#[tokio::test]
async fn call_in_flight_ends_on_the_node_that_is_left() -> Outcome {
    for pair in pairs()? {
        let [first, _] = &pair.servers;
        first.fail_next(1, Fault::delay(Duration::from_millis(200)))?;
        let client = pair.builder.build()?;
        let left = async {
            eventually("the call arrives", || {
                first.unused_faults().is_empty().then_some(())
            })
            .await;
            client.set_endpoints([&pair.urls[1]])
        };
        let (published, set) = tokio::join!(publish(&client, 1), left);
        published?;
        set?;
        assert_eq!(counts(&pair.servers), [1, 0]);
    }
    Ok(())
}

#[tokio::test]
async fn wrong_nodes_are_refused_and_nothing_changes() -> Outcome {
    let [http, grpc] = pairs()?;
    let [http_url, grpc_url] = [http.urls[1].clone(), grpc.urls[1].clone()];
    for (pair, other) in [(http, grpc_url), (grpc, http_url)] {
        let client = pair.builder.build()?;
        let cases: [(&[&str], &str); 4] = [
            (&[], "a client needs a node"),
            (&["not a url"], "not a url"),
            (&[&other], "its scheme differs"),
            (&[&pair.urls[1], &pair.urls[1]], "given twice"),
        ];
        for (urls, problem) in cases {
            let error = client.set_endpoints(urls.iter().copied()).unwrap_err();
            assert!(matches!(error, Error::Config(_)), "{error:?}");
            assert!(error.to_string().contains(problem), "{error}");
        }
        publish(&client, 1).await?;
        assert_eq!(counts(&pair.servers), [1, 0]);
    }
    Ok(())
}

#[tokio::test]
async fn first_call_goes_to_the_nodes_that_the_function_finds() -> Outcome {
    for pair in pairs()? {
        let asked = Arc::new(AtomicUsize::new(0));
        let (counter, found) = (Arc::clone(&asked), pair.urls[1].clone());
        let find = move || {
            counter.fetch_add(1, Ordering::SeqCst);
            let found = found.clone();
            async move {
                // The other calls get their turn, and wait.
                tokio::task::yield_now().await;
                Ok::<_, Error>(vec![found])
            }
        };
        let builder = pair
            .builder
            .endpoints_provider(Duration::from_secs(3600), find);
        let client = builder.build()?;
        let (one, other) = tokio::join!(publish(&client, 2), publish(&client, 2));
        one?;
        other?;
        assert_eq!(counts(&pair.servers), [0, 4]);
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
    Ok(())
}

#[tokio::test]
async fn function_is_asked_again_when_its_time_has_passed() -> Outcome {
    for pair in pairs()? {
        let found = Arc::new(Mutex::new(pair.urls[0].clone()));
        let current = Arc::clone(&found);
        let find = move || {
            let url = current
                .lock()
                .expect("no test panics while it holds the lock")
                .clone();
            std::future::ready(Ok::<_, Error>(vec![url]))
        };
        let builder = pair
            .builder
            .endpoints_provider(Duration::from_nanos(1), find);
        let client = builder.build()?;
        publish(&client, 1).await?;
        assert_eq!(counts(&pair.servers), [1, 0]);
        *found
            .lock()
            .expect("no test panics while it holds the lock") = pair.urls[1].clone();
        // No call waits for the function any more: one of the next calls takes what it found.
        let changes = async {
            while counts(&pair.servers)[1] == 0 {
                publish(&client, 1).await?;
            }
            Ok::<_, Error>(())
        };
        tokio::time::timeout(PATIENCE, changes).await??;
    }
    Ok(())
}

#[tokio::test]
async fn nodes_stay_while_the_function_fails_hangs_or_panics() -> Outcome {
    type Found = Result<Vec<String>, std::io::Error>;
    fn broken(builder: ClientBuilder, number: usize) -> ClientBuilder {
        let every = Duration::from_secs(3600);
        match number {
            0 => builder.endpoints_provider(every, || async {
                Found::Err(std::io::Error::other("the registry is down"))
            }),
            1 => builder.endpoints_provider(every, || async { Found::Ok(Vec::new()) }),
            2 => builder.endpoints_provider(every, || -> std::future::Ready<Found> {
                panic!("this test wants to see a panic")
            }),
            _ => builder
                .timeout(Duration::from_millis(500))
                .endpoints_provider(every, pending::<Found>),
        }
    }
    for number in 0..4 {
        for pair in pairs()? {
            let client = broken(pair.builder, number).build()?;
            publish(&client, 2).await?;
            assert_eq!(counts(&pair.servers), [2, 0]);
        }
    }
    Ok(())
}

#[test]
fn function_without_a_time_is_refused() -> Outcome {
    for pair in pairs()? {
        let find = || async { Ok::<_, Error>(Vec::new()) };
        let builder = pair.builder.endpoints_provider(Duration::ZERO, find);
        let error = builder.build().unwrap_err().to_string();
        assert!(
            error.contains("the time of endpoints_provider is zero"),
            "{error}"
        );
    }
    Ok(())
}

/// A function that is slower than the calls is not asked anew by each of them.
#[tokio::test]
async fn slow_function_is_heard_in_the_end() -> Outcome {
    for pair in pairs()? {
        let found = pair.urls[1].clone();
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let find = move || {
            counter.fetch_add(1, Ordering::SeqCst);
            let found = found.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(300)).await;
                Ok::<_, Error>(vec![found])
            }
        };
        let builder = pair.builder.timeout(Duration::from_millis(100));
        let builder = builder.endpoints_provider(Duration::from_secs(3600), find);
        let client = builder.build()?;
        let changes = async {
            while counts(&pair.servers)[1] == 0 {
                publish(&client, 1).await?;
            }
            Ok::<_, Error>(())
        };
        tokio::time::timeout(PATIENCE, changes).await??;
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
    Ok(())
}

/// Changes the nodes of a client whenever one of them comes back.
#[derive(Clone, Default)]
struct Meddler(Arc<Mutex<Option<(Client, String)>>>);

impl Observer for Meddler {
    fn call(&self, _: &CallStart<'_>) -> Option<Arc<dyn CallObserver>> {
        None
    }

    fn node(&self, change: &NodeChange<'_>) {
        let client = self
            .0
            .lock()
            .expect("no test panics while it holds the lock")
            .clone();
        if let Some((client, url)) = client.filter(|_| change.is_up) {
            client.set_endpoints([url]).expect("the URL is valid");
        }
    }
}

#[tokio::test]
async fn observer_may_change_the_nodes() -> Outcome {
    for pair in pairs()? {
        let meddler = Meddler::default();
        let builder = pair
            .builder
            .endpoint(&pair.urls[1])
            .observer(meddler.clone());
        let client = builder.build()?;
        drop(pair.servers);
        for _ in 0..2 {
            publish(&client, 1).await.unwrap_err();
        }
        let own = (client.clone(), pair.urls[1].clone());
        *meddler
            .0
            .lock()
            .expect("no test panics while it holds the lock") = Some(own);
        client.set_endpoints([&pair.urls[0]])?;
        *meddler
            .0
            .lock()
            .expect("no test panics while it holds the lock") = None;
    }
    Ok(())
}

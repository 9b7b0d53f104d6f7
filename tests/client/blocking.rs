//! The blocking client: used from threads and in async code, and dropped anywhere.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use centrifugo_api::blocking::Client;
use centrifugo_api::*;
use prost::Message as _;
use tokio::runtime::Builder;

use crate::fake_grpc::{FakeGrpc, Reply as GrpcReply};
use crate::fake_http::{Answer, FakeHttp};
use crate::server::{Backend, Server, Transport};
use crate::{Outcome, one_thread};

const TRANSPORTS: [Transport; 2] = [Transport::Http, Transport::Grpc];

/// Makes a test of each behaviour on the embedded server and on Centrifugo 6.9.1:
/// `BEHAVIOUR::SERVER`.
macro_rules! on_each_server {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn embedded() -> crate::Outcome {
                super::$name(super::start(crate::server::Backend::Embedded))
            }

            #[test]
            #[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
            fn centrifugo_6_9_1() -> crate::Outcome {
                use crate::server::{Backend, Version};
                super::$name(super::start(Backend::Real(Version::V6)))
            }
        }
    )+};
}

on_each_server!(
    calls_from_a_plain_thread,
    clones_serve_many_threads_at_once,
    calls_within_a_runtime_of_one_thread,
    calls_within_a_runtime_of_several_threads,
    client_made_within_async_code_is_used_outside_and_dropped_within,
    client_is_dropped_anywhere,
    server_restarted_between_calls_is_called_again,
    stopped_server_is_a_network_error_until_it_is_back,
);

fn start(backend: Backend) -> Server {
    one_thread().block_on(Server::start(backend))
}

/// Returns a client over each transport.
fn clients(server: &Server) -> Result<[Client; 2], Error> {
    let [http, grpc] =
        TRANSPORTS.map(|transport| server.client_builder(transport).build_blocking());
    Ok([http?, grpc?])
}

fn publish(client: &Client, channel: &str) -> Result<u64, Error> {
    Ok(client.publish(PublishRequest::new(channel, "1"))?.offset)
}

/// Makes a call of each kind.
fn use_all(client: &Client) -> Outcome {
    client.history_remove(HistoryRemoveRequest::new("plain:use"))?;
    let offset = publish(client, "plain:use")?;
    assert_eq!(
        client.call(PublishRequest::new("plain:use", "2"))?.offset,
        offset + 1
    );
    let (history, presence) = client.batch((
        HistoryRequest::new("plain:use"),
        PresenceRequest::new("nohist:a"),
    ))?;
    assert_eq!(
        (history?.offset, presence.map_err(|error| error.code)),
        (offset + 1, Err(108))
    );
    let result = client.broadcast(BroadcastRequest::new(["unknown:a", "plain:use"], "3"))?;
    assert_eq!(
        result
            .failed()
            .map(|(channel, _)| channel)
            .collect::<Vec<_>>(),
        ["unknown:a"]
    );
    let pages = client.history_pages(HistoryRequest::new("plain:use").limit(2));
    let sizes: Result<Vec<_>, Error> = pages
        .map(|page| match page? {
            Page::Page(page) => Ok(page.publications.len()),
            _ => Ok(usize::MAX),
        })
        .collect();
    assert_eq!(sizes?, [2, 1]);
    assert!(matches!(publish(client, "unknown:a"), Err(Error::Api(error)) if error.code == 102));
    Ok(())
}

fn calls_from_a_plain_thread(server: Server) -> Outcome {
    for client in clients(&server)? {
        use_all(&client)?;
    }
    let [http, grpc] = clients(&server)?;
    let result: serde_json::Value = http.call_raw(
        "publish",
        &serde_json::json!({"channel": "plain:a", "data": 1}),
    )?;
    assert_eq!(result["offset"], 1);
    let publish = serde_json::json!({"publish": {"channel": "plain:a", "data": 2}});
    let commands = serde_json::json!({"commands": [publish, {"publish": {}}]});
    let result: serde_json::Value = http.call_raw("batch", &commands)?;
    assert_eq!(result["replies"][0]["publish"]["offset"], 2, "{result}");
    assert_eq!(result["replies"][1]["error"]["code"], 107, "{result}");
    assert!(
        grpc.call_raw::<_, serde_json::Value>("info", &serde_json::json!({}))
            .is_err_and(|error| error.is_unsent())
    );
    Ok(())
}

fn clones_serve_many_threads_at_once(server: Server) -> Outcome {
    const THREADS: usize = 8;
    const CALLS: usize = 50;
    for (name, client) in ["http", "grpc"].iter().zip(clients(&server)?) {
        let together = Barrier::new(THREADS);
        thread::scope(|scope| {
            for number in 0..THREADS {
                let client = client.clone();
                let together = &together;
                scope.spawn(move || {
                    together.wait();
                    for call in 1..=CALLS {
                        let offset = publish(&client, &format!("plain:{name}-{number}"))
                            .expect("it is published");
                        assert_eq!(offset, call as u64);
                    }
                });
            }
        });
    }
    Ok(())
}

#[test]
fn slow_call_does_not_block_another_thread() -> Outcome {
    let fake = FakeHttp::by(|request| {
        if request.body.contains("slow") {
            Answer::json(r#"{"result":{}}"#).after(Duration::from_secs(1))
        } else {
            Answer::json(r#"{"result":{}}"#)
        }
    });
    let client = Client::new(fake.url(), "key")?;
    let started = Instant::now();
    let slow = thread::spawn({
        let client = client.clone();
        move || publish(&client, "slow")
    });
    while fake.requests().is_empty() {
        thread::yield_now();
    }
    for _ in 0..20 {
        publish(&client, "quick")?;
    }
    assert!(started.elapsed() < Duration::from_secs(1) && !slow.is_finished());
    slow.join().map_err(|_| "it panicked")??;
    Ok(())
}

fn calls_within_a_runtime_of_one_thread(server: Server) -> Outcome {
    one_thread().block_on(async {
        for client in clients(&server)? {
            use_all(&client)?;
        }
        Ok(())
    })
}

fn calls_within_a_runtime_of_several_threads(server: Server) -> Outcome {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(async {
            for client in clients(&server)? {
                use_all(&client)?;
                let tasks: Vec<_> = (0..4)
                    .map(|number| {
                        let client = client.clone();
                        tokio::spawn(
                            async move { publish(&client, &format!("plain:task-{number}")) },
                        )
                    })
                    .collect();
                for task in tasks {
                    task.await??;
                }
                tokio::task::spawn_blocking(move || {
                    use_all(&client).map_err(|error| error.to_string())
                })
                .await??;
            }
            Ok(())
        })
}

fn client_made_within_async_code_is_used_outside_and_dropped_within(server: Server) -> Outcome {
    one_thread().block_on(async {
        for client in clients(&server)? {
            publish(&client, "plain:a")?;
            let client = thread::spawn(move || publish(&client, "plain:a").map(|_| client)).join();
            let client = client.map_err(|_| "it panicked")??;
            tokio::spawn(async move {
                publish(&client, "plain:a").map(drop)
                // Dropped here, in a task.
            })
            .await??;
        }
        Ok(())
    })
}

fn client_is_dropped_anywhere(server: Server) -> Outcome {
    for call_before in [false, true] {
        for client in clients(&server)? {
            if call_before {
                publish(&client, "plain:a")?;
            }
            let clone = client.clone();
            let another = client.with_timeout(Duration::from_secs(5));
            drop(client);
            thread::spawn(move || drop(another))
                .join()
                .map_err(|_| "it panicked")?;
            let runtime = Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()?;
            runtime.block_on(async move {
                publish(&clone, "plain:a").map(drop)
                // The last one is dropped here.
            })?;
        }
    }
    Ok(())
}

#[test]
fn client_is_dropped_while_a_clone_calls() -> Outcome {
    let fake = FakeHttp::always(
        Answer::json(r#"{"result":{"offset":7}}"#).after(Duration::from_millis(200)),
    );
    let client = Client::new(fake.url(), "key")?;
    let call = thread::spawn({
        let client = client.clone();
        move || publish(&client, "a")
    });
    drop(client);
    assert_eq!(call.join().map_err(|_| "it panicked")??, 7);
    Ok(())
}

#[test]
fn timeout_is_kept() -> Outcome {
    let http = FakeHttp::always(Answer::silence());
    let grpc = FakeGrpc::always(GrpcReply::silence());
    for url in [http.url(), grpc.url()] {
        let client = Client::builder(url)
            .timeout(Duration::from_millis(100))
            .build_blocking()?;
        for client in [
            client.clone(),
            Client::with_timeout(&client, Duration::from_millis(50)),
        ] {
            let started = Instant::now();
            let error = publish(&client, "a").expect_err("the server never answers");
            assert!(
                error.is_timeout() && started.elapsed() < Duration::from_secs(5),
                "{error:?}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn timeout_is_kept_within_async_code() -> Outcome {
    let fake = FakeHttp::always(Answer::silence());
    let client = Client::builder(fake.url())
        .timeout(Duration::from_millis(100))
        .build_blocking()?;
    assert!(publish(&client, "a").is_err_and(|error| error.is_timeout()));
    Ok(())
}

#[test]
fn connection_is_reused() -> Outcome {
    let http = FakeHttp::always(Answer::json(r#"{"result":{"offset":7}}"#));
    let mut published = PublishResponse::default();
    published.merge(&[0x12, 0x02, 0x08, 0x07][..])?;
    let grpc = FakeGrpc::always(GrpcReply::ok(&published));
    let connections = || http.connections() + grpc.connections();
    for url in [http.url(), grpc.url()] {
        let client = Client::new(url, "key")?;
        publish(&client, "a")?;
        // More than one if the first dial took long.
        let made = connections();
        for _ in 0..10 {
            assert_eq!(publish(&client, "a")?, 7);
            assert_eq!(publish(&client.clone(), "a")?, 7);
        }
        let others = client.clone();
        let calls =
            thread::spawn(move || (0..10).try_for_each(|_| publish(&others, "a").map(drop)));
        calls.join().map_err(|_| "it panicked")??;
        // In async code too, where another thread makes the call.
        let runtime = Builder::new_current_thread().build()?;
        runtime.block_on(async { (0..10).try_for_each(|_| publish(&client, "a").map(drop)) })?;
        assert_eq!(connections(), made);
    }
    assert_eq!((http.requests().len(), grpc.requests().len()), (41, 41));
    Ok(())
}

fn server_restarted_between_calls_is_called_again(mut server: Server) -> Outcome {
    let runtime = one_thread();
    for client in clients(&server)? {
        for round in 0..3 {
            assert_eq!(
                publish(&client, "plain:a").map_err(|error| format!("round {round}: {error:?}"))?,
                1
            );
            runtime.block_on(server.restart());
        }
    }
    Ok(())
}

fn stopped_server_is_a_network_error_until_it_is_back(mut server: Server) -> Outcome {
    let runtime = one_thread();
    for client in clients(&server)? {
        publish(&client, "plain:a")?;
        server.kill();
        for _ in 0..3 {
            let error = publish(&client, "plain:a").expect_err("the server is stopped");
            assert!(error.is_network(), "{error:?}");
        }
        runtime.block_on(server.restart());
        publish(&client, "plain:a")?;
    }
    Ok(())
}

#[test]
fn client_is_shared_like_any_value() {
    fn is_shared<T: Clone + Send + Sync + std::fmt::Debug + 'static>() {}
    is_shared::<Client>();
    let client =
        Arc::new(Client::new("http://localhost:8000/api", "hunter2").expect("the client is built"));
    assert!(!format!("{client:?}").contains("hunter2"));
}

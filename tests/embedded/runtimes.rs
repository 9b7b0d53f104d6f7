//! The server is used from one runtime, from several, and from none.

use std::sync::mpsc;
use std::thread;

use centrifugo_api::{Error, HistoryRequest, PublishRequest, blocking};
use centrifugo_api_testing::Server;

use crate::{Outcome, PATIENCE, describe, events_so_far, publish, start};

fn blocking_clients(server: &Server) -> Result<[blocking::Client; 2], Error> {
    Ok([
        server.client_builder().build_blocking()?,
        server.grpc_client_builder().build_blocking()?,
    ])
}

/// Runs something that may hang in a thread, and fails if it does.
fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(work()));
    receiver.recv_timeout(PATIENCE).expect("the thread ends")
}

#[test]
fn blocking_clients_need_no_runtime() -> Outcome {
    let server = start();
    let mut alice = server.connect("alice");
    alice.subscribe("news")?;
    for (offset, client) in (1..).zip(blocking_clients(&server)?) {
        assert_eq!(
            client.publish(PublishRequest::new("news", "1"))?.offset,
            offset
        );
        assert_eq!(client.history(HistoryRequest::new("news"))?.offset, offset);
    }
    let seen = in_time(move || {
        (0..3)
            .filter_map(|_| alice.blocking_next())
            .map(|event| describe(&event))
            .collect::<Vec<_>>()
    });
    assert_eq!(seen, ["news: alice joined", "news: 1 1", "news: 2 1"]);
    Ok(())
}

#[test]
fn waiting_for_an_event_in_a_thread_ends_with_it() -> Outcome {
    let server = start();
    let mut alice = server.connect("alice");
    alice.subscribe("news")?;
    assert_eq!(events_so_far(&mut alice), ["news: alice joined"]);
    let client = server.client_builder().build_blocking()?;
    let publishing = thread::spawn(move || client.publish(PublishRequest::new("news", "1")));
    let event = in_time(move || alice.blocking_next()).expect("an event");
    publishing.join().expect("the thread ends")?;
    assert_eq!(describe(&event), "news: 1 1");
    Ok(())
}

#[test]
fn threads_share_a_server() -> Outcome {
    let server = start();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|index| {
                let server = &server;
                scope.spawn(move || -> Result<(), Error> {
                    let client = &blocking_clients(server)?[index % 2];
                    (0..50).try_for_each(|_| {
                        client.publish(PublishRequest::new("news", "1")).map(drop)
                    })
                })
            })
            .collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().expect("the thread ends"))
    })?;
    let client = &blocking_clients(&server)?[0];
    assert_eq!(client.history(HistoryRequest::new("news"))?.offset, 400);
    Ok(())
}

#[tokio::test(flavor = "current_thread")]
async fn server_answers_while_the_runtime_of_the_test_is_blocked() -> Outcome {
    let server = start();
    let client = server.client_builder().build_blocking()?;
    assert_eq!(
        thread::spawn(move || client.publish(PublishRequest::new("news", "1")))
            .join()
            .expect("the thread ends")?
            .offset,
        1
    );
    assert_eq!(publish(&server.client(), "news", "2").await?, 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_share_a_server() -> Outcome {
    let server = start();
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..64 {
        let client = if index % 2 == 0 {
            server.client()
        } else {
            server.grpc_client()
        };
        tasks.spawn(async move { publish(&client, "news", "1").await });
    }
    while let Some(offset) = tasks.join_next().await {
        assert!((1..=64).contains(&offset??));
    }
    assert_eq!(publish(&server.client(), "news", "1").await?, 65);
    Ok(())
}

#[test]
fn runtimes_one_after_another_use_the_same_server() -> Outcome {
    let server = start();
    for offset in 1..=3 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        assert_eq!(
            runtime.block_on(publish(&server.client(), "news", "1"))?,
            offset
        );
    }
    Ok(())
}

#[test]
fn server_is_started_in_one_runtime_and_dropped_in_another() -> Outcome {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
    };
    let server = runtime()?.block_on(async { start() });
    runtime()?.block_on(async move {
        let offset = publish(&server.client(), "news", "1").await;
        drop(server);
        assert_eq!(offset?, 1);
        Ok(())
    })
}

//! Runtimes: a client belongs to no runtime and serves several, also at the same time.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Barrier, LazyLock, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use centrifugo_api::prost::Message as _;
use centrifugo_api::{Client, Error, PublishRequest, PublishResponse, PublishResult};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::fake_grpc::{FakeGrpc, Reply};
use crate::fake_http::{Answer, FakeHttp};
use crate::fake_server::{PATIENCE, eventually};
use crate::{Outcome, one_thread};

/// A server that answers the publications of all tests.
static HTTP: LazyLock<FakeHttp> =
    LazyLock::new(|| FakeHttp::always(Answer::json(r#"{"result":{"offset":7}}"#)));
static GRPC: LazyLock<FakeGrpc> = LazyLock::new(|| {
    let mut response = PublishResponse::default();
    response
        .merge(&[0x12, 0x02, 0x08, 0x07][..])
        .expect("the bytes are protobuf");
    FakeGrpc::always(Reply::ok(&response))
});

static HTTP_CLIENT: LazyLock<Client> = LazyLock::new(|| client(&HTTP.url()));
static GRPC_CLIENT: LazyLock<Client> = LazyLock::new(|| client(&GRPC.url()));

fn client(url: &str) -> Client {
    Client::new(url, "key").expect("the client is built")
}

/// Returns the static client of each transport that is compiled in.
fn static_clients() -> Vec<&'static Client> {
    let clients = [
        (&HTTP_CLIENT, cfg!(feature = "_http")),
        (&GRPC_CLIENT, cfg!(feature = "grpc")),
    ];
    clients
        .into_iter()
        .filter(|(_, compiled)| *compiled)
        .map(|(client, _)| &**client)
        .collect()
}

/// Returns a new client of each transport that is compiled in.
fn new_clients() -> Vec<Client> {
    let mut clients = Vec::new();
    if cfg!(feature = "_http") {
        clients.push(client(&HTTP.url()));
    }
    if cfg!(feature = "grpc") {
        clients.push(client(&GRPC.url()));
    }
    clients
}

async fn publish(client: &Client) -> Result<PublishResult, Error> {
    client.publish(PublishRequest::new("news", "{}")).await
}

async fn succeed(client: &Client, calls: usize) {
    for _ in 0..calls {
        assert_eq!(publish(client).await.expect("the call succeeds").offset, 7);
    }
}

fn two_threads() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime starts")
}

#[test]
fn clients_are_built_and_dropped_outside_a_runtime() {
    assert!(Handle::try_current().is_err());
    for client in new_clients() {
        drop(client.with_timeout(PATIENCE));
        one_thread().block_on(succeed(&client, 1));
        drop(client);
    }
}

#[test]
fn static_client_serves_runtimes_one_after_another() {
    for client in static_clients() {
        for _ in 0..5 {
            one_thread().block_on(succeed(client, 3));
            two_threads().block_on(succeed(client, 3));
        }
    }
}

#[test]
fn static_client_serves_runtimes_at_the_same_time() {
    for client in static_clients() {
        let together = Barrier::new(6);
        thread::scope(|scope| {
            for number in 0..6 {
                let together = &together;
                scope.spawn(move || {
                    let runtime = if number % 2 == 0 {
                        one_thread()
                    } else {
                        two_threads()
                    };
                    together.wait();
                    for _ in 0..20 {
                        runtime.block_on(succeed(client, 5));
                        thread::yield_now();
                    }
                });
            }
        });
    }
}

#[test]
fn client_serves_a_runtime_after_another_is_dropped() {
    for client in new_clients() {
        let first = two_threads();
        let second = one_thread();
        let third = two_threads();
        for runtime in [&first, &second, &third] {
            runtime.block_on(succeed(&client, 2));
        }
        drop(first);
        second.block_on(succeed(&client, 2));
        third.shutdown_background();
        second.block_on(succeed(&client, 2));
        drop(second);
        one_thread().block_on(succeed(&client, 2));
    }
}

#[test]
fn runtime_that_is_dropped_during_a_call_does_no_harm() {
    let silent = FakeHttp::always(Answer::silence());
    let silent_grpc = FakeGrpc::always(Reply::silence());
    let urls = [
        (silent.url(), cfg!(feature = "_http")),
        (silent_grpc.url(), cfg!(feature = "grpc")),
    ];
    for (url, _) in urls.into_iter().filter(|(_, compiled)| *compiled) {
        let client = client(&url);
        let calls = || silent.requests().len() + silent_grpc.requests().len();
        for runtime in [one_thread(), two_threads()] {
            let before = calls();
            let call = client.clone();
            runtime.spawn(async move { publish(&call).await });
            runtime.block_on(eventually("the call", || (calls() > before).then_some(())));
            drop(runtime);
        }
        let hasty = client.with_timeout(Duration::from_millis(50));
        assert!(
            one_thread()
                .block_on(publish(&hasty))
                .is_err_and(|error| error.is_timeout())
        );
    }
}

#[test]
fn runtime_that_is_not_polled_does_not_block_another() {
    for client in new_clients() {
        let idle = one_thread();
        let busy = one_thread();
        idle.block_on(succeed(&client, 1));
        // From here on nothing polls the tasks of the first runtime.
        busy.block_on(succeed(&client, 3));
        thread::sleep(Duration::from_millis(50));
        busy.block_on(succeed(&client, 3));
        idle.block_on(succeed(&client, 3));
    }
}

#[test]
fn many_clones_in_many_tasks_do_not_disturb_one_another() {
    for client in static_clients() {
        for runtime in [one_thread(), two_threads()] {
            runtime.block_on(async {
                let tasks: Vec<_> = (0..200)
                    .map(|_| {
                        let client = client.clone();
                        tokio::spawn(async move { succeed(&client, 3).await })
                    })
                    .collect();
                for task in tasks {
                    task.await.expect("no task panics");
                }
            });
        }
    }
}

#[test]
fn futures_of_calls_are_send_and_static() {
    fn spawnable<F: Future + Send + 'static>(_: F) {}
    fn shareable<T: Send + Sync + Clone + 'static>(_: &T) {}
    for client in new_clients() {
        shareable(&client);
        spawnable(async move { publish(&client).await });
    }
}

/// Runs a future without a runtime.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park_timeout(PATIENCE),
        }
    }
}

#[test]
fn call_outside_tokio_is_an_error_that_says_so() {
    for client in new_clients() {
        let error = block_on(publish(&client)).expect_err("a call without a runtime succeeds");
        assert!(
            matches!(error, Error::Config(_)) && error.is_unsent(),
            "{error:?}"
        );
        assert!(error.to_string().contains("tokio runtime"), "{error}");
        one_thread().block_on(succeed(&client, 1));
    }
}

#[test]
fn call_outside_tokio_succeeds_in_an_entered_runtime() {
    let runtime = two_threads();
    for client in new_clients() {
        let _entered = runtime.enter();
        assert_eq!(
            block_on(publish(&client))
                .expect("the call succeeds")
                .offset,
            7
        );
    }
}

#[test]
fn dropped_client_leaves_no_tasks() {
    for runtime in [one_thread(), two_threads()] {
        runtime.block_on(async {
            let alive = || Handle::current().metrics().num_alive_tasks();
            let before = alive();
            let clients = new_clients();
            for client in &clients {
                succeed(&client.clone(), 3).await;
            }
            assert!(alive() > before, "connections have tasks");
            drop(clients);
            eventually("the end of the tasks", || (alive() == before).then_some(())).await;
        });
    }
}

#[test]
fn clones_and_calls_add_no_tasks() {
    one_thread().block_on(async {
        let alive = || Handle::current().metrics().num_alive_tasks();
        for client in new_clients() {
            succeed(&client, 1).await;
            let after_one = alive();
            for _ in 0..20 {
                succeed(&client.clone().with_timeout(PATIENCE), 1).await;
            }
            eventually("the same number of tasks", || {
                (alive() <= after_one).then_some(())
            })
            .await;
        }
    });
}

/// Waits for the result of a thread, so that a test that hangs fails.
fn in_time<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(run()));
    receiver.recv_timeout(PATIENCE).ok()
}

#[test]
fn first_call_in_a_runtime_that_shuts_down_does_not_hang() -> Outcome {
    for client in new_clients() {
        let runtime = two_threads();
        let elsewhere = client.clone();
        let (shut_down, is_shut_down) = mpsc::channel::<()>();
        let (ended, end) = mpsc::channel::<()>();
        runtime.spawn(async move {
            let _ended = ended;
            // The task keeps running during the shutdown because nothing can interrupt it.
            let _ = is_shut_down.recv();
            let _ = publish(&client).await;
        });
        thread::sleep(Duration::from_millis(50));
        runtime.shutdown_background();
        drop(shut_down);
        let outcome = end.recv_timeout(PATIENCE);
        assert_eq!(
            outcome,
            Err(mpsc::RecvTimeoutError::Disconnected),
            "the call hangs"
        );
        in_time(move || one_thread().block_on(succeed(&elsewhere, 1))).ok_or("the client hangs")?;
    }
    Ok(())
}

#[test]
fn runtime_without_time_or_io_is_an_error_that_says_so() {
    let build = |builder: &mut Builder| builder.build().expect("a runtime starts");
    let runtimes = || {
        [
            build(&mut Builder::new_current_thread()),
            build(Builder::new_current_thread().enable_io()),
            build(Builder::new_current_thread().enable_time()),
            build(Builder::new_multi_thread().worker_threads(2)),
        ]
    };
    for client in new_clients() {
        for runtime in runtimes() {
            let in_task = client.clone();
            let outcomes = [
                runtime.block_on(publish(&client)),
                runtime.block_on(async {
                    tokio::spawn(async move { publish(&in_task).await })
                        .await
                        .expect("no call panics")
                }),
                // A second time, on a thread that knows the runtime.
                runtime.block_on(publish(&client)),
            ];
            for outcome in outcomes {
                let error = outcome.expect_err("a call without time or I/O succeeds");
                assert!(
                    matches!(error, Error::Config(_)) && error.is_unsent(),
                    "{error:?}"
                );
                assert!(error.to_string().contains("enable_all()"), "{error}");
            }
        }
        one_thread().block_on(succeed(&client, 1));
    }
}

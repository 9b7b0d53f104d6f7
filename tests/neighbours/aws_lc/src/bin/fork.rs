//! Blocking clients and random keys in forked processes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use centrifugo_api::blocking::Client;
use centrifugo_api::{Error, InfoRequest, PublishRequest, Retry};
use centrifugo_api_testing::Server;
use fork::Fork;

fn main() {
    if std::env::args().nth(1).is_some() {
        return serve();
    }
    let (_server, urls) = start_server();
    for url in &urls {
        client_that_made_calls_is_refused_in_a_child(url);
        client_without_calls_serves_a_child(url);
    }
    keys_of_children_differ("http://127.0.0.1:1/api");
}

/// A server's process, which is killed when this is dropped.
struct ServerProcess(Child);

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a server in a process of its own, so that this one has no other threads than it starts.
fn start_server() -> (ServerProcess, Vec<String>) {
    let program = std::env::current_exe().expect("the program has a path");
    let mut server = Command::new(program)
        .arg("serve")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the server starts");
    let output = BufReader::new(server.stdout.take().expect("its output is piped"));
    let urls = output
        .lines()
        .take(2)
        .collect::<Result<_, _>>()
        .expect("the server prints its URLs");
    (ServerProcess(server), urls)
}

/// Prints the URLs of a server, and runs it until the process is killed.
fn serve() {
    let server = Server::builder()
        .api_key("key")
        .start()
        .expect("the server starts");
    println!("{}\n{}", server.url(), server.grpc_url());
    loop {
        thread::park();
    }
}

fn client_that_made_calls_is_refused_in_a_child(url: &str) {
    let mut client = Some(new_client(url));
    succeed(client.as_ref().expect("it is taken only in the child"));
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let parent = client.clone().expect("it is taken only in the child");
        let stop = &stop;
        // The child gets the locks and connections as this thread has them at the time of the fork.
        scope.spawn(move || {
            while !stop.load(Ordering::SeqCst) {
                succeed(&parent)
            }
        });
        for _ in 0..10 {
            in_child(|| {
                let client = client.take().expect("each child has a copy");
                let outcomes = [
                    client.info(InfoRequest::new()).map(drop),
                    client
                        .with_retry(Retry::none())
                        .info(InfoRequest::new())
                        .map(drop),
                    client.close(std::time::Duration::from_secs(1)),
                ];
                for outcome in outcomes {
                    let error = outcome.expect_err("the connections are those of the parent");
                    assert!(
                        matches!(error, Error::Config(_)) && error.is_unsent(),
                        "{error:?}"
                    );
                    assert!(error.to_string().contains("after the fork"), "{error}");
                }
                succeed(&new_client(url));
                drop(client);
            });
        }
        stop.store(true, Ordering::SeqCst);
    });
    succeed(client.as_ref().expect("it is taken only in the child"));
}

fn client_without_calls_serves_a_child(url: &str) {
    let client = new_client(url);
    in_child(|| succeed(&client));
    succeed(&client);
    in_child(|| assert!(client.info(InfoRequest::new()).is_err()));
}

fn keys_of_children_differ(url: &str) {
    let key = || {
        let client = Client::builder(url).retry(Retry::none().idempotency_keys());
        let client = client.build_blocking().expect("the client is built");
        let error = client
            .publish(PublishRequest::new("news", "1"))
            .expect_err("nobody listens");
        error
            .idempotency_key()
            .expect("the error has the key")
            .to_owned()
    };
    // A generator in this process would be seeded now.
    let mut keys = vec![key()];
    for _ in 0..3 {
        let (mut reader, mut writer) = std::io::pipe().expect("there is a pipe");
        in_child(|| {
            writer
                .write_all(key().as_bytes())
                .expect("the parent reads")
        });
        drop(writer);
        let mut key = String::new();
        reader
            .read_to_string(&mut key)
            .expect("the child writes a key");
        keys.push(key);
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 4, "{keys:?}");
}

fn new_client(url: &str) -> Client {
    Client::new(url, "key").expect("the client is built")
}

fn succeed(client: &Client) {
    client.info(InfoRequest::new()).expect("the call succeeds");
}

/// Runs a function in a forked process, and waits for its success.
fn in_child(run: impl FnOnce()) {
    match fork::fork().expect("the process is forked") {
        Fork::Child => {
            let succeeded = catch_unwind(AssertUnwindSafe(run)).is_ok();
            std::process::exit(if succeeded { 0 } else { 1 });
        }
        Fork::Parent(child) => assert_eq!(
            fork::waitpid(child).expect("the child ends"),
            0,
            "its wait status"
        ),
    }
}

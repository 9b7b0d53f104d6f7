//! The allocations of a whole call and the size of its future: `cargo bench --all-features --bench
//! calls`.
//!
//! Only allocations on the client's thread are counted: the embedded server has its own thread. Connections are warm, and
//! creating the request is part of the call. On Linux the cost of being observed follows, with the time of that thread.
#![allow(clippy::print_stdout)]

#[cfg(all(target_os = "linux", feature = "metrics", feature = "opentelemetry"))]
#[path = "support/observed.rs"]
mod observed;

use centrifugo_api::{BroadcastRequest, Error, HistoryRequest, PublishRequest};
use centrifugo_api_testing::Server;
use tokio::runtime::Runtime;

const CALLS: usize = 200;
/// The number of commands in a batch, of channels in a broadcast, and of publications in the
/// history.
const PARTS: usize = 100;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let server = Server::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    println!(
        "{:<30} {:>12} {:>10} {:>14}",
        "", "allocations", "bytes", "future, bytes"
    );
    for (transport, client) in [("HTTP", server.client()), ("gRPC", server.grpc_client())] {
        let name = |call: &str| format!("{transport}, {call}");
        let channel = format!("history-{transport}");
        runtime
            .block_on(client.batch(vec![publish(&channel); PARTS]))?
            .all_ok()?;
        measure(&runtime, &name("publish"), || {
            client.publish(publish("news"))
        })?;
        measure(&runtime, &name("call of a publish"), || {
            client.call(publish("news"))
        })?;
        measure(&runtime, &name("history of 100"), || {
            client.history(HistoryRequest::new(&channel).limit(-1))
        })?;
        measure(&runtime, &name("batch of 100"), || {
            client.batch(vec![publish("news"); PARTS])
        })?;
        measure(&runtime, &name("batch of a tuple of 2"), || {
            client.batch((publish("news"), publish("news")))
        })?;
        measure(&runtime, &name("broadcast to 100"), || {
            client.broadcast(BroadcastRequest::new(["news"; PARTS], r#"{"n":1}"#))
        })?;
    }
    #[cfg(all(target_os = "linux", feature = "metrics", feature = "opentelemetry"))]
    observed::print(&runtime, &server)?;
    Ok(())
}

fn publish(channel: &str) -> PublishRequest {
    PublishRequest::new(channel, r#"{"n":1}"#)
}

/// Makes calls, and prints the costs of one.
fn measure<F, T>(runtime: &Runtime, name: &str, call: impl Fn() -> F) -> Outcome
where
    F: Future<Output = Result<T, Error>>,
{
    let calls = async || {
        for _ in 0..CALLS {
            call().await?;
        }
        Ok::<_, Error>(())
    };
    runtime.block_on(calls())?;
    let mut outcome = Ok(());
    let counted = allocation_counter::measure(|| outcome = runtime.block_on(calls()));
    outcome?;
    let count = counted.count_total as f64 / CALLS as f64;
    let bytes = counted.bytes_total / CALLS as u64;
    println!(
        "{name:<30} {count:>12.1} {bytes:>10} {:>14}",
        size_of_val(&call())
    );
    Ok(())
}

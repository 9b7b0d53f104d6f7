//! Drives a Centrifugo server with cent, the official Rust client.

mod batches;
mod broadcasts;
mod clients;
mod errors;
mod histories;
mod maps;
mod peer;
mod pro;
mod publishes;
mod state;

use std::pin::Pin;
use std::process::ExitCode;

use peer::{Outcome, Peer};

type Check = fn(Peer) -> Pin<Box<dyn Future<Output = Outcome> + Send>>;

macro_rules! checks {
    ($($module:ident: $($name:ident),+;)+) => {
        &[$($((stringify!($name), |peer| Box::pin($module::$name(peer)))),+),+]
    };
}

const CHECKS: &[(&str, Check)] = checks!(
    publishes: publish, publish_without_history, publish_with_idempotency_key, publish_with_version,
        publish_with_tags, payloads, large_payload, concurrent_publishes, binary_data,
        binary_data_that_json_cannot_carry, binary_namespace;
    broadcasts: broadcast, broadcast_to_an_unknown_namespace, broadcast_with_retry;
    histories: history, history_of_an_empty_channel, history_limit_since_and_reverse,
        history_of_another_epoch, history_remove, large_history;
    state: presence_of_an_empty_channel, channels, info, users_who_are_not_connected;
    errors: errors_of_an_unknown_namespace, errors_of_bad_requests, errors_of_what_is_off, other_errors,
        wrong_key, wrong_address;
    batches: batch, batch_of_which_parts_fail, automatic_batches, empty_batch;
    maps: map_publish_and_read, map_publish_that_changes_nothing, map_state_page_by_page, map_remove,
        map_stream, map_of_another_epoch, map_clear, map_methods_elsewhere, shared_poll_publish;
    pro: pro_methods;
    clients: blocking_client, bounded_calls;
);

async fn run(peer: Peer) -> ExitCode {
    for (name, check) in CHECKS {
        match tokio::spawn(check(peer.clone())).await {
            Ok(Ok(())) => println!("ok {name}"),
            Ok(Err(error)) => {
                eprintln!("FAILED {name}: an unexpected error: {error}");
                return ExitCode::FAILURE;
            }
            Err(_) => {
                eprintln!("FAILED {name}: see above");
                return ExitCode::FAILURE;
            }
        }
    }
    println!("{} checks passed", CHECKS.len());
    ExitCode::SUCCESS
}

fn main() -> ExitCode {
    match (Peer::from_env(), tokio::runtime::Runtime::new()) {
        (Ok(peer), Ok(runtime)) => runtime.block_on(run(peer)),
        (Err(error), _) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
        (_, Err(error)) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

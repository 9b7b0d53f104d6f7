//! The cost of writing requests and reading replies, without a network: `cargo bench --all-features
//! --bench messages`.
//!
//! HTTP carries JSON, and gRPC carries protobuf. Allocations are printed first, then times.
#![allow(clippy::print_stdout)]
#![allow(missing_docs)] // of the code that Criterion's macros generate

use std::hint::black_box;
use std::time::Duration;

use allocation_counter::AllocationInfo;
use centrifugo_api::bytes::Bytes;
use centrifugo_api::prost::Message as _;
use centrifugo_api::{
    BatchRequest, BatchResponse, BroadcastRequest, BroadcastResponse, HistoryRequest,
    HistoryResponse, HistoryResult, Method, Publication, PublishRequest, PublishResponse,
    PublishResult, Reply, api,
};
use criterion::{Criterion, criterion_group, criterion_main};

/// The number of commands in a batch and of channels in a broadcast.
const PARTS: usize = 10_000;
const PUBLICATIONS: usize = 1_000;
const EPOCH: &str = "XyZw";

fn publish() -> PublishRequest {
    PublishRequest::new("bench:news", r#"{"n":1}"#)
}

fn channels() -> Vec<String> {
    (0..PARTS)
        .map(|number| format!("bench:{number:05}"))
        .collect()
}

fn batch() -> BatchRequest {
    let requests = channels()
        .into_iter()
        .map(|channel| PublishRequest::new(channel, r#"{"n":1}"#));
    BatchRequest::new(requests)
}

fn broadcast() -> BroadcastRequest {
    BroadcastRequest::new(channels(), r#"{"n":1}"#)
}

/// Returns a message with some fields set. A schema may have further fields.
fn with<T: Default>(set: impl FnOnce(&mut T)) -> T {
    let mut message = T::default();
    set(&mut message);
    message
}

fn published() -> PublishResult {
    with(|result: &mut PublishResult| {
        result.offset = 1;
        result.epoch = EPOCH.to_owned();
    })
}

fn publish_response() -> PublishResponse {
    with(|response: &mut PublishResponse| response.result = Some(published()))
}

fn batch_response() -> BatchResponse {
    with(|response: &mut BatchResponse| {
        let reply = || with(|reply: &mut Reply| reply.publish = Some(published().into()));
        response.replies = std::iter::repeat_with(reply).take(PARTS).collect();
    })
}

fn broadcast_response() -> BroadcastResponse {
    with(|response: &mut BroadcastResponse| {
        response.result = Some(with(|result: &mut api::BroadcastResult| {
            result.responses = std::iter::repeat_with(publish_response)
                .take(PARTS)
                .collect();
        }));
    })
}

fn history_response() -> HistoryResponse {
    let data = format!(r#""{}""#, "x".repeat(254));
    let publication = |offset| {
        with(|publication: &mut Publication| {
            publication.data = data.clone().into();
            publication.offset = offset;
        })
    };
    with(|response: &mut HistoryResponse| {
        response.result = Some(with(|result: &mut HistoryResult| {
            result.publications = (1..).map(publication).take(PUBLICATIONS).collect();
            result.offset = PUBLICATIONS as u64;
            result.epoch = EPOCH.to_owned();
        }));
    })
}

/// Passes each piece of work with its name to `measure`.
fn each(measure: &mut dyn FnMut(&str, &mut dyn FnMut())) {
    measure("publish/make", &mut || drop(black_box(publish())));
    measure("batch of 10,000/make", &mut || drop(black_box(batch())));
    exchange("publish", &publish(), &publish_response(), measure);
    exchange("batch of 10,000", &batch(), &batch_response(), measure);
    exchange(
        "broadcast to 10,000",
        &broadcast(),
        &broadcast_response(),
        measure,
    );
    exchange(
        "history of 1,000",
        &HistoryRequest::new("bench:news").limit(-1),
        &history_response(),
        measure,
    );
}

/// Measures writing a request and reading its reply.
fn exchange<M: Method>(
    name: &str,
    request: &M,
    response: &M::Response,
    measure: &mut dyn FnMut(&str, &mut dyn FnMut()),
) where
    M::Response: PartialEq + serde::Serialize,
{
    let json = serde_json::to_vec(response).unwrap_or_default();
    let protobuf = Bytes::from(response.encode_to_vec());
    let decode = || M::Response::decode(protobuf.clone());
    assert!(
        serde_json::from_slice::<M::Response>(&json).is_ok_and(|read| decode() == Ok(read)),
        "{name}"
    );
    measure(&format!("{name}/write JSON"), &mut || {
        drop(black_box(serde_json::to_vec(request)))
    });
    measure(&format!("{name}/write protobuf"), &mut || {
        drop(black_box(request.encode_to_vec()))
    });
    measure(&format!("{name}/read JSON"), &mut || {
        drop(black_box(serde_json::from_slice::<M::Response>(&json)));
    });
    measure(&format!("{name}/read protobuf"), &mut || {
        drop(black_box(decode()))
    });
}

fn allocations() {
    println!(
        "{:<36} {:>12} {:>12} {:>12}",
        "", "allocations", "bytes", "peak bytes"
    );
    each(&mut |name, work| {
        let AllocationInfo {
            count_total,
            bytes_total,
            bytes_max,
            ..
        } = allocation_counter::measure(work);
        println!("{name:<36} {count_total:>12} {bytes_total:>12} {bytes_max:>12}");
    });
}

fn times(criterion: &mut Criterion) {
    allocations();
    each(&mut |name, work| {
        criterion.bench_function(name, |bencher| bencher.iter(&mut *work));
    });
}

criterion_group! {
    name = messages;
    config = Criterion::default().measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(500));
    targets = times
}
criterion_main!(messages);

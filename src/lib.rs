//! A client for the server API of [Centrifugo](https://centrifugal.dev), the real-time messaging server.
//!
//! A backend uses it to publish into channels, to read their history and presence, to subscribe and disconnect
//! users, and for all else that the API offers. Every method is generated from Centrifugo's `api.proto` and is
//! called the same way over HTTP and over gRPC.
//!
//! # A first call
//!
//! ```no_run
//! use centrifugo_api::{Client, PublishRequest, json};
//!
//! #[derive(serde::Serialize)]
//! struct Message {
//!     text: String,
//! }
//!
//! # async fn run() -> Result<(), centrifugo_api::Error> {
//! let client = Client::new("http://localhost:8000/api", "secret")?;
//! let message = Message { text: "hello".to_owned() };
//! let result = client.publish(PublishRequest::new("news", json(&message)?)).await?;
//! println!("published at offset {}", result.offset);
//! # Ok(()) }
//! ```
//!
//! The [`Client`] connects when it is first called. It is cheap to clone: make one, and share it.
//! [`Client::builder`] has the options. The URL's scheme picks the transport: `http`, `https`, `grpc` or `grpcs`.
//!
//! # Requests
//!
//! A method takes its request: [`Client::history`] a [`HistoryRequest`]. `new` takes what Centrifugo requires,
//! and a setter under the name of each field the rest; the fields are public too.
//!
//! ```
//! use centrifugo_api::{HistoryRequest, StreamPosition, SubscribeOptionOverride, SubscribeRequest};
//!
//! let request = HistoryRequest::new("news").limit(100).since(StreamPosition::new(7, "epoch"));
//! assert_eq!(request.limit, 100);
//!
//! let request = SubscribeRequest::new("alice", "news").r#override(SubscribeOptionOverride::new().presence(true));
//! ```
//!
//! # Payloads
//!
//! What is published, and the other fields of type [`Bytes`](bytes::Bytes), are payloads. [`json`] makes one from
//! any value that serde serializes; strings and bytes of JSON are taken as they are. [`PayloadExt::decode`] reads
//! one. Over HTTP a payload must be JSON, which is checked before anything is sent; over gRPC it is any bytes.
//! [`binary`] carries any bytes over both, where Centrifugo offers that.
//!
//! # Results and errors
//!
//! A call answers the result itself, or an [`Error`]: one enum for both transports. Errors say what went wrong,
//! which option to fix, and whether the call may have run on the server all the same.
//!
//! ```no_run
//! use centrifugo_api::{ApiError, Client, PresenceRequest};
//!
//! # async fn run(client: Client) -> Result<(), centrifugo_api::Error> {
//! match client.presence(PresenceRequest::new("news")).await {
//!     Ok(result) => println!("{} clients", result.presence.len()),
//!     Err(error) if error.api_code() == Some(ApiError::NOT_AVAILABLE) => println!("presence is off"),
//!     Err(error) if error.is_retryable() => println!("try again: {error}"),
//!     Err(error) => return Err(error),
//! }
//! # Ok(()) }
//! ```
//!
//! [`Client::broadcast`] and [`Client::batch`] do not fail when a part of them does: each part of the result has
//! its own outcome, in the order of the request, and their number is checked. A batch takes a tuple of requests of
//! any types and answers a tuple of results:
//!
//! ```no_run
//! use centrifugo_api::{BroadcastRequest, Client, HistoryRequest, PresenceRequest};
//!
//! # async fn run(client: Client) -> Result<(), centrifugo_api::Error> {
//! let (presence, history) = client.batch((PresenceRequest::new("news"), HistoryRequest::new("news"))).await?;
//! println!("{} clients, offset {}", presence?.presence.len(), history?.offset);
//!
//! let result = client.broadcast(BroadcastRequest::new(["news", "sports"], r#"{"text":"hello"}"#)).await?;
//! for (channel, error) in result.failed() {
//!     println!("{channel}: {error}");
//! }
//! # Ok(()) }
//! ```
//!
//! Long results come page by page: [`Client::history_pages`] and its sisters.
//!
//! # Time
//!
//! A whole call, connecting, reading and retries included, takes at most 10 s, or what [`ClientBuilder::timeout`],
//! [`Client::with_timeout`] and [`Client::with_deadline`] say. A call that was given up may still run on the server;
//! one with an `idempotency_key` can be repeated without publishing twice, which the client itself does: [`Retry`].
//!
//! # Features
//!
//! - `http` (default): the HTTP transport, on reqwest.
//! - `tls` (default): `https` and `grpcs` URLs, on rustls, with the certificates that the system trusts.
//! - `grpc`: the gRPC transport, on tonic.
//! - `blocking`: `blocking::Client`, the same methods for code without async.
//! - `gzip`: `ClientBuilder::grpc_gzip`, compression over gRPC.
//!
//! With neither transport the crate is the messages, their JSON, the [`Method`] trait and [`METHODS`].
//!
//! # Another schema
//!
//! The variable `CENTRIFUGO_API_PROTO`, set to the absolute path of an `api.proto` when the crate is built, builds
//! it from that schema: of an older Centrifugo (v5.0 and later), a newer one, or one with methods added.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::print_stderr, clippy::print_stdout)]
// A schema's message may have the name of an item here: it is then found in `api` alone.
#![allow(hidden_glob_reexports)]

pub mod api;
mod batch;
#[cfg(all(feature = "blocking", feature = "_transport"))]
#[cfg_attr(docsrs, doc(cfg(feature = "blocking")))]
pub mod blocking;
mod broadcast;
#[cfg(feature = "_transport")]
mod builder;
#[cfg(feature = "_transport")]
mod call;
#[cfg(feature = "_transport")]
mod client;
#[cfg(feature = "_transport")]
mod coalescing;
mod consumer;
#[cfg(feature = "_transport")]
mod division;
mod error;
#[cfg(test)]
mod fuzz;
#[cfg(feature = "_transport")]
mod gate;
mod json;
#[cfg(feature = "_transport")]
mod key;
mod method;
#[cfg(feature = "_transport")]
mod nodes;
mod pages;
mod payload;
#[cfg(feature = "_transport")]
mod random;
#[cfg(feature = "_transport")]
mod raw;
#[cfg(feature = "_transport")]
mod retry;
mod status;
#[cfg(feature = "_transport")]
mod target;
#[cfg(all(feature = "tls", feature = "_transport"))]
mod tls;
#[cfg(feature = "_transport")]
mod transport;

pub use ::bytes;
pub use ::prost;
pub use api::Error as ApiError;
#[doc(no_inline)]
pub use api::*;
pub use batch::{Batch, BatchCommand, Parallel};
pub use broadcast::BroadcastResult;
#[cfg(feature = "_transport")]
pub use builder::ClientBuilder;
#[cfg(feature = "_transport")]
pub use client::Client;
#[cfg(feature = "_transport")]
pub use coalescing::Coalescing;
pub use consumer::{ConsumerCommand, ConsumerMethod};
pub use error::{ApiFailure, Attempts, Error};
pub use method::Method;
#[cfg(feature = "_transport")]
pub use pages::Pages;
pub use pages::{Page, Paged};
pub use payload::{Payload, PayloadExt, binary, json};
#[cfg(feature = "_transport")]
pub use retry::Retry;
pub use status::Status;

/// The examples of the README and of the guides are compiled with the tests.
#[cfg(all(
    doctest,
    feature = "blocking",
    feature = "grpc",
    feature = "http",
    feature = "tls"
))]
mod guides {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/from-python-cent-3.md")]
    struct FromPythonCent3;
    #[doc = include_str!("../docs/from-python-cent-5.md")]
    struct FromPythonCent5;
    #[doc = include_str!("../docs/from-rust-cent.md")]
    struct FromRustCent;
    #[doc = include_str!("../docs/reliability.md")]
    struct Reliability;
}

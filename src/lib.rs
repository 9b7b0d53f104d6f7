//! A client for the server API of [Centrifugo](https://centrifugal.dev), the real-time messaging server.
//!
//! A backend uses it to publish into channels, to read their history and presence, to subscribe and disconnect users,
//! and for everything else that the API offers. Every method, including those of Centrifugo PRO, is generated from
//! Centrifugo's `api.proto`. It works the same over HTTP and gRPC; the URL's scheme selects the transport.
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
//! The [`Client`] connects on the first call. It is cheap to clone: create one, and share it. [`Client::builder`] has
//! the options. URLs begin with `http`, `https`, `grpc` or `grpcs`.
//!
//! # Configuration
//!
//! [`ClientBuilder`] has all options, and finds every mistake in them. [`ClientBuilder::from_env`] reads them from the
//! environment: `CENTRIFUGO_URL`, `CENTRIFUGO_API_KEY`, `CENTRIFUGO_TIMEOUT` and so on. [`ClientSettings`] is the part
//! of a configuration file that is about this client. Both have the names of the builder's methods.
//!
//! ```
//! # #[cfg(feature = "http")]
//! # fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use centrifugo_api::ClientSettings;
//!
//! let settings: ClientSettings = serde_json::from_str(
//!     r#"{"url": "http://localhost:8000/api", "api_key": "secret", "timeout": "3s", "retry": {"max_attempts": 5}}"#,
//! )?;
//! let client = settings.builder()?.request_ids().build()?;
//! # Ok(()) }
//! # #[cfg(feature = "http")]
//! # run().unwrap();
//! ```
//!
//! # Starting and versions
//!
//! [`Client::wait_until_ready`] waits for a Centrifugo that is starting too. [`Client::server_versions`] tells which
//! versions its nodes run, for methods that only newer ones have.
//!
//! # Requests
//!
//! Each method takes its request: [`Client::history`] takes a [`HistoryRequest`]. `new` takes what Centrifugo
//! requires, but never two texts that could be swapped: `user` and `key` have setters, as each field has; the fields
//! are public too. A request that every Centrifugo would refuse, such as one without a channel, is an error before
//! anything is sent.
//!
//! ```
//! use centrifugo_api::{HistoryRequest, StreamPosition, SubscribeOptionOverride, SubscribeRequest};
//!
//! let request = HistoryRequest::new("news").limit(100).since(StreamPosition::new(7, "epoch"));
//! assert_eq!(request.limit, 100);
//!
//! let options = SubscribeOptionOverride::new().presence(true);
//! let request = SubscribeRequest::new("news").user("alice").r#override(options);
//! ```
//!
//! # Payloads
//!
//! The data of a publication and other fields of type [`Bytes`](bytes::Bytes) are payloads. [`json`] makes a payload
//! of any value that serde serializes; strings and bytes are sent as they are. [`PayloadExt::decode`] reads a
//! payload. A payload must be JSON, which is checked before anything is sent. [`binary`] sends any bytes, in the
//! fields for which Centrifugo supports that.
//!
//! # Results and errors
//!
//! A call returns the result, or an [`enum@Error`]: one enum for both transports. Errors say what went wrong, which
//! option to fix, and whether the call may have run on the server all the same.
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
//! [`Client::broadcast`] and [`Client::batch`] do not fail if a part of them does: each part of the result has its
//! own outcome, in the order of the request, and the number of replies is verified. A batch takes a tuple of requests
//! of any types and returns a tuple of results:
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
//! Long results come page by page: [`Client::history_pages`] and the other `*_pages` methods. [`Pages::items`] has their
//! items one by one. [`Client::channel`] publishes values of one type, and reads a channel's history as such values.
//!
//! # Time
//!
//! A whole call, including connecting, retries and reading, takes at most 10 s by default:
//! [`ClientBuilder::timeout`], [`Client::with_timeout`] and [`Client::with_deadline`] change that. A call that timed
//! out or was dropped may still run on the server. A publication with an `idempotency_key` can be sent
//! again without being published twice; the client does so itself, see [`Retry`].
//!
//! [`Client::background`] makes calls that nobody waits for, such as typing indicators, within bounds and in the order of
//! each channel. [`Client::call_detailed`] tells the attempts, the key and the id of a call that succeeded.
//!
//! # Databases and queues
//!
//! [`ConsumerCommand`] is a request that Centrifugo reads from a table of PostgreSQL, where a transaction has written it,
//! or from a queue such as Kafka. The module [`consumer`] has the details.
//!
//! # Keys and nodes that change
//!
//! [`ClientBuilder::api_key_provider`] and [`ClientBuilder::bearer_token_provider`] take async functions that fetch a
//! [`Credential`]; [`Client::set_api_key`] replaces a key at once. [`ClientBuilder::endpoints_provider`] asks a function for
//! the nodes, and [`Client::set_endpoints`] sets them.
//!
//! # Seeing what happens
//!
//! With the feature `tracing` each call and each attempt is a span; failed calls and nodes that go and come are events. With
//! `opentelemetry` the trace goes on in Centrifugo, and with `metrics` there are metrics. An [`Observer`](observe::Observer)
//! of your own sees the same: [`ClientBuilder::observer`]. [`ClientBuilder::request_ids`] sends an `X-Request-Id`, and
//! [`Client::with_header`] any header with single calls.
//!
//! # Features
//!
//! - `http` (default): the HTTP transport, on reqwest.
//! - `hyper`: the HTTP transport on hyper's HTTP/1.1 connections, which takes less CPU time per call. Beside `http` the builder
//!   chooses it: `ClientBuilder::hyper`. Without `http` it is the only one, and there is less to build: `default-features = false`,
//!   `features = ["hyper", "tls"]`.
//! - `service`: HTTP through a transport of your own, without reqwest; see [below](#a-transport-of-your-own).
//! - `tls` (default): `https` and `grpcs` URLs, on rustls, with the certificates that the system trusts.
//! - `tls-ring`, `tls-no-provider`: the same with another provider of cryptography, see [TLS](#tls).
//! - `grpc`: the gRPC transport, on tonic.
//! - `blocking`: `blocking::Client`, the same calls for code without async.
//! - `gzip`: `ClientBuilder::grpc_gzip`, compression over gRPC.
//! - `socks`: SOCKS proxies over HTTP.
//! - `tracing`: spans and events for [`tracing`](https://docs.rs/tracing), see [`observe`].
//! - `opentelemetry`: the context of these spans in the headers of each attempt, so that traces go on in Centrifugo.
//! - `metrics`: metrics for the facade [`metrics`](https://docs.rs/metrics), see [`observe`].
//!
//! Without a transport the crate contains only the messages, their JSON, the [`Method`] trait and [`METHODS`]. For
//! WebAssembly it has that, and with the feature `service` a client with a transport of your own.
//!
//! # A transport of your own
//!
//! [`ClientBuilder::http_service`] sends the calls through any [`tower_service::Service`](https://docs.rs/tower-service)
//! of HTTP requests: a test double, another HTTP client, `fetch` of Cloudflare Workers. [`ClientBuilder::http_layer`]
//! puts a layer around the transport, which signs or records requests. gRPC has `grpc_service` and `grpc_layer`. The
//! module [`service`] has the details.
//!
//! # TLS
//!
//! The provider of cryptography is the one that the program has installed as rustls's default when a client is built,
//! or else AWS-LC with the feature `tls` (also named `tls-aws-lc`), ring with `tls-ring` and without `tls`, and none
//! with `tls-no-provider` alone. The crate installs none itself.
//!
//! - `tls` needs a C compiler to build, but on common platforms neither CMake nor Go.
//! - `tls-ring` (with `default-features = false`) is for programs whose other crates use rustls with ring: with two
//!   providers compiled in, rustls's own `ClientConfig::builder` panics until one is installed.
//! - With `tls-ring` and `tls-no-provider`, reqwest has rustls without a provider, so that `reqwest::Client::new`
//!   elsewhere in the program panics until a provider is installed, or one of reqwest's own TLS features is enabled.
//! - For FIPS, add `rustls` with its feature `fips` to the program, which makes AWS-LC the validated one. That needs
//!   CMake and Go to build.
//!
//! # Tests, tokens, proxies
//!
//! The crate `centrifugo-api-testing` is an embedded Centrifugo for tests: history, presence, connected clients and
//! faults, without a server to install.
//!
//! The crate `centrifugo-token` makes and verifies the tokens of clients: JWTs of connections and subscriptions, and sets
//! of keys that rotate.
//!
//! The crate `centrifugo-proxy` answers what Centrifugo asks the backend: who connects, and what clients may subscribe to,
//! publish and call. It has a typed function per event, over HTTP and gRPC.
//!
//! # Another schema
//!
//! The environment variable `CENTRIFUGO_API_PROTO`, set to the absolute path of an `api.proto` at build time, builds
//! the crate from that schema: of an older Centrifugo (v5.0 and later), a newer one, or one with added methods.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::print_stderr, clippy::print_stdout)]
// A schema's message may have the same name as an item here. It is then only found in `api`.
#![allow(hidden_glob_reexports)]

pub mod api;
#[cfg(all(feature = "blocking", feature = "_transport"))]
#[cfg_attr(docsrs, doc(cfg(feature = "blocking")))]
pub mod blocking;
#[cfg(feature = "_transport")]
mod call;
#[cfg(feature = "_transport")]
mod client;
#[cfg(feature = "_transport")]
mod codec;
pub mod consumer;
mod error;
#[cfg(test)]
mod fuzz;
#[cfg(feature = "_transport")]
pub mod observe;
#[cfg(feature = "_transport")]
mod platform;
mod request;
#[cfg(feature = "_transport")]
mod transport;

pub use ::bytes;
#[cfg(feature = "_transport")]
pub use ::http;
pub use ::prost;

#[doc(no_inline)]
pub use api::messages::*;
pub use api::method::Method;
pub use api::payload::{IntoPayload, Payload, binary};
pub use api::user::{NeedsUser, UserRequest};
#[cfg(feature = "_transport")]
pub use call::{Credential, NodeVersion, Retry, ServerVersions};
#[cfg(feature = "_transport")]
pub use client::{
    Background, BackgroundCounts, BackgroundSender, Channel, ChannelHistory, Client, ClientBuilder,
    ClientSettings, Coalescing, Detailed, Items, Pages, TypedItems,
};
pub use consumer::{
    ConsumerCommand, ConsumerMessage, ConsumerMethod, ConsumerType, PublicationMessage,
    PublicationMethod,
};
pub use error::{ApiError, Attempts, Effect, Error, InvalidRequest, Status};
pub use request::{
    Batch, BatchCommand, BroadcastResult, Item, Itemized, Outcomes, Page, Paged, Parallel,
    PayloadExt, json,
};

#[cfg(feature = "_transport")]
pub use request::TypedPublication;
#[cfg(feature = "_transport")]
pub use transport::service;

/// The guides and reference pages of the repository.
#[cfg(any(
    docsrs,
    all(
        doctest,
        feature = "blocking",
        feature = "grpc",
        feature = "http",
        feature = "tls"
    )
))]
pub mod _documentation {
    #[doc = include_str!("../docs/choosing.md")]
    pub mod choosing {}
    #[doc = include_str!("../docs/outbox.md")]
    pub mod outbox {}
    #[doc = include_str!("../docs/tokens.md")]
    pub mod tokens {}
    #[doc = include_str!("../docs/handlers.md")]
    pub mod handlers {}
    #[doc = include_str!("../docs/testing.md")]
    pub mod testing {}
    #[doc = include_str!("../docs/streaming-answers.md")]
    pub mod streaming_answers {}
    #[doc = include_str!("../docs/nodes.md")]
    pub mod nodes {}
    #[doc = include_str!("../docs/production.md")]
    pub mod production {}
    #[doc = include_str!("../docs/reliability.md")]
    pub mod reliability {}
    #[doc = include_str!("../docs/proxy.md")]
    pub mod proxy {}
    #[doc = include_str!("../docs/comparison.md")]
    pub mod comparison {}
    #[doc = include_str!("../docs/benchmarks.md")]
    pub mod benchmarks {}
    #[doc = include_str!("../docs/dependencies.md")]
    pub mod dependencies {}
    #[doc = include_str!("../docs/from-rust-cent.md")]
    pub mod from_rust_cent {}
    #[doc = include_str!("../docs/from-python-cent-5.md")]
    pub mod from_python_cent_5 {}
    #[doc = include_str!("../docs/from-python-cent-3.md")]
    pub mod from_python_cent_3 {}
}

/// The examples of the README are compiled with the tests.
#[cfg(all(
    doctest,
    feature = "blocking",
    feature = "grpc",
    feature = "http",
    feature = "tls"
))]
#[doc = include_str!("../README.md")]
struct Readme;

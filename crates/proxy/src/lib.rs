//! The other half of a backend for [Centrifugo](https://centrifugal.dev), which asks it who connects, and what clients may
//! subscribe to, publish and call: one typed function per event, served over HTTP and gRPC.
//!
//! ```
//! use centrifugo_proxy::{
//!     Caller, ClientError, ConnectEvent, ConnectReply, Disconnect, Handlers, Reject, SubscribeReply,
//! };
//!
//! const NO_SESSION: Disconnect = Disconnect::constant(4501, "no session");
//! const NOT_A_MEMBER: ClientError = ClientError::constant(403, "not a member");
//!
//! async fn connect(event: ConnectEvent) -> Result<ConnectReply, Reject> {
//!     let session = event.header("cookie").ok_or(NO_SESSION)?;
//!     let user = session.strip_prefix("user=").ok_or(NO_SESSION)?;
//!     Ok(ConnectReply::user(user).channel("news"))
//! }
//!
//! # fn main() -> Result<(), centrifugo_proxy::Error> {
//! let handlers = Handlers::new(Caller::with_secret("s3cret")?)
//!     .connect(connect)
//!     .subscribe(|event| async move {
//!         let user = event.user().ok_or(NOT_A_MEMBER)?;
//!         Ok(SubscribeReply::allow().info(format!(r#"{{"id":"{user}"}}"#)))
//!     });
//! # #[cfg(feature = "http")] {
//! // axum: Router::new().nest_service("/centrifugo", handlers.http())
//! let service = handlers.http();
//! # let _ = service; }
//! # Ok(()) }
//! ```
//!
//! # What a handler gets and returns
//!
//! A handler is a function of an event, such as [`ConnectEvent`], that returns a reply, such as [`ConnectReply`], or refuses.
//! The events and their replies are listed at [`Handlers`]. A reply has what Centrifugo reads for that event, and nothing else.
//!
//! | refusal | Centrifugo | client |
//! |---|---|---|
//! | [`ClientError`], 400 to 1999 | passes it on | gets the error in reply to its command. After `connect` and `subscribe` client SDKs try again if it is [temporary](ClientError::temporary) |
//! | [`Disconnect`], 4000 to 4499 | ends the connection | reconnects |
//! | [`Disconnect`], 4500 to 4999 | ends the connection | does not reconnect |
//! | any other error, a panic, a timeout | gets a status | gets error 100; after `refresh` and `sub_refresh` it goes on for 60 s |
//!
//! Payloads are bytes whichever encoding they came in: embedded JSON, or base64 with the option `binary_encoding`. They go back
//! in the same. Text that is given as a payload must already be JSON; [`json`] makes it from a value. A payload that is not JSON,
//! for a client that uses JSON, is a [`Failure::Reply`], unless it comes from [`binary`].
//!
//! # Who calls
//!
//! Anybody who reaches the handlers could ask for the answers of any user. [`Handlers::new`] therefore wants a [`Caller`]: a
//! secret, a check of yours, such as of a client's certificate, or explicitly anyone.
//!
//! Headers of clients that Centrifugo forwards are in [`Event::head`]. Those of `emulated_headers` are the client's own words.
//!
//! # Observability
//!
//! [`Handlers::on_failure`] sees what went wrong, and an [`Observer`] every event. With the feature `tracing`, each event has a
//! span `event` (level info) in which its handler runs. Its fields have the names of OpenTelemetry's conventions: `otel.name` and
//! `rpc.method` (such as `centrifugal.centrifugo.proxy.CentrifugoProxy/Connect`), `otel.kind` (`server`), `rpc.system.name`
//! (`grpc`, or `centrifugo` over HTTP), `rpc.status_code` (`OK`, `centrifugo.403` for refusals, `dropped`, or the kind of the
//! failure), and for failures `error.type` and `otel.status_code`. Failures are warnings.
//!
//! With the feature `opentelemetry` the span continues the trace in the request's headers, as the global propagator reads it.
//! Centrifugo writes no `traceparent` of its own: forward the client's, by `http_headers: [traceparent]`.
//!
//! With the feature `metrics`:
//!
//! | metric | kind | labels |
//! |---|---|---|
//! | `rpc.server.call.duration` | histogram, seconds | `rpc.method`, `rpc.system.name`, `outcome` |
//! | `centrifugo.proxy.events` | counter | the same |
//! | `centrifugo.proxy.events.in_flight` | gauge | `rpc.method`, `rpc.system.name` |
//! | `centrifugo.proxy.streams.failed` | counter | `rpc.method`, `outcome` |
//!
//! The outcome is `accepted`, `error`, `disconnect`, `dropped` or the [kind](Failure::kind) of a failure.
//!
//! # Another schema
//!
//! The [`messages`] are generated from Centrifugo's `proxy.proto`. `CENTRIFUGO_PROXY_PROTO`, the absolute path of a file, builds
//! them from another one, whose own fields are at hand by [`Event::message`] and by `edit` of each reply.
//!
//! # Features
//!
//! - `http` (default): `Handlers::http`, a service of tower on the types of `http`.
//! - `grpc`: `Handlers::grpc`, a service of tonic.
//! - `tracing`, `opentelemetry`, `metrics`: see above.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::print_stderr, clippy::print_stdout)]

mod api;
mod caller;
mod code;
mod configuration;
mod error;
mod event;
mod failure;
#[cfg(feature = "grpc")]
mod grpc;
mod handlers;
#[cfg(feature = "http")]
mod http;
pub mod messages;
mod observe;
mod reject;
mod reply;
mod stream;

pub use caller::{Caller, Secrets};
pub use centrifugo_api::{IntoPayload, Payload, binary, json};
pub use code::{ClientError, Disconnect};
pub use configuration::{ChannelOptions, ProxyConfiguration};
pub use error::Error;
pub use event::{
    CacheEmptyEvent, ChannelStateEvent, ConnectEvent, Event, EventDetails, EventKind, EventMessage,
    Head, MapPublishEvent, MapRemoveEvent, Now, Peer, PublishEvent, RefreshEvent, RpcEvent,
    SharedPollRefreshEvent, SubRefreshEvent, SubscribeEvent,
};
pub use failure::Failure;
#[cfg(feature = "grpc")]
#[cfg_attr(docsrs, doc(cfg(feature = "grpc")))]
pub use grpc::{GrpcFuture, GrpcService};
pub use handlers::Handlers;
#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
pub use http::{HttpFuture, HttpResponse, HttpService};
pub use observe::{EventEnd, EventObserver, EventStart, FailedEvent, Observer, Outcome, Transport};
pub use reject::{ErrorReject, Failed, HandlerError, Reject};
pub use reply::{
    CacheEmptyReply, ChannelStateReply, ConnectReply, KeyMode, MapPublishReply, MapRemoveReply,
    PublishReply, RefreshReply, RpcReply, SharedPollItem, SharedPollRefreshReply,
    StreamSubscribeReply, SubRefreshReply, SubscribeReply, SubscriptionOptions,
};
pub use stream::{ClientPublications, PublicationStream, StreamPublication, stream_until};

/// The examples of the README are compiled with the tests.
#[cfg(all(doctest, feature = "http"))]
#[doc = include_str!("../README.md")]
struct Readme;

//! An embedded Centrifugo for tests that publish and read back.
//!
//! A [`Server`] speaks Centrifugo's server API over HTTP, gRPC and command lines, on a free port of
//! this machine. It keeps the state in memory and answers as Centrifugo 6.9.1 does, or as 6.10 if a
//! test asks for that. The code under
//! test needs no mock of its [`Client`](centrifugo_api::Client): it gets the same client with a
//! different URL. There is no server to install.
//!
//! ```
//! use centrifugo_api_testing::{Fault, Server};
//! use centrifugo_api::{Client, Error, HistoryRequest, PublishRequest, Status};
//!
//! /// The code under test.
//! async fn announce(client: &Client, text: &str) -> Result<u64, Error> {
//!     let data = centrifugo_api::json(text)?;
//!     Ok(client.publish(PublishRequest::new("news", data)).await?.offset)
//! }
//!
//! # async fn tests() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::start()?;
//! let client = server.client(); // or Client::new(server.url(), server.api_key())?
//!
//! // The publication can be read back, and a connected client receives it.
//! let mut alice = server.connect("alice");
//! alice.subscribe("news")?;
//! announce(&client, "hello").await?;
//! let history = client.history(HistoryRequest::new("news").limit(1)).await?;
//! assert_eq!(history.publications[0].data, r#""hello""#);
//! assert_eq!(alice.next_publication().await.ok_or("disconnected")?.data, r#""hello""#);
//!
//! // The request was recorded.
//! let published: PublishRequest = server.requests()[0].request().ok_or("not a publish request")?;
//! assert_eq!(published.channel, "news");
//!
//! // The next call fails.
//! server.fail_next(1, Fault::status(Status::Http(503)).header("retry-after", "1"))?;
//! let error = announce(&client, "again").await.unwrap_err();
//! assert!(error.is_retryable());
//! assert!(server.unused_faults().is_empty());
//! # Ok(()) }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(tests())
//! # }
//! ```
//!
//! # What a test can do
//!
//! | | |
//! |---|---|
//! | configure channels, keys and the error mode | [`Server::builder`], [`Namespace`] |
//! | load a production configuration | [`ServerBuilder::configuration`], [`ServerBuilder::environment`] |
//! | choose the release of Centrifugo | [`ServerBuilder::release`] |
//! | move time forward, so that things expire | [`Server::advance`] |
//! | act as a connected client | [`Server::connect`], [`Connection`], [`Event`] |
//! | act as a client with a token (feature `token` or `token-ring`) | `ServerBuilder::token_key`, `Server::connect_with_token` |
//! | let handlers of `centrifugo-proxy` decide about clients (feature `proxy`) | `ServerBuilder::proxy`, `Server::connect_client` |
//! | reply to methods of Centrifugo PRO, or to `rpc` | [`Server::on`] |
//! | inspect the requests | [`Server::requests`], [`Recorded`] |
//! | let calls fail | [`Server::fail_next`], [`Server::fail_always`], [`Fault`], [`Server::unused_faults`] |
//!
//! Programs in other languages can use the server too: give them [`Server::url`] and
//! [`Server::api_key`].
//!
//! # Time
//!
//! The server is another thread, and calls to it take real time. If tokio's clock is paused
//! (`#[tokio::test(start_paused = true)]`), it jumps to the timeout of a call as soon as the call
//! waits for the server. The server therefore refuses to start then. Call `tokio::time::resume()`
//! before it starts, and do not pause the clock during calls; [`Server::advance`] moves the time of
//! the server.
//!
//! # Other schemas
//!
//! The server serves the methods of the schema that `centrifugo-api` was built from, v5.0 or newer.
//! Its behaviour does not depend on the schema: it is that of the chosen [`Release`].
//!
//! # Differences from Centrifugo
//!
//! The server is compared with a real Centrifugo 6.9.1, reply by reply and event by event, over
//! random sequences of calls. Known differences:
//!
//! - Both protocols are served on one port. The HTTP API is also served over HTTP/2 without TLS.
//! - Only the server API is served: there is no WebSocket, no admin interface and no
//!   consumer. [`Server::connect`] stands in for the clients of an application. A [`Connection`]
//!   may do what needs permissions in Centrifugo, also without a token, and no proxy is asked about what it does. It has no
//!   session, and it cannot subscribe to a map or a shared poll by itself.
//! - A client of `Server::connect_client` needs permissions, tokens or the consent of proxies. It cannot read presence or
//!   history, recover, get deltas or the state of a map; all clients are those of a WebSocket. User-limited channels, the
//!   options `channel_regex` and `auto_cache_recover` are not there. Shared polls are polled when a test says so.
//! - Entries expire immediately; Centrifugo checks every second. The numbers that `info` shows are
//!   always current, where Centrifugo updates them every 3 s, and there are few metrics.
//! - An HTTP call is not cancelled after 10 s, and an idle connection is not closed after 30 s. Use
//!   a [`Fault`] instead.
//! - The commands of a `parallel` batch, and the channels of a broadcast, run one after another.
//! - A client whose connection or subscription is ended by a call has received every earlier event;
//!   Centrifugo may drop pending writes, and closes the connection shortly after it has replied to
//!   the call. A code that a WebSocket cannot be closed with, such as 0, is reported as 1006, as
//!   most clients report it.
//! - A call of `subscribe` whose `data` or missed publications are not JSON fails with error 100, as in Centrifugo, if
//!   a client uses JSON. Centrifugo then keeps a subscription of which the client does not know; here there is none.
//! - Positions of subscriptions are not checked every 40 s: a subscription whose stream was removed
//!   ends with the next publication.
//! - Messages that are nested more than 100 levels deep are refused; Centrifugo's limit is 10,000.
//!   Only a `label_filter` can be nested that deep.
//! - The messages of gRPC statuses differ where they quote errors of gzip or HTTP/2; the codes are
//!   the same. Empty keys and values of maps are omitted in protobuf, where Go writes them.
//!
//! The server is for tests only: everything is in memory, a single thread serves all calls, and it
//! listens on 127.0.0.1.

#[cfg(any(feature = "_http", feature = "grpc"))]
mod api_clients;
mod builder;
mod clock;
mod configuration;
mod connection;
mod engine;
mod errors;
mod event;
mod faults;
mod glob;
mod json;
mod messages;
mod namespace;
mod namespaces;
mod overrides;
#[cfg(feature = "proxy")]
mod proxies;
mod recorder;
mod release;
mod served;
mod server;
mod state;
#[cfg(feature = "_token")]
mod tokens;
mod wire;

pub use builder::ServerBuilder;
pub use connection::{Connection, User};
pub use event::Event;
pub use faults::Fault;
pub use namespace::{DataFormat, Namespace, RecoveryMode};
#[cfg(feature = "proxy")]
pub use proxies::{
    ConnectingClient, ProxiedConnection, ProxyOptions, SubscribeOptions, Subscribed,
};
pub use recorder::{Endpoint, Recorded};
pub use release::Release;
pub use served::ServedMethod;
pub use server::Server;
pub use state::map::MapOptions;

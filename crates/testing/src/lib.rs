//! An embedded Centrifugo, for tests that publish and read back: no server to install, no mock to write.
//!
//! A [`Server`] speaks Centrifugo's server API on a free port of this machine: HTTP, gRPC and command lines, with the
//! state and the answers that Centrifugo 6.9.1 has in memory. Code under test needs no interface in front of its
//! [`Client`](centrifugo_api::Client): it gets the same client with another URL.
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
//! // What it published can be read back, and a connected client gets it.
//! let mut alice = server.connect("alice");
//! alice.subscribe("news")?;
//! announce(&client, "hello").await?;
//! assert_eq!(client.history(HistoryRequest::new("news").limit(1)).await?.publications[0].data, r#""hello""#);
//! assert_eq!(alice.next_publication().await.ok_or("disconnected")?.data, r#""hello""#);
//!
//! // What it asked for was recorded.
//! let published: PublishRequest = server.requests()[0].request().ok_or("it published")?;
//! assert_eq!(published.channel, "news");
//!
//! // It meets faults.
//! server.fail_next(1, Fault::status(Status::Http(503)).header("retry-after", "1"))?;
//! let error = announce(&client, "again").await.unwrap_err();
//! assert!(error.is_retryable());
//! assert!(server.unused_faults().is_empty());
//! # Ok(()) }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Runtime::new()?.block_on(tests())
//! # }
//! ```
//!
//! # What a test can do with it
//!
//! | | |
//! |---|---|
//! | configure channels, keys, the error mode | [`Server::builder`], [`Namespace`], [`ServerBuilder::configuration`] for a file of production |
//! | move time forward, to let things expire | [`Server::advance`] |
//! | be a connected client | [`Server::connect`], [`Connection`], [`Event`] |
//! | answer methods of Centrifugo PRO, or `rpc` | [`Server::on`] |
//! | see what was asked | [`Server::requests`], [`Recorded`] |
//! | let calls fail | [`Server::fail_next`], [`Server::fail_always`], [`Fault`], [`Server::unused_faults`] |
//!
//! Programs in other languages can use it too: give them [`Server::url`] and [`Server::api_key`].
//!
//! # Where it differs from Centrifugo
//!
//! It is compared with a real Centrifugo 6.9.1, reply by reply and event by event, over random sequences of calls.
//! What is left:
//!
//! - Both protocols are on one port. Over HTTP/2 without TLS it serves the HTTP API too.
//! - Only the server API is there: no WebSocket, no tokens, no admin interface, no consumers. [`Server::connect`]
//!   stands for the clients of an application, and lets them do what Centrifugo asks permissions for. It offers
//!   neither subscriptions of maps and shared polls by the client itself nor sessions.
//! - What is to expire does so at once when its time has come, where Centrifugo looks every second; it counts what
//!   `info` shows at once, not every 3 s, and knows few metrics.
//! - An HTTP call is not cut after 10 s, and an idle connection not closed after 30 s: plan a [`Fault`].
//! - The commands of a `parallel` batch, and the channels of a broadcast, run one after another.
//! - A client that loses its connection, or a subscription, by a call has been told all that came before; Centrifugo
//!   may forget what it had still to write, and closes the connection a little later than it answers the call. What a
//!   WebSocket cannot be closed with, such as the code 0, is 1006 here, as it is to most clients.
//! - Subscriptions with a position are not looked after every 40 s: one whose stream was forgotten ends with the next
//!   publication.
//! - Messages nested deeper than 100 times, which only a `label_filter` can be, are refused, at 10,000 by Centrifugo.
//! - The messages of gRPC statuses differ where they quote how gzip or HTTP/2 went wrong: the codes do not. In
//!   protobuf, empty keys and values of a map are left out, which Go writes.
//!
//! It is for tests: everything is in memory, one thread serves, and it listens on 127.0.0.1 alone.

mod builder;
mod clock;
mod configuration;
mod connection;
mod engine;
mod faults;
mod glob;
mod json;
mod namespace;
mod recorder;
mod overrides;
mod server;
mod state;
mod wire;

pub use builder::ServerBuilder;
pub use connection::{Connection, Event, User};
pub use engine::ServedMethod;
pub use faults::Fault;
pub use namespace::{DataFormat, Namespace};
pub use recorder::{Endpoint, Recorded};
pub use server::Server;
pub use state::map::MapOptions;

//! Publishes to [Centrifugo](https://centrifugal.dev) in the transaction of PostgreSQL that changes the application's data:
//! subscribers get the news if and only if the transaction commits.
//!
//! ```
//! use centrifugo_api::PublishRequest;
//! use centrifugo_postgres::Outbox;
//!
//! const OUTBOX: Outbox = Outbox::constant("centrifugo_outbox").partitions(8).notify();
//!
//! # #[cfg(all(feature = "sqlx", feature = "tokio-postgres"))]
//! async fn with_tokio_postgres(
//!     client: &mut tokio_postgres::Client,
//!     request: &PublishRequest,
//! ) -> Result<(), Box<dyn std::error::Error>> {
//!     let transaction = client.transaction().await?;
//!     // ... the application's own statements ...
//!     OUTBOX.send(&transaction, request).await?;
//!     transaction.commit().await?;
//!     Ok(())
//! }
//!
//! # #[cfg(all(feature = "sqlx", feature = "tokio-postgres"))]
//! async fn with_sqlx(
//!     pool: &sqlx::PgPool,
//!     request: &PublishRequest,
//! ) -> Result<(), Box<dyn std::error::Error>> {
//!     let mut transaction = pool.begin().await?;
//!     // ... the application's own statements ...
//!     OUTBOX.send(&mut *transaction, request).await?;
//!     transaction.commit().await?;
//!     Ok(())
//! }
//! ```
//!
//! [`Outbox`] is a table of commands, which Centrifugo executes and deletes. [`StreamBroker`] and [`MapBroker`] are the SQL
//! functions of Centrifugo's PostgreSQL brokers, which return the position of a publication.
//!
//! # The outbox
//!
//! [`Outbox::create`] or [`Outbox::ddl`] creates the table, and [`Outbox::consumer`] prints what Centrifugo needs to read it.
//!
//! **Order.** Centrifugo executes the rows of a partition in the order of their ids. A transaction that begins after another
//! one has committed has higher ids; those of transactions at the same time have no order, unless a lock on a row of yours
//! gives them one. A command goes to the partition of its channel, or else of its user.
//!
//! **Repetition.** Centrifugo deletes rows after it has executed up to 100 of a partition. If it stops in between, it executes
//! them again: give publications an idempotency key, which drops the second one within 5 minutes. The memory engine forgets
//! keys when it stops.
//!
//! **Failures.** There is no reply. What becomes of a command that fails depends on the version:
//!
//! | | Centrifugo 5 | 6, up to 6.9 | 6.10 and later |
//! |---|---|---|---|
//! | error 100 | tried again after 20 ms, then longer, up to 5 s, until it succeeds; the partition waits | the same | the same |
//! | error 111 | dropped, with a line in the log | the same | tried again, as error 100 |
//! | other errors, requests that cannot be read | dropped, with a line in the log | the same | the same |
//! | one channel of a broadcast gets error 100 | the whole broadcast is run again: it needs an idempotency key | the same | the same, also for 111 |
//! | subscribe, and the user is subscribed already | succeeds | error 100: the partition waits until the user leaves | error 107: dropped |
//! | an internal error that will not pass, such as a message that the broker refuses | error 100: the partition waits | the same | error 107: dropped |
//! | a method that consumers do not execute | dropped | dropped, with a line in the log | the same |
//! | a partition that is not below `num_partitions` | never read, see [`PartitionLag::is_read`] | the same | the same |
//! | the database is not there when Centrifugo starts | Centrifugo ends | the same | the same |
//! | the connection is lost later | tried again, up to 5 s apart | the same | the same |
//!
//! Centrifugo 5.4.9 and 6.9.1 were run and read; 6.10 follows its release notes. [`Outbox::lag`] shows a partition that waits,
//! and [`Outbox::delete`] gives up the row that it waits for.
//!
//! **Rights.** The application's role needs INSERT on the table and USAGE on its sequence, such as `centrifugo_outbox_id_seq`.
//! Centrifugo's role needs SELECT and DELETE on the table.
//!
//! # The SQL functions
//!
//! Centrifugo creates them when it starts with `broker.type` or `map_broker.type` `postgres`. They do not know the namespaces
//! of its configuration: they take any channel, also one that clients cannot subscribe to, and the options of a namespace are
//! those that [`StreamBroker`] and [`MapBroker`] are given. Fields of a request that a function does not take are an
//! [`enum@Error`] that names the field.
//!
//! **Suppressed publications.** A repeated idempotency key, an old version or an unmet condition is not an error of the
//! database: [`Published::suppressed`] tells it, and [`Published::accepted`] makes an error of it, after which the application
//! leaves its transaction. That is why Centrifugo's functions `…_strict`, which raise an exception without these reasons, are
//! not here.
//!
//! **Locks.** A publication locks the shard of its channel until the transaction ends: one of 8 by default
//! (`broker.postgres.num_shards`), for Centrifugo's own publications too. Publish last, and keep transactions short. Two
//! transactions that publish in several channels may wait for one another: PostgreSQL then ends one with the SQLSTATE 40P01,
//! and it is to be tried again.
//!
//! **Partitions.** The tables have a partition per day, which Centrifugo creates 2 days ahead (`partition_lookahead_days`). If
//! it is down for longer, publishing fails, and with it the transaction.
//!
//! **Delivery.** Centrifugo looks for new publications every 100 ms, or sooner with `use_notify`. What was published while it
//! was down is in the history, from which clients recover it.
//!
//! **Rights.** The functions run with the rights of their caller: the application's role needs SELECT, INSERT, UPDATE and
//! DELETE on the tables `cf_…`, and USAGE on their sequences.
//!
//! # Other drivers
//!
//! Each call is a [`Statement`], which any driver can execute: the functions of the same name that end with `_statement` return
//! it.
//!
//! ```
//! use centrifugo_api::{ConsumerCommand, PublishRequest};
//! use centrifugo_postgres::Outbox;
//!
//! # fn run() -> Result<(), Box<dyn std::error::Error>> {
//! const OUTBOX: Outbox = Outbox::constant("centrifugo_outbox");
//! let command = ConsumerCommand::new(&PublishRequest::new("news", r#"{"n":1}"#))?;
//! let statement = OUTBOX.write_statement(&command)?;
//! assert_eq!(
//!     statement.sql(),
//!     "INSERT INTO centrifugo_outbox (method, payload, partition) VALUES ($1::text, $2::text::jsonb, $3::integer)"
//! );
//! assert_eq!(statement.parameters().len(), 3);
//! # Ok(()) }
//! # run().unwrap();
//! ```
//!
//! # Features
//!
//! - `tokio-postgres`: calls by whatever is a `GenericClient` of tokio-postgres 0.7.
//! - `sqlx`: calls by whatever is a `PgExecutor` of sqlx 0.8. The program enables sqlx's runtime and TLS.
//!
//! Neither is enabled by default.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::print_stderr, clippy::print_stdout)]

mod broker;
#[cfg(any(feature = "sqlx", feature = "tokio-postgres"))]
mod database;
mod error;
mod jsonb;
mod name;
mod outbox;
mod statement;

pub use broker::{CurrentValue, MapBroker, Published, StreamBroker, SuppressReason};
#[cfg(any(feature = "sqlx", feature = "tokio-postgres"))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "sqlx", feature = "tokio-postgres"))))]
pub use database::Database;
#[cfg(feature = "sqlx")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlx")))]
pub use database::Sqlx;
#[cfg(feature = "tokio-postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio-postgres")))]
pub use database::TokioPostgres;
pub use error::Error;
pub use outbox::{ConsumerConfiguration, Outbox};
#[cfg(any(feature = "sqlx", feature = "tokio-postgres"))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "sqlx", feature = "tokio-postgres"))))]
pub use outbox::{Lag, PartitionLag};
pub use statement::{Parameter, Statement};

/// The examples of the README are compiled with the tests.
#[cfg(all(doctest, feature = "sqlx", feature = "tokio-postgres"))]
#[doc = include_str!("../README.md")]
struct Readme;

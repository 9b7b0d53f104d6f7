//! Stores orders and the news of them at once: Centrifugo publishes what was committed, and no more.
//!
//! `cargo run --example outbox` prints what is stored, and the consumer that Centrifugo needs. It uses
//! the PostgreSQL at `DATABASE_URL`, or starts one if Debian's package `postgresql` is installed.

#[path = "support/postgres.rs"]
mod postgres;

use centrifugo_api::PublishRequest;
use centrifugo_postgres::Outbox;
use tokio_postgres::{NoTls, Transaction};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The table whose commands Centrifugo executes, those of a channel in order. A trigger notifies it.
pub(crate) const OUTBOX: Outbox = Outbox::constant("centrifugo_outbox").partitions(4).notify();

#[tokio::main]
async fn main() -> Outcome {
    match std::env::var("DATABASE_URL") {
        Ok(url) => run(&url, "orders").await,
        Err(_) => postgres::run_with_database(&std::env::current_exe()?),
    }
}

pub(crate) async fn run(url: &str, channel: &str) -> Outcome {
    let (mut database, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    let orders = "CREATE TABLE IF NOT EXISTS orders (id BIGSERIAL PRIMARY KEY, item text)";
    database.batch_execute(orders).await?;
    OUTBOX.create(&database).await?;
    for (item, is_paid) in [("coffee", true), ("tea", false), ("cake", true)] {
        let transaction = database.transaction().await?;
        let id = store(&transaction, channel, item).await?;
        if is_paid {
            transaction.commit().await?;
            println!("Order {id}, for {item}, is stored, and will be published to {channel:?}.");
        } else {
            transaction.rollback().await?;
            println!("Order {id}, for {item}, was rolled back: nothing will be published.");
        }
    }
    let commands = OUTBOX.lag(&database).await?.rows();
    println!("{commands} commands wait for a Centrifugo that is configured so:");
    println!("{}", OUTBOX.consumer(url).to_json());
    Ok(())
}

/// Writes an order and the command to publish it, both or neither.
async fn store(transaction: &Transaction<'_>, channel: &str, item: &str) -> Outcome<i64> {
    let insert = "INSERT INTO orders (item) VALUES ($1) RETURNING id";
    let id = transaction.query_one(insert, &[&item]).await?.try_get(0)?;
    let order = serde_json::json!({"id": id, "item": item});
    // The key prevents a second publication, if Centrifugo stops before it has deleted the row.
    let request = PublishRequest::new(channel, order).idempotency_key(format!("order-{id}"));
    OUTBOX.send(transaction, &request).await?;
    Ok(id)
}

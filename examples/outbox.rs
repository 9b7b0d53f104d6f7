//! Stores orders and their notifications in one transaction: Centrifugo publishes the notifications of
//! committed orders, and no others.
//!
//! ```sh
//! DATABASE_URL=postgresql://outbox@localhost:5433/postgres cargo run --example outbox
//! ```
//!
//! `CENTRIFUGO_CHANNEL` sets another channel than `orders`.

#![allow(clippy::print_stderr, clippy::print_stdout)] // a program for the command line

use std::env;
use std::error::Error;
use std::process::ExitCode;

use centrifugo_api::{ConsumerCommand, PublishRequest, json};
use centrifugo_postgres::Outbox;
use serde::Serialize;
use tokio_postgres::{Client, NoTls, Transaction};

/// The table from which Centrifugo executes commands.
///
/// A channel has one of the 4 partitions, in which its rows are executed in order. A trigger notifies
/// Centrifugo of new rows.
pub(crate) const OUTBOX: Outbox = Outbox::constant("centrifugo_outbox").partitions(4).notify();

/// The application's own table.
const ORDERS: &str = "CREATE TABLE IF NOT EXISTS orders (
  id BIGSERIAL PRIMARY KEY,
  item text NOT NULL,
  quantity INTEGER NOT NULL
)";

#[derive(Debug, Serialize)]
struct Order {
    id: i64,
    item: String,
    quantity: i32,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Ok(url) = env::var("DATABASE_URL") else {
        eprintln!("{HOW_TO_GET_A_DATABASE}");
        return ExitCode::FAILURE;
    };
    let channel = env::var("CENTRIFUGO_CHANNEL").unwrap_or_else(|_| "orders".to_owned());
    match run(&url, &channel).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("  because: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

/// Takes three orders, of which the second is rolled back.
pub(crate) async fn run(url: &str, channel: &str) -> Result<(), Box<dyn Error>> {
    let (mut database, connection) = tokio_postgres::connect(url, NoTls).await?;
    let connection = tokio::spawn(connection);
    database.batch_execute(ORDERS).await?;
    OUTBOX.create(&database).await?;

    take_order(&mut database, channel, "coffee", 2).await?;

    let transaction = database.transaction().await?;
    let order = store(&transaction, channel, "tea", 1).await?;
    transaction.rollback().await?;
    println!(
        "Order {}, for {}, was rolled back: nothing is stored, and nothing will be published.",
        order.id, order.item
    );

    take_order(&mut database, channel, "cake", 12).await?;

    let waiting = OUTBOX.lag(&database).await?.rows();
    println!(
        "{waiting} commands wait in the outbox for a Centrifugo with this variable, or the like in its configuration:"
    );
    for (name, value) in OUTBOX.consumer(url).to_environment() {
        println!("{name}='{value}'");
    }
    drop(database);
    Ok(connection.await??)
}

async fn take_order(
    database: &mut Client,
    channel: &str,
    item: &str,
    quantity: i32,
) -> Result<(), Box<dyn Error>> {
    let transaction = database.transaction().await?;
    let order = store(&transaction, channel, item, quantity).await?;
    transaction.commit().await?;
    println!(
        "Order {}, for {quantity} × {item}, is stored, and will be published to {channel:?}.",
        order.id
    );
    Ok(())
}

/// Writes the order and the command to publish it, both or neither.
async fn store(
    transaction: &Transaction<'_>,
    channel: &str,
    item: &str,
    quantity: i32,
) -> Result<Order, Box<dyn Error>> {
    let statement = "INSERT INTO orders (item, quantity) VALUES ($1, $2) RETURNING id";
    let id = transaction
        .query_one(statement, &[&item, &quantity])
        .await?
        .try_get(0)?;
    let order = Order {
        id,
        item: item.to_owned(),
        quantity,
    };

    // If Centrifugo stops after it has executed a row and before it has deleted it, it executes the row
    // again. The key prevents a second publication.
    let request =
        PublishRequest::new(channel, json(&order)?).idempotency_key(format!("order-{id}"));
    OUTBOX
        .write(transaction, &ConsumerCommand::new(&request)?)
        .await?;
    Ok(order)
}

const HOW_TO_GET_A_DATABASE: &str = r#"DATABASE_URL is not set: this example needs a running PostgreSQL.

With Docker:
  docker run --rm -p 5433:5432 -e POSTGRES_USER=outbox -e POSTGRES_HOST_AUTH_METHOD=trust postgres
On Debian, after `apt-get install postgresql`, as any user but root:
  PATH=$PATH:$(echo /usr/lib/postgresql/*/bin)
  initdb -D /tmp/outbox -A trust -U outbox
  pg_ctl -D /tmp/outbox -o "-p 5433 -k /tmp" -l /tmp/outbox/log -w start
Then:
  DATABASE_URL=postgresql://outbox@localhost:5433/postgres cargo run --example outbox"#;

//! The outbox and the SQL functions, on a real PostgreSQL and real Centrifugo servers, by each driver.
#![cfg(all(feature = "sqlx", feature = "tokio-postgres"))]

#[path = "../../../../tests/support/keeper.rs"]
mod keeper;
#[path = "../../../../tests/support/postgres.rs"]
mod postgres;

#[macro_use]
mod driver;
mod jsonb;
mod listener;
mod map;
mod outbox;
mod rights;
mod server;
mod stream;
mod table;
mod transactions;

use std::time::Duration;

/// The time in which whatever a test waits for happens.
const DEADLINE: Duration = Duration::from_secs(20);

type Problem = Box<dyn std::error::Error>;
type Outcome = Result<(), Problem>;

/// Waits until a condition holds.
async fn until(condition: impl AsyncFn() -> Result<bool, Problem>) -> Outcome {
    let holds = async {
        while !condition().await? {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    };
    tokio::time::timeout(DEADLINE, holds).await?
}

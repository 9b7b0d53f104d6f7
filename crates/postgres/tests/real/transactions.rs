//! The drivers' own transactions, pools and errors.

use std::error::Error as _;

use centrifugo_api::{BroadcastRequest, ConsumerCommand, PublishRequest};
use centrifugo_postgres::{Database, Error, Outbox};
use tokio_postgres::GenericClient;

use crate::Outcome;
use crate::postgres::{Postgres, connect};

const OUTBOX: Outbox = Outbox::constant("centrifugo_outbox");

fn request() -> PublishRequest {
    PublishRequest::new("news", "1")
}

fn command() -> Result<ConsumerCommand, centrifugo_api::Error> {
    ConsumerCommand::new(&request())
}

/// A function of an application, which knows neither the driver nor whether there is a transaction.
async fn write<M>(database: impl Database<M>) -> Result<(), Error> {
    OUTBOX.write(database, &command()?).await
}

/// A function of an application that knows the driver alone.
async fn write_by_generic_client(client: &(impl GenericClient + Sync)) -> Result<(), Error> {
    OUTBOX.send(client, &request()).await
}

/// A function of an application that knows the driver alone.
async fn write_by_executor(executor: impl sqlx::PgExecutor<'_>) -> Result<(), Error> {
    OUTBOX.send(executor, &request()).await
}

#[tokio::test]
#[ignore = "needs PostgreSQL: see tests/centrifugo/README.md"]
async fn transactions_of_tokio_postgres_write() -> Outcome {
    let url = Postgres::shared()
        .await
        .database("transactions_of_tokio_postgres")
        .await?;
    let mut client = connect(&url).await?;
    OUTBOX.create(&client).await?;
    let mut transaction = client.transaction().await?;
    OUTBOX.write(&transaction, &command()?).await?;
    write(&transaction).await?;
    write_by_generic_client(&transaction).await?;
    let savepoint = transaction.transaction().await?;
    write(&savepoint).await?;
    savepoint.rollback().await?;
    transaction.commit().await?;
    assert_eq!(OUTBOX.lag(&client).await?.rows(), 3);

    let transaction = client.transaction().await?;
    write(&transaction).await?;
    drop(transaction);
    // A future that is spawned must be `Send` for every lifetime.
    let rows = tokio::spawn(async move { OUTBOX.lag(&client).await.map(|lag| lag.rows()) });
    assert_eq!(rows.await??, 3);
    Ok(())
}

#[tokio::test]
#[ignore = "needs PostgreSQL: see tests/centrifugo/README.md"]
async fn pools_and_transactions_of_sqlx_write() -> Outcome {
    let url = Postgres::shared()
        .await
        .database("transactions_of_sqlx")
        .await?;
    let pool = sqlx::PgPool::connect(&url).await?;
    OUTBOX.create(&pool).await?;
    let mut transaction = pool.begin().await?;
    OUTBOX.write(&mut *transaction, &command()?).await?;
    write(&mut *transaction).await?;
    write_by_executor(&mut *transaction).await?;
    transaction.commit().await?;
    let mut connection = pool.acquire().await?;
    write(&mut *connection).await?;
    write(&pool).await?;

    // A future that is spawned must be `Send` for every lifetime.
    let rolled_back = tokio::spawn(async move {
        let mut transaction = pool.begin().await?;
        write(&mut *transaction).await?;
        transaction.rollback().await?;
        OUTBOX.lag(&pool).await.map(|lag| lag.rows())
    });
    assert_eq!(rolled_back.await??, 5);
    Ok(())
}

#[tokio::test]
#[ignore = "needs PostgreSQL: see tests/centrifugo/README.md"]
async fn refused_request_is_not_written() -> Outcome {
    let url = Postgres::shared().await.database("refused_request").await?;
    let client = connect(&url).await?;
    OUTBOX.create(&client).await?;
    let without_key = BroadcastRequest::new(["news", "sports"], "1");
    let error = OUTBOX.send(&client, &without_key).await;
    assert!(matches!(error, Err(Error::Request(_))), "{error:?}");
    OUTBOX
        .send(&client, &without_key.idempotency_key("k"))
        .await?;
    assert_eq!(OUTBOX.lag(&client).await?.rows(), 1);
    Ok(())
}

#[tokio::test]
#[ignore = "needs PostgreSQL: see tests/centrifugo/README.md"]
async fn error_of_the_driver_is_the_source() -> Outcome {
    let url = Postgres::shared().await.database("errors").await?;
    let error = write(&connect(&url).await?).await.err().ok_or("written")?;
    let source = error.source().ok_or("no source")?;
    let source = source
        .downcast_ref::<tokio_postgres::Error>()
        .ok_or("another driver")?;
    assert_eq!(
        source.code(),
        Some(&tokio_postgres::error::SqlState::UNDEFINED_TABLE)
    );

    let error = write(&sqlx::PgPool::connect(&url).await?)
        .await
        .err()
        .ok_or("written")?;
    let Error::Sqlx(sqlx::Error::Database(source)) = error else {
        return Err(error.into());
    };
    assert_eq!(source.code().as_deref(), Some("42P01"));
    Ok(())
}

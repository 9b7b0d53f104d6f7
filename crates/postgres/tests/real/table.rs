//! The table of an outbox, without Centrifugo.

use std::time::Duration;

use centrifugo_api::{ConsumerCommand, PublishRequest};
use centrifugo_postgres::Outbox;

use crate::driver::Driver;
use crate::postgres::{Postgres, connect};
use crate::{Outcome, Problem};

const OUTBOX: Outbox = Outbox::constant("app.centrifugo_outbox")
    .partitions(3)
    .notify();

by_each_driver!(
    lag_counts_rows_and_their_age_per_partition,
    old_rows_are_deleted,
    rows_that_nobody_reads_are_moved,
    rows_have_the_order_of_the_commands,
);

async fn database<D: Driver>(name: &str) -> Result<D, Problem> {
    let url = Postgres::shared().await.database(name).await?;
    let mut database = D::connect(&url).await?;
    database.run("CREATE SCHEMA app").await?;
    Ok(database)
}

async fn created<D: Driver>(name: &str) -> Result<D, Problem> {
    let mut database = database::<D>(name).await?;
    OUTBOX.create(database.database()).await?;
    Ok(database)
}

fn command(channel: &str) -> Result<ConsumerCommand, Problem> {
    Ok(ConsumerCommand::new(&PublishRequest::new(channel, "1"))?)
}

async fn lag_counts_rows_and_their_age_per_partition<D: Driver>(name: &str) -> Outcome {
    let mut database = created::<D>(name).await?;
    let lag = OUTBOX.lag(database.database()).await?;
    assert!(lag.is_empty());
    assert_eq!((lag.rows(), lag.oldest()), (0, None));

    // The partitions are those of a table in the documentation of the SDK.
    for channel in ["user:42", "news", "123456789"] {
        OUTBOX
            .write(database.database(), &command(channel)?)
            .await?;
    }
    let an_hour_ago = "UPDATE app.centrifugo_outbox SET created_at = now() - interval '1 hour' WHERE partition = 1";
    database.run(an_hour_ago).await?;
    let in_the_future = "UPDATE app.centrifugo_outbox SET partition = 3, created_at = now() + interval '1 hour' \
                         WHERE id = 2";
    database.run(in_the_future).await?;

    let lag = OUTBOX.lag(database.database()).await?;
    let partitions: Vec<_> = lag.partitions().iter().collect();
    let rows: Vec<_> = partitions
        .iter()
        .map(|lag| (lag.partition, lag.rows, lag.first_id, lag.is_read))
        .collect();
    assert_eq!(rows, [(1, 1, 1, true), (2, 1, 3, true), (3, 1, 2, false)]);
    let hour = Duration::from_secs(3600);
    assert!(partitions[0].oldest >= hour && partitions[0].oldest < 2 * hour);
    assert!(partitions[1].oldest < hour);
    assert_eq!(partitions[2].oldest, Duration::ZERO);
    assert_eq!((lag.rows(), lag.oldest()), (3, Some(partitions[0].oldest)));
    Ok(())
}

async fn old_rows_are_deleted<D: Driver>(name: &str) -> Outcome {
    let mut database = created::<D>(name).await?;
    let commands = [command("news")?, command("news")?];
    OUTBOX.write_all(database.database(), &commands).await?;
    database
        .run("UPDATE app.centrifugo_outbox SET created_at = now() - interval '1 hour' WHERE id = 1")
        .await?;
    let age = Duration::from_secs(1800);
    assert_eq!(OUTBOX.delete_older(database.database(), age).await?, 1);
    assert_eq!(OUTBOX.delete_older(database.database(), age).await?, 0);
    assert_eq!(
        OUTBOX.lag(database.database()).await?.partitions()[0].first_id,
        2
    );
    assert!(OUTBOX.delete(database.database(), 2).await?);
    assert!(!OUTBOX.delete(database.database(), 2).await?);
    Ok(())
}

async fn rows_that_nobody_reads_are_moved<D: Driver>(name: &str) -> Outcome {
    let mut database = created::<D>(name).await?;
    database
        .run(
            "INSERT INTO app.centrifugo_outbox (method, payload, partition) \
             SELECT 'publish', '{}', unnest(ARRAY[-4, -1, 0, 2, 3, 7])",
        )
        .await?;
    assert_eq!(OUTBOX.move_unread(database.database()).await?, 4);
    let lag = OUTBOX.lag(database.database()).await?;
    let rows: Vec<_> = lag
        .partitions()
        .iter()
        .map(|lag| (lag.partition, lag.rows))
        .collect();
    assert_eq!(rows, [(0, 2), (1, 1), (2, 3)]);
    assert!(lag.partitions().iter().all(|lag| lag.is_read));
    Ok(())
}

async fn rows_have_the_order_of_the_commands<D: Driver>(name: &str) -> Outcome {
    const COMMANDS: usize = 1000;
    let mut database = created::<D>(name).await?;
    let commands: Vec<_> = (0..COMMANDS)
        .map(|number| command(&format!("news:{number}")))
        .collect::<Result<_, _>>()?;
    OUTBOX.write_all(database.database(), &commands).await?;
    OUTBOX.write_all(database.database(), []).await?;
    let rows = connect(&Postgres::shared().await.url(name))
        .await?
        .query(
            "SELECT payload ->> 'channel', partition FROM app.centrifugo_outbox ORDER BY id",
            &[],
        )
        .await?;
    assert_eq!(rows.len(), COMMANDS);
    for (number, row) in rows.iter().enumerate() {
        let channel = format!("news:{number}");
        let partition = centrifugo_api::consumer::partition(&channel, 3.try_into()?);
        assert_eq!((row.try_get(0)?, row.try_get(1)?), (channel, partition));
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs PostgreSQL: see tests/centrifugo/README.md"]
async fn outbox_is_created_by_several_at_once_and_again() -> Outcome {
    const NAME: &str = "created_at_once";
    let mut first = database::<tokio_postgres::Client>(NAME).await?;
    let url = Postgres::shared().await.url(NAME);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let client = connect(&url).await?;
        tasks.spawn(async move { OUTBOX.create(&client).await });
    }
    while let Some(created) = tasks.join_next().await {
        created??;
    }
    // Whoever writes holds up nobody who creates it again, and the other way round.
    let mut second = connect(&url).await?;
    for client in [&mut first, &mut second] {
        client.run("SET lock_timeout = '10s'").await?;
    }
    first.run("BEGIN").await?;
    OUTBOX.write(first.database(), &command("news")?).await?;
    second.run("BEGIN").await?;
    OUTBOX.create(second.database()).await?;
    OUTBOX.write(first.database(), &command("news")?).await?;
    first.run("COMMIT").await?;
    second.run("COMMIT").await?;
    assert_eq!(OUTBOX.lag(&first).await?.rows(), 2);
    Ok(())
}

#[tokio::test]
#[ignore = "needs PostgreSQL: see tests/centrifugo/README.md"]
async fn table_of_centrifugos_documentation_becomes_an_outbox() -> Outcome {
    let client = database::<tokio_postgres::Client>("adopted").await?;
    client
        .batch_execute(
            "CREATE TABLE app.centrifugo_outbox (
               id BIGSERIAL PRIMARY KEY,
               method text NOT NULL,
               payload JSONB NOT NULL,
               partition INTEGER NOT NULL default 0
             );
             INSERT INTO app.centrifugo_outbox (method, payload) VALUES ('publish', '{}')",
        )
        .await?;
    OUTBOX.create(&client).await?;
    OUTBOX.write(&client, &command("news")?).await?;
    assert_eq!(OUTBOX.lag(&client).await?.rows(), 2);
    Ok(())
}

//! The speed of the embedded server: `cargo bench --all-features --bench testing`.
//!
//! Client and server share the machine, so the rates are those of both together.
#![allow(clippy::print_stdout)]

use std::time::{Duration, Instant};

use centrifugo_api::{Client, Error, PublishRequest};
use centrifugo_api_testing::Server;
use tokio::task::JoinSet;

const STARTS: usize = 200;
const TASKS: usize = 64;
const PUBLISHES: usize = 50_000;
const ONE_BY_ONE: usize = 5_000;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let (start, stop) = start_and_stop()?;
    println!("start: {start:?}, drop: {stop:?} (medians of {STARTS})");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let server = Server::start()?;
        for (transport, client) in [("http", server.client()), ("grpc", server.grpc_client())] {
            one_by_one(&client, ONE_BY_ONE / 10).await?;
            let each = one_by_one(&client, ONE_BY_ONE).await?;
            println!("{transport}, one by one: {each:?} per publish");
            let took = at_once(&client).await?;
            let rate = PUBLISHES as f64 / took.as_secs_f64();
            println!("{transport}, {TASKS} tasks: {rate:.0} publishes per second");
        }
        Ok(())
    })
}

fn start_and_stop() -> Result<(Duration, Duration), Error> {
    let mut starts = Vec::new();
    let mut stops = Vec::new();
    for _ in 0..STARTS {
        let begin = Instant::now();
        let server = Server::start()?;
        starts.push(begin.elapsed());
        let begin = Instant::now();
        drop(server);
        stops.push(begin.elapsed());
    }
    Ok((median(starts), median(stops)))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn publication() -> PublishRequest {
    PublishRequest::new("news", r#"{"text":"hello, world","n":1}"#)
}

async fn one_by_one(client: &Client, publishes: usize) -> Result<Duration, Error> {
    let begin = Instant::now();
    for _ in 0..publishes {
        client.publish(publication()).await?;
    }
    Ok(begin.elapsed() / u32::try_from(publishes).unwrap_or(u32::MAX))
}

async fn at_once(client: &Client) -> Result<Duration, Box<dyn std::error::Error>> {
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let client = client.clone();
        tasks.spawn(async move {
            for _ in 0..PUBLISHES / TASKS {
                client.publish(publication()).await?;
            }
            Ok::<_, Error>(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(begin.elapsed())
}

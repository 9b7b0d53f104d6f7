//! Sends messages of `centrifugo_api::consumer` through real brokers to a real Centrifugo, and prints what arrived at a
//! real client. `run` prepares the brokers and runs it.
//!
//! The arguments are the names of brokers; without any, it tests all.

mod audience;
mod broker;
mod brokers;
mod properties;
mod site;
mod subscriber;
mod table;

#[path = "../../support/keeper.rs"]
mod keeper;
#[path = "../../support/listener.rs"]
mod listener;
#[path = "../../support/postgres.rs"]
mod postgres;
#[path = "../../support/redis.rs"]
mod redis;
#[path = "../../support/server/mod.rs"]
mod server;
#[path = "../../support/websocket.rs"]
mod websocket;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use futures_util::{FutureExt as _, StreamExt as _, stream};

use broker::Broker;
use brokers::kafka::Kafka;
use brokers::nats::Nats;
use brokers::outbox::Outbox;
use brokers::sqs::{ElasticMq, Kind, Sqs};
use brokers::streams::Streams;
use properties::{Test, tests};
use table::Table;

type Problem = Box<dyn std::error::Error>;
type Outcome = Result<(), Problem>;

/// Within which everything happens that is waited for. NATS gives messages again after 30 s.
const DEADLINE: Duration = Duration::from_secs(120);

/// Within which a test ends.
const TEST_DEADLINE: Duration = Duration::from_secs(300);

/// How many tests run at the same time: many of them wait most of the time.
const CONCURRENCY: usize = 8;

/// How the tests run.
pub(crate) struct Setup {
    /// How many messages are sent while Centrifugo is killed.
    messages: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("brokers: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Tests the brokers, and returns how many tests failed.
async fn run() -> Result<usize, Problem> {
    let factor = std::env::var("CENTRIFUGO_API_BROKERS").unwrap_or_else(|_| "1".to_owned());
    let factor: usize = factor
        .parse()
        .map_err(|_| "CENTRIFUGO_API_BROKERS is not a number")?;
    let setup = Setup {
        messages: 500 * factor,
    };
    let names: Vec<String> = std::env::args().skip(1).collect();
    let is_chosen = |name: &str| names.is_empty() || names.iter().any(|chosen| chosen == name);

    let outbox = if is_chosen("postgresql") {
        Some(Outbox::start().await?)
    } else {
        None
    };
    let kafka = if is_chosen("kafka") {
        Some(Kafka::start().await?)
    } else {
        None
    };
    let nats = if is_chosen("nats") {
        Some(Nats::start().await?)
    } else {
        None
    };
    let streams = if is_chosen("redis") {
        Some(Streams::start().await?)
    } else {
        None
    };
    let queues = if is_chosen("sqs") {
        queues().await?
    } else {
        Vec::new()
    };

    let mut suite = Suite::new(&setup);
    outbox.iter().for_each(|broker| suite.add(broker));
    kafka.iter().for_each(|broker| suite.add(broker));
    nats.iter().for_each(|broker| suite.add(broker));
    streams.iter().for_each(|broker| suite.add(broker));
    queues.iter().for_each(|broker| suite.add(broker));
    let (table, failed) = suite.run().await;
    println!("\n{}\n{}", table.text(), table.remarks());
    if names.is_empty() && factor == 1 && failed == 0 {
        table.compare(std::env::var_os("CENTRIFUGO_API_WRITE_DOCS").is_some())?;
    }
    Ok(failed)
}

async fn queues() -> Result<Vec<Sqs>, Problem> {
    let server = ElasticMq::start().await?;
    let kinds = [Kind::Standard, Kind::Fifo, Kind::Sns];
    let queues = kinds.map(|kind| Sqs {
        server: server.clone(),
        kind,
    });
    Ok(queues.into())
}

/// The tests of all brokers.
struct Suite<'a> {
    setup: &'a Setup,
    /// Their names, and what runs.
    brokers: Vec<(&'static str, &'static str)>,
    tests: Vec<(&'static str, String, Test<'a>)>,
}

impl<'a> Suite<'a> {
    fn new(setup: &'a Setup) -> Self {
        Self {
            setup,
            brokers: Vec::new(),
            tests: Vec::new(),
        }
    }

    fn add(&mut self, broker: &'a impl Broker) {
        let column = broker.name();
        self.brokers.push((column, broker.server()));
        let tests = tests(broker, self.setup).into_iter();
        self.tests
            .extend(tests.map(|(name, test)| (column, name, test)));
    }

    /// Runs the tests, and returns what they found out, and how many failed.
    async fn run(self) -> (Table, usize) {
        let mut table = Table::new(self.brokers);
        let mut passed = 0;
        let mut failed = 0;
        let tests = self.tests.into_iter().map(async |(column, name, test)| {
            let started = Instant::now();
            let test = AssertUnwindSafe(test).catch_unwind();
            let findings = tokio::time::timeout(TEST_DEADLINE, test).await;
            (column, name, started.elapsed(), findings)
        });
        let mut tests = stream::iter(tests).buffer_unordered(CONCURRENCY);
        while let Some((column, name, took, findings)) = tests.next().await {
            let problem = match findings {
                Ok(Ok(Ok(findings))) => {
                    passed += 1;
                    println!("{name}: passed in {:.1} s", took.as_secs_f64());
                    findings
                        .into_iter()
                        .for_each(|finding| table.add(column, finding));
                    continue;
                }
                Ok(Ok(Err(problem))) => problem.to_string(),
                Ok(Err(_)) => "see the panic above".to_owned(),
                Err(_) => "it does not end".to_owned(),
            };
            failed += 1;
            println!("{name}: FAILED in {:.1} s: {problem}", took.as_secs_f64());
        }
        println!("{passed} passed, {failed} failed");
        (table, failed)
    }
}

/// Waits until there is something.
///
/// # Panics
///
/// If that takes too long.
async fn wait<T>(
    what: &str,
    look: impl AsyncFn() -> Result<Option<T>, Problem>,
) -> Result<T, Problem> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until a server that was started can be used.
async fn started<T>(
    name: &str,
    connect: impl AsyncFn() -> Result<T, Problem>,
) -> Result<T, Problem> {
    const START_DEADLINE: Duration = Duration::from_secs(60);
    let deadline = Instant::now() + START_DEADLINE;
    loop {
        match connect().await {
            Ok(connected) => return Ok(connected),
            Err(problem) if Instant::now() > deadline => {
                return Err(format!("{name} does not start: {problem}").into());
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Returns a variable that `run` sets.
fn variable(name: &str) -> Result<String, Problem> {
    std::env::var(name).map_err(|_| format!("{name} is not set: use tests/brokers/run").into())
}

//! Calls that share batches, on embedded servers, over HTTP and gRPC.

mod alone;
#[cfg(feature = "blocking")]
mod blocking;
mod ends;
mod failures;
mod held;
mod order;
mod sharing;
mod sizes;

use std::time::Duration;

use centrifugo_api::{
    BatchRequest, Client, Coalescing, Error, HistoryRequest, PublishRequest, PublishResult, Retry,
};
use centrifugo_api_testing::{DataFormat, Fault, Namespace, Server};
use tokio::task::JoinHandle;

use crate::Outcome;
use crate::fake_server::PATIENCE;

/// The delay of a batch, so that other calls wait.
const HOLD: Duration = Duration::from_millis(300);

/// Sends one batch at a time, however slow, and never measures the server, so that a test knows
/// which calls share a batch.
fn one_at_a_time() -> Coalescing {
    patient().max_batches(1).concurrent()
}

/// Sends no batch because others are slow.
fn patient() -> Coalescing {
    Coalescing::default().slow_after(Duration::MAX)
}

/// Returns a server and a client for each transport. The clients coalesce with these options and
/// retry at once.
fn both_transports(
    coalescing: &Coalescing,
) -> Result<[(Server, Client); 2], Box<dyn std::error::Error>> {
    let namespace = |name| {
        Namespace::new(name)
            .history_size(100)
            .history_ttl(PATIENCE * 10)
            .presence(true)
    };
    let start = || {
        let bin = namespace("bin").data_format(DataFormat::Binary);
        Server::builder()
            .namespace(namespace(""))
            .namespace(bin)
            .start()
    };
    let http = start()?;
    let grpc = start()?;
    let builders = [http.client_builder(), grpc.grpc_client_builder()];
    let [first, second] = builders.map(|builder| {
        let retry = Retry::default().first_wait(Duration::from_millis(1));
        builder
            .retry(retry)
            .build()
            .map(|client| client.coalescing(coalescing.clone()))
    });
    Ok([(http, first?), (grpc, second?)])
}

/// Delays a batch of one call, and waits until it has reached the server.
async fn delay_batch(server: &Server, client: &Client) -> Result<JoinHandle<()>, Error> {
    server.fail_next(1, Fault::delay(HOLD))?;
    let client = client.clone();
    let call = tokio::spawn(async move {
        client
            .publish(PublishRequest::new("first", "1"))
            .await
            .expect("the call is only delayed");
    });
    while server.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    server.take_requests();
    Ok(call)
}

/// Makes the calls at once, each in its own task.
fn publish_all<R: Into<PublishRequest> + Send + 'static>(
    client: &Client,
    requests: impl IntoIterator<Item = R>,
) -> Vec<JoinHandle<Result<PublishResult, Error>>> {
    requests
        .into_iter()
        .map(|request: R| {
            let client = client.clone();
            tokio::spawn(async move { client.publish(request.into()).await })
        })
        .collect()
}

/// Returns the number of commands in each request since the last call of this function.
fn batches(server: &Server) -> Vec<usize> {
    let requests = server.take_requests();
    let batches = requests.iter().map(|request| {
        request
            .request::<BatchRequest>()
            .map_or(0, |batch| batch.commands.len())
    });
    batches.collect()
}

async fn published(client: &Client, channel: &str) -> Result<usize, Error> {
    let history = client
        .history(HistoryRequest::new(channel).limit(-1))
        .await?;
    Ok(history.publications.len())
}

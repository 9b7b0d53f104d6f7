//! Recovery: when all faults are over, every client works again.

use std::time::{Duration, Instant};

use centrifugo_api::{Error, HistoryRequest, HistoryResult};

use crate::audit::{Audit, Finding};
use crate::callers::GroupClient;
use crate::groups::Group;

/// The timeout of a call that finds out.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The time in which a client works again: some timeouts of its calls.
const SOON: Duration = Duration::from_secs(15);

/// Finds the clients that do not work again.
pub(crate) async fn check(clients: Vec<(Group, GroupClient)>, audit: &mut Audit) {
    let waits = clients.into_iter().map(|(group, client)| {
        let error = tokio::spawn(recover(client));
        async move { (group, error.await.expect("recovering does not panic")) }
    });
    for wait in waits.collect::<Vec<_>>() {
        let (group, error) = wait.await;
        if let Some(error) = error {
            audit.find(Finding::Stuck, group, error.to_string());
        }
    }
}

/// Calls until a call succeeds. Returns the last error if none does.
async fn recover(client: GroupClient) -> Option<Error> {
    let began = Instant::now();
    loop {
        match read(client.clone()).await {
            Ok(_) => return None,
            Err(error) if began.elapsed() > SOON => return Some(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn read(client: GroupClient) -> Result<HistoryResult, Error> {
    let request = HistoryRequest::new("kept:recovery");
    match client {
        GroupClient::Async(client) => client.with_timeout(TIMEOUT).history(request).await,
        GroupClient::Blocking(client) => {
            let read =
                tokio::task::spawn_blocking(move || client.with_timeout(TIMEOUT).history(request));
            read.await.expect("reading does not panic")
        }
    }
}

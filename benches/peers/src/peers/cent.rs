//! Rust `cent`, the official client: over HTTP, with its automatic batches, and blocking.

use std::sync::Arc;

use cent::{
    AutoBatch, BatchOptions, BroadcastRequest, Client, Config, HistoryRequest, PublishRequest,
    RawValue, blocking,
};

use super::{BlockingPeer, Peer};
use crate::Failure;
use crate::rows::Call;
use crate::server::HTTP_KEY;
use crate::work::{CHANNEL, DATA, HISTORY_CHANNEL, Work};

pub struct Cent {
    work: Arc<Work>,
    client: Client,
    data: Box<RawValue>,
}

impl Peer for Cent {
    const NAME: &'static str = "cent";

    fn connect(work: &Arc<Work>) -> Result<Self, Failure> {
        Self::with(work, config(work))
    }

    async fn call(&self) -> Result<(), Failure> {
        let (client, work, data) = (&self.client, &self.work, self.data.clone());
        match work.call {
            Call::Batch => {
                let mut batch = client.new_batch(BatchOptions::default());
                let add = |channel| batch.publish(PublishRequest::new(channel).data(data.clone()));
                let outcomes: Vec<_> = work.channels.iter().map(add).collect();
                batch.send().await?;
                for outcome in outcomes {
                    outcome.result()?;
                }
            }
            Call::Broadcast => {
                let result = client
                    .broadcast(BroadcastRequest::new(&work.channels).data(data))
                    .await?;
                assert_eq!(result.channels.len(), work.load.parts);
            }
            Call::History => {
                let history = client
                    .history(HistoryRequest::new(HISTORY_CHANNEL).limit(-1))
                    .await?;
                assert_eq!(history.publications.len(), work.load.parts);
            }
            Call::Publish | Call::Large => {
                let request = PublishRequest::new(CHANNEL).data(data);
                client.publish(request).await?;
            }
        }
        Ok(())
    }
}

impl Cent {
    fn with(work: &Arc<Work>, config: Config) -> Result<Self, Failure> {
        Ok(Self {
            work: Arc::clone(work),
            client: Client::new(config)?,
            data: data(work)?,
        })
    }
}

pub struct AutoBatching(Cent);

impl Peer for AutoBatching {
    const NAME: &'static str = "cent/auto-batch";
    const SHARES_BATCHES: bool = true;

    fn connect(work: &Arc<Work>) -> Result<Self, Failure> {
        /// Faster than the half of the tasks that its documentation tells to take.
        const IN_FLIGHT: usize = 2;
        Cent::with(work, config(work).auto_batch(AutoBatch::new(IN_FLIGHT))).map(Self)
    }

    async fn call(&self) -> Result<(), Failure> {
        self.0.call().await
    }
}

pub struct BlockingCent {
    work: Arc<Work>,
    client: blocking::Client,
    data: Box<RawValue>,
}

impl BlockingPeer for BlockingCent {
    const NAME: &'static str = Cent::NAME;

    fn connect(work: &Arc<Work>) -> Result<Self, Failure> {
        Ok(Self {
            work: Arc::clone(work),
            client: blocking::Client::new(config(work))?,
            data: data(work)?,
        })
    }

    fn call(&mut self) -> Result<(), Failure> {
        if self.work.call == Call::History {
            let request = HistoryRequest::new(HISTORY_CHANNEL).limit(-1);
            let history = self.client.history(request)?;
            assert_eq!(history.publications.len(), self.work.load.parts);
        } else {
            let request = PublishRequest::new(CHANNEL).data(self.data.clone());
            self.client.publish(request)?;
        }
        Ok(())
    }
}

/// Returns what is published.
fn data(work: &Work) -> Result<Box<RawValue>, Failure> {
    let data = match work.call {
        Call::Large => String::from_utf8(work.large.to_vec())?,
        _ => DATA.to_owned(),
    };
    Ok(RawValue::from_string(data)?)
}

fn config(work: &Work) -> Config {
    Config::new(work.address.http_url()).api_key(HTTP_KEY)
}

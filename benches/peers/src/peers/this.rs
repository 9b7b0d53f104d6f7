//! This crate, over HTTP and over gRPC.

use std::sync::Arc;

use centrifugo_api::{Client, Coalescing, blocking};

use super::{BlockingPeer, Peer};
use crate::Failure;
use crate::rows::Row;
use crate::server::{GRPC_KEY, HTTP_KEY};
use crate::work::Work;

/// The clients differ in their URL alone.
pub struct This<const GRPC: bool> {
    work: Arc<Work>,
    client: Client,
}

pub type Http = This<false>;
pub type Grpc = This<true>;

const fn name(grpc: bool) -> &'static str {
    if grpc { "this/grpc" } else { "this/http" }
}

fn server(work: &Work, grpc: bool) -> (String, &'static str) {
    if grpc {
        (work.address.grpc_url(), GRPC_KEY)
    } else {
        (work.address.http_url(), HTTP_KEY)
    }
}

impl<const GRPC: bool> Peer for This<GRPC> {
    const NAME: &'static str = name(GRPC);

    fn connect(work: &Arc<Work>) -> Result<Self, Failure> {
        let (url, key) = server(work, GRPC);
        Ok(Self {
            work: Arc::clone(work),
            client: Client::new(url, key)?,
        })
    }

    async fn call(&self) -> Result<(), Failure> {
        let (client, work) = (&self.client, &self.work);
        match work.row {
            Row::Batch => {
                for outcome in client.batch(work.batch().collect::<Vec<_>>()).await? {
                    outcome?;
                }
            }
            Row::Broadcast => assert_eq!(
                client.broadcast(work.broadcast()).await?.failed().count(),
                0
            ),
            Row::History => {
                assert_eq!(
                    client.history(work.history()).await?.publications.len(),
                    work.load.parts
                );
            }
            Row::Large => drop(client.publish(work.large()).await?),
            _ => drop(client.publish(work.publish()).await?),
        }
        Ok(())
    }
}

/// The same, with calls that share batches.
pub struct Shared<const GRPC: bool>(This<GRPC>);

pub type SharedHttp = Shared<false>;
pub type SharedGrpc = Shared<true>;

impl<const GRPC: bool> Peer for Shared<GRPC> {
    const NAME: &'static str = if GRPC {
        "this/coalescing grpc"
    } else {
        "this/coalescing http"
    };
    const ROWS: &'static [Row] = Row::TASKS;

    fn connect(work: &Arc<Work>) -> Result<Self, Failure> {
        let mut this = This::connect(work)?;
        this.client = this.client.coalescing(Coalescing::default());
        Ok(Self(this))
    }

    async fn call(&self) -> Result<(), Failure> {
        self.0.call().await
    }
}

pub struct BlockingThis<const GRPC: bool> {
    work: Arc<Work>,
    client: blocking::Client,
}

pub type BlockingHttp = BlockingThis<false>;
pub type BlockingGrpc = BlockingThis<true>;

impl<const GRPC: bool> BlockingPeer for BlockingThis<GRPC> {
    const NAME: &'static str = name(GRPC);

    fn connect(work: &Arc<Work>) -> Result<Self, Failure> {
        let (url, key) = server(work, GRPC);
        Ok(Self {
            work: Arc::clone(work),
            client: blocking::Client::new(url, key)?,
        })
    }

    fn call(&mut self) -> Result<(), Failure> {
        self.client.publish(self.work.publish())?;
        Ok(())
    }
}

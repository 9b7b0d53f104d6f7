//! This crate, over HTTP by reqwest and by hyper, and over gRPC.

use std::marker::PhantomData;
use std::sync::Arc;

use centrifugo_api::{Client, ClientBuilder, Coalescing, blocking};

use super::{BlockingPeer, Peer};
use crate::Failure;
use crate::rows::Call;
use crate::server::{GRPC_KEY, HTTP_KEY};
use crate::work::Work;

/// A way to the server.
pub trait Way: Send + Sync + 'static {
    const NAME: &'static str;
    /// The name with calls that share batches.
    const SHARED: &'static str;

    fn builder(work: &Work) -> ClientBuilder;
}

/// HTTP with the connections of reqwest.
pub struct OnReqwest;

/// HTTP with connections on hyper.
pub struct OnHyper;

/// gRPC.
pub struct OverGrpc;

impl Way for OnReqwest {
    const NAME: &'static str = "this/http";
    const SHARED: &'static str = "this/coalescing http";

    fn builder(work: &Work) -> ClientBuilder {
        Client::builder(work.address.http_url()).api_key(HTTP_KEY)
    }
}

impl Way for OnHyper {
    const NAME: &'static str = "this/hyper";
    const SHARED: &'static str = "this/coalescing hyper";

    fn builder(work: &Work) -> ClientBuilder {
        OnReqwest::builder(work).hyper()
    }
}

impl Way for OverGrpc {
    const NAME: &'static str = "this/grpc";
    const SHARED: &'static str = "this/coalescing grpc";

    fn builder(work: &Work) -> ClientBuilder {
        Client::builder(work.address.grpc_url()).api_key(GRPC_KEY)
    }
}

pub struct This<W> {
    work: Arc<Work>,
    client: Client,
    way: PhantomData<fn() -> W>,
}

impl<W: Way> Peer for This<W> {
    const NAME: &'static str = W::NAME;

    fn connect(work: &Arc<Work>) -> Result<Self, Failure> {
        Ok(Self {
            work: Arc::clone(work),
            client: W::builder(work).build()?,
            way: PhantomData,
        })
    }

    async fn call(&self) -> Result<(), Failure> {
        let client = &self.client;
        let work = &self.work;
        match work.call {
            Call::Batch => {
                for outcome in client.batch(work.batch().collect::<Vec<_>>()).await? {
                    outcome?;
                }
            }
            Call::Broadcast => assert_eq!(
                client.broadcast(work.broadcast()).await?.failed().count(),
                0
            ),
            Call::History => {
                assert_eq!(
                    client.history(work.history()).await?.publications.len(),
                    work.load.parts
                );
            }
            Call::Large => drop(client.publish(work.large()).await?),
            Call::Publish => drop(client.publish(work.publish()).await?),
        }
        Ok(())
    }
}

/// The same, with calls that share batches.
pub struct Shared<W>(This<W>);

impl<W: Way> Peer for Shared<W> {
    const NAME: &'static str = W::SHARED;
    const SHARES_BATCHES: bool = true;

    fn connect(work: &Arc<Work>) -> Result<Self, Failure> {
        let mut this = This::connect(work)?;
        this.client = this.client.coalescing(Coalescing::default());
        Ok(Self(this))
    }

    async fn call(&self) -> Result<(), Failure> {
        self.0.call().await
    }
}

pub struct BlockingThis<W> {
    work: Arc<Work>,
    client: blocking::Client,
    way: PhantomData<fn() -> W>,
}

impl<W: Way> BlockingPeer for BlockingThis<W> {
    const NAME: &'static str = W::NAME;

    fn connect(work: &Arc<Work>) -> Result<Self, Failure> {
        Ok(Self {
            work: Arc::clone(work),
            client: W::builder(work).build_blocking()?,
            way: PhantomData,
        })
    }

    fn call(&mut self) -> Result<(), Failure> {
        let client = &self.client;
        let work = &self.work;
        match work.call {
            Call::History => {
                let history = client.history(work.history())?;
                assert_eq!(history.publications.len(), work.load.parts);
            }
            Call::Large => drop(client.publish(work.large())?),
            _ => drop(client.publish(work.publish())?),
        }
        Ok(())
    }
}

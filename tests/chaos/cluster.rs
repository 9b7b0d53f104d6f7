//! The cluster of a round: two nodes, each behind relays, and how to call them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use centrifugo_api::{Client, ClientBuilder};

use crate::Outcome;
use crate::authority::Authority;
use crate::faults::{self, Counts};
use crate::faulty_relay::FaultyRelay;
use crate::server::{GRPC_KEY, HTTP_KEY, Server, Transport};
use crate::shared_nodes;

/// The timeout of a call that reads a channel.
const READ: Duration = Duration::from_secs(60);

/// The largest reply to a call that reads a channel, in bytes.
const LARGEST: usize = 1 << 30;

pub(crate) struct Cluster {
    nodes: [Server; 2],
    /// The relays of each node: for HTTP and for gRPC.
    relays: [[FaultyRelay; 2]; 2],
    /// The certificate of the authority that both nodes have their own from, if they speak TLS.
    root: Option<String>,
}

/// The URLs and the certificate that clients need.
pub(crate) struct Access {
    http: [String; 2],
    grpc: [String; 2],
    root: Option<String>,
}

impl Cluster {
    /// Starts nodes with an empty history. They speak TLS if the seed is odd.
    pub(crate) async fn start(seed: u64) -> Outcome<Self> {
        let prefix = format!("chaos-{seed}");
        let (nodes, root) = if seed % 2 == 1 {
            let authority = Authority::new()?;
            let certified = authority.certify("127.0.0.1")?;
            let nodes = shared_nodes::start(&prefix, &certified.options()).await;
            (nodes, Some(authority.pem()))
        } else {
            (shared_nodes::start(&prefix, &[]).await, None)
        };
        let relays = [relays(&nodes[0]).await?, relays(&nodes[1]).await?];
        Ok(Self {
            nodes,
            relays,
            root,
        })
    }

    /// Returns what clients need to call the nodes through the relays.
    pub(crate) fn access(&self) -> Access {
        let tls = if self.root.is_some() { "s" } else { "" };
        let [first, second] = &self.relays;
        let http = |relays: &[FaultyRelay; 2]| format!("http{tls}://{}/api", relays[0].address);
        let grpc = |relays: &[FaultyRelay; 2]| format!("grpc{tls}://{}", relays[1].address);
        Access {
            http: [http(first), http(second)],
            grpc: [grpc(first), grpc(second)],
            root: self.root.clone(),
        }
    }

    /// Puts both nodes and their relays through faults for some time. At the end they are well.
    pub(crate) async fn suffer(&mut self, seed: u64, length: Duration) -> Outcome<Counts> {
        let end = Instant::now() + length;
        let [first, second] = &mut self.nodes;
        let [first_relays, second_relays] = &self.relays;
        let (mut counts, more) = tokio::try_join!(
            faults::run(first, first_relays, seed.wrapping_mul(2), end),
            faults::run(second, second_relays, seed.wrapping_mul(2) + 1, end),
        )?;
        faults::add(&mut counts, more);
        faults::finish(&self.relays, &mut counts);
        Ok(counts)
    }

    /// Ends the relays and both nodes, so that nothing is published any more, and starts a node that
    /// reads what there is. Returns the node, and a client of it.
    pub(crate) async fn end(self) -> Outcome<(Server, Client)> {
        drop(self.relays);
        let [mut node, other] = self.nodes;
        drop(other);
        node.restart().await;
        let mut url = node.url(Transport::Http);
        if self.root.is_some() {
            url = url.replacen("http://", "https://", 1);
        }
        let builder = Client::builder(url).api_key(HTTP_KEY).timeout(READ);
        let builder = with_root(builder, self.root.as_deref());
        Ok((node, builder.max_response_size(LARGEST).build()?))
    }
}

impl Access {
    /// Returns a builder for a client of both nodes, or of the first alone.
    pub(crate) fn builder(&self, transport: Transport, is_for_both: bool) -> ClientBuilder {
        let (urls, key) = match transport {
            Transport::Http => (&self.http, HTTP_KEY),
            Transport::Grpc => (&self.grpc, GRPC_KEY),
        };
        let builder = with_root(Client::builder(&urls[0]).api_key(key), self.root.as_deref());
        if is_for_both {
            builder.endpoint(&urls[1])
        } else {
            builder
        }
    }
}

fn with_root(builder: ClientBuilder, root: Option<&str>) -> ClientBuilder {
    match root {
        Some(root) => builder.root_certificate(root),
        None => builder,
    }
}

async fn relays(node: &Server) -> Outcome<[FaultyRelay; 2]> {
    let relay = |port| FaultyRelay::start(SocketAddr::from(([127, 0, 0, 1], port)));
    Ok([relay(node.http_port).await?, relay(node.grpc_port).await?])
}

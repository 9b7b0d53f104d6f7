//! The work that every client does: the same requests, as types of this crate and as encoded bytes.

use bytes::Bytes;
use centrifugo_api::{
    BatchRequest, BroadcastRequest, Command, HistoryRequest, Method, PublishRequest, blocking,
    prost,
};

use crate::Failure;
use crate::rows::{Call, Load, Row};
use crate::server::{Address, GRPC_KEY};

/// In a namespace without history: else the server's work is most of it.
pub const CHANNEL: &str = "bench:news";
pub const DATA: &str = r#"{"n":1}"#;
pub const HISTORY_CHANNEL: &str = "hist:news";
/// The first byte of an error in a gRPC reply, and of the reply of a batch.
pub const FIRST_FIELD: u8 = 0x0a;
const MIB: usize = 1024 * 1024;

pub struct Work {
    pub row: Row,
    pub call: Call,
    pub load: Load,
    pub address: Address,
    /// Of a batch or a broadcast.
    pub channels: Vec<String>,
    /// Of a large publish: JSON.
    pub large: Bytes,
}

/// A request without a client.
pub struct Raw {
    pub method: &'static str,
    pub grpc_path: &'static str,
    pub json: Bytes,
    pub protobuf: Bytes,
}

impl Work {
    pub fn new(row: Row, load: Load, address: Address) -> Self {
        let call = row.call();
        let channels = match call {
            Call::Batch | Call::Broadcast => load.parts,
            _ => 0,
        };
        let channels = (0..channels)
            .map(|number| format!("bench:{number:05}"))
            .collect();
        let large = if call == Call::Large { MIB } else { 0 };
        Self {
            row,
            call,
            load,
            address,
            channels,
            large: text(large).into(),
        }
    }

    pub fn publish(&self) -> PublishRequest {
        PublishRequest::new(CHANNEL, DATA)
    }

    pub fn batch(&self) -> impl Iterator<Item = PublishRequest> {
        self.channels
            .iter()
            .map(|channel| PublishRequest::new(channel, DATA))
    }

    pub fn broadcast(&self) -> BroadcastRequest {
        BroadcastRequest::new(&self.channels, DATA)
    }

    pub fn history(&self) -> HistoryRequest {
        HistoryRequest::new(HISTORY_CHANNEL).limit(-1)
    }

    pub fn large(&self) -> PublishRequest {
        PublishRequest::new(CHANNEL, self.large.clone())
    }

    pub fn raw(&self) -> Result<Raw, Failure> {
        match self.call {
            Call::Publish => raw(&self.publish()),
            Call::Batch => raw_batch(self.batch()),
            Call::Broadcast => raw(&self.broadcast()),
            Call::History => raw(&self.history()),
            Call::Large => raw(&self.large()),
        }
    }

    /// Checks that a reply which nobody decodes is one: a client that fails is fast.
    pub fn check(&self, status: http::StatusCode, body: &[u8]) -> Result<(), Failure> {
        match status.is_success() && !body.starts_with(br#"{"error"#) {
            true => Ok(()),
            false => Err(format!("{status}: {}", String::from_utf8_lossy(body)).into()),
        }
    }
}

fn raw<M: Method>(request: &M) -> Result<Raw, Failure> {
    Ok(Raw {
        method: M::NAME,
        grpc_path: M::GRPC_PATH,
        json: serde_json::to_vec(request)?.into(),
        protobuf: request.encode_to_vec().into(),
    })
}

/// Command by command: the memory of a list would be the peer's.
fn raw_batch(requests: impl Iterator<Item = PublishRequest>) -> Result<Raw, Failure> {
    let (mut json, mut protobuf) = (br#"{"commands":"#.to_vec(), Vec::new());
    let mut before = b'[';
    for command in requests.map(Command::from) {
        json.push(before);
        serde_json::to_writer(&mut json, &command)?;
        prost::encoding::message::encode(1, &command, &mut protobuf);
        before = b',';
    }
    json.extend(b"]}");
    let (method, grpc_path) = (BatchRequest::NAME, BatchRequest::GRPC_PATH);
    Ok(Raw {
        method,
        grpc_path,
        json: json.into(),
        protobuf: protobuf.into(),
    })
}

/// A JSON string of so many bytes.
fn text(size: usize) -> String {
    format!(r#""{}""#, "x".repeat(size.saturating_sub(2)))
}

/// Publishes what the history row reads.
pub fn fill_history(address: Address, short: bool) -> Result<(), Failure> {
    let (client, data) = (
        blocking::Client::new(address.grpc_url(), GRPC_KEY)?,
        text(256),
    );
    let publications = Row::History.load(short).parts;
    let requests = (0..publications).map(|_| PublishRequest::new(HISTORY_CHANNEL, &data));
    for outcome in client.batch(requests.collect::<Vec<_>>())? {
        outcome?;
    }
    Ok(())
}

//! tonic with ready bytes, which decodes nothing.

use std::sync::Arc;

use bytes::{Buf as _, BufMut as _, Bytes};
use http::uri::PathAndQuery;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use super::Peer;
use crate::Failure;
use crate::rows::{Call, Kind, Row};
use crate::server::GRPC_KEY;
use crate::work::{FIRST_FIELD, Work};

pub struct Tonic {
    work: Arc<Work>,
    channel: Channel,
    key: MetadataValue<Ascii>,
    path: PathAndQuery,
    body: Bytes,
}

impl Peer for Tonic {
    const NAME: &'static str = "tonic";

    fn has_row(row: Row) -> bool {
        row.kind() == Kind::Calls
    }

    fn connect(work: &Arc<Work>) -> Result<Self, Failure> {
        let raw = work.raw()?;
        let url = format!("http://127.0.0.1:{}", work.address.grpc_port);
        Ok(Self {
            work: Arc::clone(work),
            channel: Endpoint::from_shared(url)?.tcp_nodelay(true).connect_lazy(),
            key: format!("apikey {GRPC_KEY}").parse()?,
            path: PathAndQuery::from_static(raw.grpc_path),
            body: raw.protobuf,
        })
    }

    async fn call(&self) -> Result<(), Failure> {
        let mut request = Request::new(self.body.clone());
        request
            .metadata_mut()
            .insert("authorization", self.key.clone());
        let mut grpc = Grpc::new(self.channel.clone());
        grpc.ready().await?;
        let reply = grpc
            .unary(request, self.path.clone(), Ready)
            .await?
            .into_inner();
        if reply.first() == Some(&FIRST_FIELD) && self.work.call != Call::Batch {
            Err(format!("an error: {reply:?}").into())
        } else {
            Ok(())
        }
    }
}

/// Bytes as they are.
struct Ready;

impl Codec for Ready {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Ready {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Ready {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

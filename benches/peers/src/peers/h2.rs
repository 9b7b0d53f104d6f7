//! The h2 crate with ready bytes and a connection in a task of its own, which decodes nothing: the lower bound of gRPC.

use std::net::Ipv4Addr;
use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};
use h2::client::SendRequest;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, TE};
use http::{Request, Uri};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;

use super::Peer;
use crate::Failure;
use crate::rows::{Call, Kind, Row};
use crate::server::GRPC_KEY;
use crate::work::{FIRST_FIELD, Work};

/// The length of what gRPC puts in front of a message.
const PREFIX: usize = 5;

/// The windows of hyper's client, which tonic uses.
const STREAM_WINDOW: u32 = 2 * 1024 * 1024;
const CONNECTION_WINDOW: u32 = 5 * 1024 * 1024;

pub struct H2 {
    work: Arc<Work>,
    connection: OnceCell<SendRequest<Bytes>>,
    uri: Uri,
    key: HeaderValue,
    message: Bytes,
}

impl Peer for H2 {
    const NAME: &'static str = "h2";

    fn has_row(row: Row) -> bool {
        row.kind() == Kind::Calls
    }

    fn connect(work: &Arc<Work>) -> Result<Self, Failure> {
        let raw = work.raw()?;
        let uri = format!(
            "http://127.0.0.1:{}{}",
            work.address.grpc_port, raw.grpc_path
        );
        Ok(Self {
            work: Arc::clone(work),
            connection: OnceCell::new(),
            uri: uri.parse()?,
            key: format!("apikey {GRPC_KEY}").parse()?,
            message: prefixed(&raw.protobuf)?,
        })
    }

    async fn call(&self) -> Result<(), Failure> {
        let connection = self.connection.get_or_try_init(|| self.open()).await?;
        let mut connection = connection.clone().ready().await?;
        let (response, mut stream) = connection.send_request(self.request()?, false)?;
        stream.send_data(self.message.clone(), true)?;
        let (head, mut body) = response.await?.into_parts();
        let mut first = None;
        while let Some(chunk) = body.data().await {
            let chunk = chunk?;
            body.flow_control().release_capacity(chunk.len())?;
            first = first.or_else(|| chunk.get(PREFIX).copied());
        }
        let trailers = body.trailers().await?;
        check_status(&trailers.unwrap_or(head.headers))?;
        if first == Some(FIRST_FIELD) && self.work.call != Call::Batch {
            return Err("an error in place of a result".into());
        }
        Ok(())
    }
}

impl H2 {
    async fn open(&self) -> Result<SendRequest<Bytes>, Failure> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.work.address.grpc_port)).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = h2::client::Builder::new()
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .handshake(stream)
            .await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    fn request(&self) -> Result<Request<()>, Failure> {
        let request = Request::post(self.uri.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/grpc"))
            .header(TE, HeaderValue::from_static("trailers"))
            .header(AUTHORIZATION, self.key.clone());
        Ok(request.body(())?)
    }
}

fn prefixed(message: &[u8]) -> Result<Bytes, Failure> {
    let mut bytes = BytesMut::with_capacity(PREFIX + message.len());
    bytes.put_u8(0);
    bytes.put_u32(message.len().try_into()?);
    bytes.put(message);
    Ok(bytes.freeze())
}

/// Checks the status of a call, which is in the trailers, or in the head of a response without a body.
fn check_status(headers: &HeaderMap) -> Result<(), Failure> {
    let status = headers.get("grpc-status");
    if status.is_some_and(|status| status == "0") {
        Ok(())
    } else {
        Err(format!("the status of a call is {status:?}").into())
    }
}

//! The client of hyper-util with ready bytes, which decodes nothing.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::Peer;
use crate::Failure;
use crate::rows::{Kind, Row};
use crate::server::HTTP_KEY;
use crate::work::Work;

pub struct Hyper {
    work: Arc<Work>,
    client: Client<HttpConnector, Full<Bytes>>,
    uri: Uri,
    body: Bytes,
}

impl Peer for Hyper {
    const NAME: &'static str = "hyper";

    fn has_row(row: Row) -> bool {
        row.kind() == Kind::Calls
    }

    fn connect(work: &Arc<Work>) -> Result<Self, Failure> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let raw = work.raw()?;
        let uri = format!("{}/{}", work.address.http_url(), raw.method).parse()?;
        Ok(Self {
            work: Arc::clone(work),
            client,
            uri,
            body: raw.json,
        })
    }

    async fn call(&self) -> Result<(), Failure> {
        let request = Request::post(self.uri.clone())
            .header("x-api-key", HeaderValue::from_static(HTTP_KEY))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(Full::new(self.body.clone()))?;
        let (head, body) = self.client.request(request).await?.into_parts();
        self.work
            .check(head.status, &body.collect().await?.to_bytes())
    }
}

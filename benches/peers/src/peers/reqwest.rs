//! reqwest with ready bytes, which decodes nothing.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Url};

use super::Peer;
use crate::Failure;
use crate::server::HTTP_KEY;
use crate::work::Work;

pub struct Reqwest {
    work: Arc<Work>,
    client: Client,
    url: Url,
    body: Bytes,
}

impl Peer for Reqwest {
    const NAME: &'static str = "reqwest";

    fn connect(work: &Arc<Work>) -> Result<Self, Failure> {
        // reqwest is built with TLS for this crate, and panics without.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let raw = work.raw()?;
        let url = format!("{}/{}", work.address.http_url(), raw.method).parse()?;
        Ok(Self {
            work: Arc::clone(work),
            client: Client::builder().build()?,
            url,
            body: raw.json,
        })
    }

    async fn call(&self) -> Result<(), Failure> {
        let request = self
            .client
            .post(self.url.clone())
            .header("x-api-key", HeaderValue::from_static(HTTP_KEY))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(self.body.clone());
        let response = request.send().await?;
        self.work.check(response.status(), &response.bytes().await?)
    }
}

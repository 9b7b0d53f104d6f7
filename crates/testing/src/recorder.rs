use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::HeaderMap;

use super::engine::ServedMethod;

/// How a request came to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint {
    /// HTTP, at the method's own path.
    Http,
    /// HTTP, as a line of commands at the base URL.
    CommandLines,
    /// gRPC.
    Grpc,
}

/// A request that the server has read.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The method's name, such as `publish`.
    pub method: &'static str,
    /// How it came.
    pub endpoint: Endpoint,
    /// Its headers, or its metadata, without the key.
    pub headers: HeaderMap,
    /// Its protobuf.
    body: Bytes,
}

impl Recorded {
    pub(crate) fn new(
        method: &'static str,
        endpoint: Endpoint,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Self {
        let mut headers = headers.clone();
        headers.remove("x-api-key");
        headers.remove("authorization");
        Self {
            method,
            endpoint,
            headers,
            body,
        }
    }

    /// The request, if it is one of that type.
    #[must_use]
    pub fn request<M: ServedMethod>(&self) -> Option<M> {
        (self.method == M::NAME)
            .then(|| M::decode(self.body.clone()).ok())
            .flatten()
    }
}

/// The last requests.
#[derive(Debug)]
pub(crate) struct Recorder {
    limit: usize,
    requests: Mutex<VecDeque<Recorded>>,
}

impl Recorder {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            requests: Mutex::default(),
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.limit > 0
    }

    pub(crate) fn add(&self, request: Recorded) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if requests.len() == self.limit {
            requests.pop_front();
        }
        requests.push_back(request);
    }

    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }

    pub(crate) fn take(&self) -> Vec<Recorded> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .drain(..)
            .collect()
    }
}

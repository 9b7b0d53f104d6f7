//! The record of the requests that the server has read.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::HeaderMap;

use crate::served::ServedMethod;

/// The way by which a request reached the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint {
    /// HTTP, at the path of the method.
    Http,
    /// HTTP, as one of the command lines at the base URL.
    CommandLines,
    /// gRPC.
    Grpc,
}

/// A request that the server has read.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The method's name, such as `publish`.
    pub method: &'static str,
    /// The way by which the request reached the server.
    pub endpoint: Endpoint,
    /// The headers of the request, or its metadata over gRPC, without the API key.
    pub headers: HeaderMap,
    /// The request in protobuf.
    body: Bytes,
}

impl Recorded {
    pub(crate) fn new(
        method: &'static str,
        endpoint: Endpoint,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Self {
        let mut public_headers = headers.clone();
        public_headers.remove("x-api-key");
        public_headers.remove("authorization");
        Self {
            method,
            endpoint,
            headers: public_headers,
            body,
        }
    }

    /// Returns the request, or `None` if it has another type.
    #[must_use]
    pub fn request<M: ServedMethod>(&self) -> Option<M> {
        if self.method != M::NAME {
            return None;
        }
        M::decode(self.body.clone()).ok()
    }
}

/// The most recent requests, up to a limit.
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

    /// Adds a request, and removes the oldest one if the limit is reached.
    pub(crate) fn add(&self, request: Recorded) {
        let mut requests = self.lock();
        if requests.len() == self.limit {
            requests.pop_front();
        }
        requests.push_back(request);
    }

    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.lock().iter().cloned().collect()
    }

    pub(crate) fn take(&self) -> Vec<Recorded> {
        self.lock().drain(..).collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Recorded>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The reply to `rpc`.

use centrifugo_api::{IntoPayload, Payload};
use serde::Serialize;

use super::format::Format;
use super::reply;
use super::setters::{edit, write_twins};
use crate::failure::Failure;
use crate::messages::RpcResult;

/// The reply to [`RpcEvent`](crate::RpcEvent): what the client gets back.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct RpcReply {
    data: Option<Payload>,
    result: RpcResult,
}

impl RpcReply {
    /// Creates a reply with data.
    pub fn new(data: impl IntoPayload) -> Self {
        Self {
            data: Some(data.into_payload()),
            result: RpcResult::default(),
        }
    }

    /// Creates a reply with a value as JSON.
    ///
    /// # Errors
    ///
    /// That of `serde_json`.
    pub fn json(value: &impl Serialize) -> serde_json::Result<Self> {
        Ok(Self::new(serde_json::to_vec(value)?))
    }

    /// Creates a reply without data.
    pub fn empty() -> Self {
        Self::default()
    }

    fn result(mut self, format: &Format) -> Result<Option<RpcResult>, Failure> {
        write_twins!(format, self.data, self.result, data, b64data);
        Ok(Some(self.result))
    }
}

edit!(RpcReply, RpcResult);
reply!(RpcReply, RpcRequest, RpcResponse, Reject);

//! The SDK's JSON and payloads, which the generated code calls, and the messages under the path that the SDK has for them.

pub(crate) use centrifugo_api::api::_generated::{json, payload};

pub(crate) use crate::messages;

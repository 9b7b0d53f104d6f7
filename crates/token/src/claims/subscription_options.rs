//! Options of the subscriptions that a connection token brings.

use centrifugo_api::{IntoPayload, SubscribeOptionOverride};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::payload::ClaimPayload;
use crate::error::Error;
use crate::object::Object;

/// The options of a subscription in `subs` of a connection token: see
/// [`ConnectionClaims::subscription`](crate::ConnectionClaims::subscription). The last call of each method counts.
#[derive(Clone, Default)]
#[must_use = "add it with ConnectionClaims::subscription"]
pub struct SubscriptionOptions {
    info: ClaimPayload,
    data: ClaimPayload,
    options: Option<SubscribeOptionOverride>,
    tags_filter: Option<Result<Box<RawValue>, String>>,
}

impl SubscriptionOptions {
    /// Creates options that change nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what other clients see of the subscription (`info`, or `b64info` for [`binary`](centrifugo_api::binary)).
    pub fn info(mut self, info: impl IntoPayload) -> Self {
        self.info.set(info);
        self
    }

    /// Sets what the client gets when it is subscribed (`data`, or `b64data` for [`binary`](centrifugo_api::binary)).
    pub fn data(mut self, data: impl IntoPayload) -> Self {
        self.data.set(data);
        self
    }

    /// Sets options of the channel's namespace to other values, for this subscription.
    pub fn r#override(mut self, options: SubscribeOptionOverride) -> Self {
        self.options = Some(options);
        self
    }

    /// Sets a filter of publications by their tags, a `FilterNode` of `centrifugo-api`. Needs Centrifugo PRO, whose
    /// documentation it follows: it could not be tested.
    pub fn server_tags_filter(mut self, filter: &impl Serialize) -> Self {
        self.tags_filter = Some(to_raw_value(filter).map_err(|error| error.to_string()));
        self
    }

    pub(super) fn to_json(&self) -> Result<Box<RawValue>, Error> {
        let mut object = Object::new();
        self.info.write(&mut object, "info")?;
        self.data.write(&mut object, "data")?;
        object.put_some("override", &self.options)?;
        match &self.tags_filter {
            Some(Ok(filter)) => object.put("server_tags_filter", filter)?,
            Some(Err(error)) => return Err(Error::claim("server_tags_filter", error)),
            None => {}
        }
        RawValue::from_string(object.finish())
            .map_err(|error| Error::claim("subs", error.to_string()))
    }
}

/// Shows no payload.
impl std::fmt::Debug for SubscriptionOptions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SubscriptionOptions")
            .finish_non_exhaustive()
    }
}

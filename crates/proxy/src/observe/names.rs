//! Names of OpenTelemetry's conventions, for spans and metrics.

use std::fmt;

use super::{Outcome, Transport};
use crate::event::EventKind;

/// Returns the value of `rpc.system.name`.
pub(super) fn system(transport: Transport) -> &'static str {
    match transport {
        Transport::Grpc => "grpc",
        Transport::Http | Transport::InProcess => "centrifugo",
    }
}

/// Returns the value of `rpc.method`.
pub(super) fn method(kind: Option<EventKind>) -> &'static str {
    match kind {
        Some(EventKind::Connect) => "centrifugal.centrifugo.proxy.CentrifugoProxy/Connect",
        Some(EventKind::Refresh) => "centrifugal.centrifugo.proxy.CentrifugoProxy/Refresh",
        Some(EventKind::Subscribe) => "centrifugal.centrifugo.proxy.CentrifugoProxy/Subscribe",
        Some(EventKind::Publish) => "centrifugal.centrifugo.proxy.CentrifugoProxy/Publish",
        Some(EventKind::Rpc) => "centrifugal.centrifugo.proxy.CentrifugoProxy/RPC",
        Some(EventKind::SubRefresh) => "centrifugal.centrifugo.proxy.CentrifugoProxy/SubRefresh",
        Some(EventKind::MapPublish) => "centrifugal.centrifugo.proxy.CentrifugoProxy/MapPublish",
        Some(EventKind::MapRemove) => "centrifugal.centrifugo.proxy.CentrifugoProxy/MapRemove",
        Some(EventKind::SharedPollRefresh) => {
            "centrifugal.centrifugo.proxy.CentrifugoProxy/SharedPollRefresh"
        }
        Some(EventKind::SubscribeUnidirectional) => {
            "centrifugal.centrifugo.proxy.CentrifugoProxy/SubscribeUnidirectional"
        }
        Some(EventKind::SubscribeBidirectional) => {
            "centrifugal.centrifugo.proxy.CentrifugoProxy/SubscribeBidirectional"
        }
        Some(EventKind::CacheEmpty) => {
            "centrifugal.centrifugo.proxy.CentrifugoProxy/NotifyCacheEmpty"
        }
        Some(EventKind::ChannelState) => {
            "centrifugal.centrifugo.proxy.CentrifugoProxy/NotifyChannelState"
        }
        None => "_OTHER",
    }
}

/// The value of `rpc.status_code`: `OK`, `centrifugo.CODE` for refusals, or the kind of the failure.
pub(super) struct Code<'a>(pub(super) Outcome<'a>);

impl fmt::Display for Code<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Outcome::Accepted => formatter.write_str("OK"),
            Outcome::Error(code) | Outcome::Disconnect(code) => {
                write!(formatter, "centrifugo.{code}")
            }
            Outcome::Failed(_) | Outcome::Dropped => formatter.write_str(self.0.name()),
        }
    }
}

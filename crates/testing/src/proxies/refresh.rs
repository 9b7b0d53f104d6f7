//! Connections and subscriptions that expire: the refresh and sub_refresh proxies.

use std::sync::Arc;

use crate::engine::Engine;

impl Engine {
    /// Asks the proxies about what expires, in the background.
    pub(crate) fn start_refreshes(self: &Arc<Self>) {}
}

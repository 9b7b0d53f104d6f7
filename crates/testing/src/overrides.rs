//! Methods that a test handles in the server's place.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use centrifugo_api::{ApiError, Method};

use crate::served::ServedMethod;

/// The handlers that a test has set with `Server::on`, by the name of the method.
#[derive(Default)]
pub(crate) struct Overrides(RwLock<HashMap<&'static str, Arc<dyn Any + Send + Sync>>>);

/// The handler of a method.
pub(crate) type Override<M> =
    Box<dyn Fn(M) -> Result<<M as Method>::Result, ApiError> + Send + Sync>;

impl Overrides {
    pub(crate) fn set<M: ServedMethod>(&self, handler: Override<M>) {
        let mut handlers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        handlers.insert(M::NAME, Arc::new(handler));
    }

    pub(crate) fn remove<M: ServedMethod>(&self) {
        let mut handlers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        handlers.remove(M::NAME);
    }

    pub(crate) fn get<M: ServedMethod>(&self) -> Option<Arc<Override<M>>> {
        let handlers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(handlers.get(M::NAME)?).downcast().ok()
    }

    /// Checks whether a handler is set for a method.
    pub(crate) fn contains(&self, method: &str) -> bool {
        let handlers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        handlers.contains_key(method)
    }
}

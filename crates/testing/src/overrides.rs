use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::engine::ServedMethod;
use centrifugo_api::ApiError;

/// What a test answers in the server's place.
#[derive(Default)]
pub(crate) struct Overrides(RwLock<HashMap<&'static str, Arc<dyn Any + Send + Sync>>>);

pub(crate) type Override<M> =
    Box<dyn Fn(M) -> Result<<M as centrifugo_api::Method>::Result, ApiError> + Send + Sync>;

impl Overrides {
    pub(crate) fn set<M: ServedMethod>(&self, over: Override<M>) {
        let mut overrides = self.0.write().unwrap_or_else(PoisonError::into_inner);
        overrides.insert(M::NAME, Arc::new(over));
    }

    pub(crate) fn remove<M: ServedMethod>(&self) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(M::NAME);
    }

    pub(crate) fn get<M: ServedMethod>(&self) -> Option<Arc<Override<M>>> {
        let overrides = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(overrides.get(M::NAME)?).downcast().ok()
    }

    pub(crate) fn has(&self, method: &str) -> bool {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(method)
    }
}

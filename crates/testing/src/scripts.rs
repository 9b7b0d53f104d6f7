use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::engine::Served;
use centrifugo_api::ApiError;

/// What a test answers in the server's place.
#[derive(Default)]
pub(crate) struct Scripts(RwLock<HashMap<&'static str, Arc<dyn Any + Send + Sync>>>);

pub(crate) type Script<M> =
    Box<dyn Fn(M) -> Result<<M as centrifugo_api::Method>::Result, ApiError> + Send + Sync>;

impl Scripts {
    pub(crate) fn set<M: Served>(&self, script: Script<M>) {
        let mut scripts = self.0.write().unwrap_or_else(PoisonError::into_inner);
        scripts.insert(M::NAME, Arc::new(script));
    }

    pub(crate) fn remove<M: Served>(&self) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(M::NAME);
    }

    pub(crate) fn get<M: Served>(&self) -> Option<Arc<Script<M>>> {
        let scripts = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(scripts.get(M::NAME)?).downcast().ok()
    }

    pub(crate) fn has(&self, method: &str) -> bool {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(method)
    }
}

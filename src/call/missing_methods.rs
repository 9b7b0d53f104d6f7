//! Warnings of methods that the server does not have, and the versions that explain them.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::{ServerVersions, version_numbers};
use crate::error::Error;

/// The methods that the server did not have, and the versions that its nodes run, as far as they are known.
#[derive(Default)]
pub(crate) struct MissingMethods {
    versions: Mutex<Option<ServerVersions>>,
    warned: Mutex<BTreeSet<&'static str>>,
}

impl MissingMethods {
    /// Remembers the versions that the nodes run.
    pub(crate) fn learn(&self, versions: ServerVersions) {
        *self.versions.lock().unwrap_or_else(PoisonError::into_inner) = Some(versions);
    }

    /// Returns an error with the version of the oldest node, if the server did not have the method. Warns of each method
    /// once.
    pub(crate) fn explain(&self, method: &'static str, error: Error) -> Error {
        if !error.is_unsupported() {
            return error;
        }
        let error = error.on_version(self.oldest());
        if self.is_first(method) {
            tracing::warn!(
                method,
                %error,
                "the server may lack a method that this client calls; this is said once per method"
            );
        }
        error
    }

    /// Returns the numbers of the oldest version, if they are known.
    fn oldest(&self) -> Option<(u32, u32, u32)> {
        let versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        version_numbers(&versions.as_ref()?.oldest()?.version)
    }

    /// Returns whether the method was not missed before.
    fn is_first(&self, method: &'static str) -> bool {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        warned.insert(method)
    }
}

//! The keys of endpoints.

use crate::error::Error;
use crate::jwt::Unsigned;
use crate::key_set::KeySet;
use crate::signer::Signer;

/// A source of signatures for the tokens of endpoints: a [`Key`](crate::Key) or any other [`Signer`], or the active key of a [`KeySet`].
pub trait TokenKeys: Sign + Clone + Send + Sync + 'static {}

impl<T: Sign + Clone + Send + Sync + 'static> TokenKeys for T {}

/// Hidden: others cannot implement it.
pub trait Sign {
    #[doc(hidden)]
    fn sign(&self, unsigned: Unsigned) -> impl Future<Output = Result<String, Error>> + Send;
}

impl<S: Signer> Sign for S {
    async fn sign(&self, unsigned: Unsigned) -> Result<String, Error> {
        unsigned.sign_with(self).await
    }
}

impl Sign for KeySet {
    async fn sign(&self, unsigned: Unsigned) -> Result<String, Error> {
        unsigned.sign(&self.active()?)
    }
}

//! The provider of cryptography: the one that the program installed, or else that of a feature.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

use crate::error::Error;

/// Returns the provider to use. Installs none, because that would change the program's other connections.
pub(super) fn provider() -> Result<Arc<CryptoProvider>, Error> {
    if let Some(installed) = CryptoProvider::get_default() {
        return Ok(Arc::clone(installed));
    }
    of_feature().map(Arc::new).ok_or_else(|| {
        Error::Config(
            "TLS: there is no cryptography provider: install one with rustls's CryptoProvider::install_default before \
             the client is built, or enable the feature `tls` or `tls-ring` of centrifugo-api"
                .to_owned(),
        )
    })
}

#[cfg(feature = "tls-aws-lc")]
#[allow(clippy::unnecessary_wraps)]
fn of_feature() -> Option<CryptoProvider> {
    Some(rustls::crypto::aws_lc_rs::default_provider())
}

#[cfg(all(feature = "tls-ring", not(feature = "tls-aws-lc")))]
#[allow(clippy::unnecessary_wraps)]
fn of_feature() -> Option<CryptoProvider> {
    Some(rustls::crypto::ring::default_provider())
}

#[cfg(not(any(feature = "tls-aws-lc", feature = "tls-ring")))]
fn of_feature() -> Option<CryptoProvider> {
    None
}

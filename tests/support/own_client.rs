//! A `reqwest::Client` built the way a user builds it for `ClientBuilder::http_client`.

/// Sets a TLS provider: without one reqwest panics, and a global one would hide that the crate does
/// not set its own.
#[cfg(feature = "tls")]
pub(crate) fn builder() -> Result<reqwest::ClientBuilder, rustls::Error> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?;
    let tls = tls
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(reqwest::Client::builder().tls_backend_preconfigured(tls))
}

#[cfg(not(feature = "tls"))]
pub(crate) fn builder() -> Result<reqwest::ClientBuilder, std::convert::Infallible> {
    Ok(reqwest::Client::builder())
}

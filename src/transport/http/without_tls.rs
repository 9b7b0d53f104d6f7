//! A builder of reqwest that builds no TLS, whichever of reqwest's features other crates of the program enable.

// While a crate enables reqwest's rustls, the trait is not used.
#![allow(dead_code)]

use reqwest::ClientBuilder;
use rustls::ClientConfig;

use crate::transport::tls::unused_config;

/// Gives the builder a configuration that is never used, if reqwest's rustls is enabled: otherwise reqwest would make
/// one, for which it reads the system's certificates, and panics if there is no provider.
///
/// A method of the type itself takes precedence over one of a trait. `ClientBuilder` has `tls_backend_rustls` only
/// while a crate enables rustls; otherwise the call below is that of the trait.
pub(super) fn unused_rustls(builder: ClientBuilder) -> ClientBuilder {
    builder
        .tls_backend_rustls()
        .tls_backend_preconfigured(unused_config())
}

/// The method that a builder has while reqwest's rustls is off.
trait BuilderWithoutRustls {
    fn tls_backend_rustls(self) -> Unchanged;
}

impl BuilderWithoutRustls for ClientBuilder {
    fn tls_backend_rustls(self) -> Unchanged {
        Unchanged(self)
    }
}

/// A builder that takes no configuration of rustls.
struct Unchanged(ClientBuilder);

impl Unchanged {
    fn tls_backend_preconfigured(self, _config: ClientConfig) -> ClientBuilder {
        self.0
    }
}

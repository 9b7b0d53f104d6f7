//! The checks of programs that have one provider of TLS, which is not installed.

use rustls::crypto::CryptoProvider;
use tonic::transport::{Channel, ClientTlsConfig};

use crate::clients;

/// Calls over each scheme.
pub fn check_clients() {
    clients::call("http://127.0.0.1:1/api");
    clients::call("https://127.0.0.1:1/api");
    clients::call("grpc://127.0.0.1:1");
    clients::call("grpcs://127.0.0.1:1");
    assert!(
        CryptoProvider::get_default().is_none(),
        "the SDK installs a provider"
    );
}

/// Uses what the program has beside the SDK: tonic fails if its provider is missing, and rustls panics if there are
/// several.
pub fn check_neighbours() {
    let endpoint = Channel::from_static("https://127.0.0.1:1");
    endpoint
        .tls_config(ClientTlsConfig::new().with_native_roots())
        .expect("tonic has a provider");
    let _ = rustls::ClientConfig::builder();
}

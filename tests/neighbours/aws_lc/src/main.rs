//! The default features, beside neighbours that have AWS-LC or no provider of their own.

#[path = "../../clients.rs"]
mod clients;

use tonic::transport::{Channel, ClientTlsConfig};

fn main() {
    clients::call("http://127.0.0.1:1/api");
    clients::call("https://127.0.0.1:1/api");
    clients::call("grpc://127.0.0.1:1");
    clients::call("grpcs://127.0.0.1:1");
    assert!(
        rustls::crypto::CryptoProvider::get_default().is_none(),
        "the SDK installs a provider"
    );

    // Each of these panics or fails if its provider is missing.
    let _ = reqwest::Client::new();
    let endpoint = Channel::from_static("https://127.0.0.1:1");
    endpoint
        .tls_config(ClientTlsConfig::new().with_native_roots())
        .expect("tonic has a provider");
    // And this one if there are several, and none is installed.
    let _ = rustls::ClientConfig::builder();
}

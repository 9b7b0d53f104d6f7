//! The feature `tls-ring`, beside neighbours with ring.

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

    let error = ureq::get("https://127.0.0.1:1")
        .call()
        .expect_err("nobody listens");
    assert!(matches!(error, ureq::Error::Io(_)), "{error:?}");
    let endpoint = Channel::from_static("https://127.0.0.1:1");
    endpoint
        .tls_config(ClientTlsConfig::new().with_native_roots())
        .expect("tonic has a provider");
    // Panics if there are several providers, and none is installed.
    let _ = rustls::ClientConfig::builder();
}

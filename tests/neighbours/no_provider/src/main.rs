//! The feature `tls-no-provider`: only encrypted URLs need the provider that the program installs.

#[path = "../../clients.rs"]
mod clients;

use centrifugo_api::{Client, Error};
use rustls::crypto::ring;

const ENCRYPTED: [&str; 2] = ["https://127.0.0.1:1/api", "grpcs://127.0.0.1:1"];

fn main() {
    clients::call("http://127.0.0.1:1/api");
    clients::call("grpc://127.0.0.1:1");
    for url in ENCRYPTED {
        let error = Client::new(url, "key").expect_err("there is no provider");
        assert!(matches!(error, Error::Config(_)), "{error:?}");
        assert!(error.to_string().contains("install_default"), "{error}");
    }
    ring::default_provider()
        .install_default()
        .expect("none is installed");
    ENCRYPTED.into_iter().for_each(clients::call);
}

//! The default features in a program with both providers, none of which is installed.

#[path = "../../clients.rs"]
mod clients;

fn main() {
    clients::call("http://127.0.0.1:1/api");
    clients::call("https://127.0.0.1:1/api");
    let _ = reqwest::Client::new();
    let error = ureq::get("https://127.0.0.1:1")
        .call()
        .expect_err("nobody listens");
    assert!(matches!(error, ureq::Error::Io(_)), "{error:?}");
}

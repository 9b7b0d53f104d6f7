//! The feature `tls-ring`, beside neighbours with ring.

#[path = "../../clients.rs"]
mod clients;
#[path = "../../providers.rs"]
mod providers;

fn main() {
    providers::check_clients();
    let error = ureq::get("https://127.0.0.1:1")
        .call()
        .expect_err("nobody listens");
    assert!(matches!(error, ureq::Error::Io(_)), "{error:?}");
    providers::check_neighbours();
}

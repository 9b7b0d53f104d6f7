//! The default features, beside neighbours that have AWS-LC or no provider of their own.

#[path = "../../clients.rs"]
mod clients;
#[path = "../../providers.rs"]
mod providers;

fn main() {
    providers::check_clients();
    // It panics if its provider is missing.
    let _ = reqwest::Client::new();
    providers::check_neighbours();
}

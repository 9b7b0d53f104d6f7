//! Programs that use other clients, on the embedded server: see `tests/peers/README.md`.

use std::process::Command;

use centrifugo_api_testing::Server;

#[test]
#[ignore = "needs python3, go and cargo with their registries: see tests/peers/README.md"]
fn other_clients_work_with_the_embedded_server() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::builder()
        .configuration(include_str!("../centrifugo/6.9.1.json"))
        .start()?;
    let mut peers = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/run"));
    let status = peers
        .env("CENTRIFUGO_URL", server.url())
        .env("CENTRIFUGO_API_KEY", server.api_key())
        .status()?;
    assert!(status.success(), "{status}");
    Ok(())
}

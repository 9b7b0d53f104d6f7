//! Servers behind a Unix socket.

use centrifugo_api::{Client, InfoRequest};
use centrifugo_api_testing::Server;
use tokio::net::{TcpStream, UnixListener};

use crate::Outcome;

#[tokio::test]
async fn server_on_unix_socket_is_called() -> Outcome {
    let server = Server::start()?;
    let address = crate::address(&server);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("centrifugo.sock");
    let listener = UnixListener::bind(&path)?;
    tokio::spawn(async move {
        while let Ok((mut inner, _)) = listener.accept().await {
            let mut outer = TcpStream::connect(&address)
                .await
                .expect("the server listens");
            tokio::spawn(
                async move { tokio::io::copy_bidirectional(&mut inner, &mut outer).await },
            );
        }
    });
    for url in ["http://centrifugo/api", "grpc://centrifugo:10000"] {
        let client = Client::builder(url)
            .api_key(server.api_key())
            .unix_socket(&path)
            .build()?;
        client
            .info(InfoRequest::new())
            .await
            .map_err(|error| format!("{url}: {error:?}"))?;
    }
    Ok(())
}

#[test]
fn unix_socket_with_tls_is_refused() {
    let built = Client::builder("https://centrifugo/api")
        .unix_socket("/run/centrifugo.sock")
        .build();
    assert!(
        built
            .expect_err("it is refused")
            .to_string()
            .contains("unix_socket needs an http or grpc URL")
    );
}

//! Requests of Centrifugo and of others over HTTP, whose responses are the same on each framework.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use centrifugo_proxy::{Caller, ConnectReply, Handlers};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longer than any answer takes.
const DEADLINE: Duration = Duration::from_secs(30);

/// The limit of bodies.
const LIMIT: usize = 1000;

/// The head of a request of Centrifugo, without the length of its body.
const HEAD: &str = "POST /centrifugo/connect HTTP/1.1\r\nhost: backend\r\nconnection: close\r\n\
                    content-type: application/json\r\nx-centrifugo-secret: s3cret\r\n";

/// Returns handlers to be served below `/centrifugo`. A client's user is the address that the handler sees, and its data that of
/// the request.
pub(crate) fn handlers() -> Handlers {
    let caller = Caller::with_secret("s3cret").expect("the secret is valid");
    Handlers::new(caller)
        .timeout(Duration::from_secs(3600))
        .body_limit(LIMIT)
        .connect(|event| async move {
            let peer = event.peer().map(|peer| peer.ip().to_string());
            let user = peer.unwrap_or_else(|| "unknown".to_owned());
            Ok(ConnectReply::user(user).data(event.data().clone()))
        })
}

/// Sends a request, and returns all that the server sends until it closes the connection.
pub(crate) async fn exchange(address: SocketAddr, request: &str) -> Result<String, Box<dyn Error>> {
    let mut connection = TcpStream::connect(address).await?;
    // A server that refuses a request need not read the rest.
    let _ = connection.write_all(request.as_bytes()).await;
    let mut response = Vec::new();
    let reading = connection.read_to_end(&mut response);
    // The server may reset the connection after its response.
    let _ = tokio::time::timeout(DEADLINE, reading).await?;
    Ok(String::from_utf8_lossy(&response).into_owned())
}

/// Checks the responses of a server with the [`handlers`]. Their handler sees the peer's address as `peer`.
pub(crate) async fn assert_answers(address: SocketAddr, peer: &str) -> Result<(), Box<dyn Error>> {
    let expect = async |request: String, status: &str, body: &str| {
        let response = exchange(address, &request).await?;
        let is_expected = response.starts_with(&format!("HTTP/1.1 {status} "));
        assert!(
            is_expected,
            "{status} is not the answer to {request}: {response}"
        );
        assert!(
            response.ends_with(body),
            "{body} is not the answer to {request}: {response}"
        );
        Ok::<_, Box<dyn Error>>(response)
    };
    let with_length = |head: &str, body: &str| {
        let length = body.len();
        format!("{head}content-length: {length}\r\n\r\n{body}")
    };

    let body = r#"{"data":[1]}"#;
    let answer = format!(r#"{{"result":{{"user":"{peer}","data":[1]}}}}"#);
    let response = expect(with_length(HEAD, body), "200", &answer).await?;
    let response = response.to_ascii_lowercase();
    assert!(
        response.contains("content-type: application/json\r\n"),
        "{response}"
    );
    let chunks = "1\r\n{\r\nb\r\n\"data\":[1]}\r\n0\r\n\r\n";
    let chunked = format!("{HEAD}transfer-encoding: chunked\r\n\r\n{chunks}");
    // The answer may be chunked too.
    expect(chunked, "200", "").await?;

    // The callers are checked before their bodies are read: these never come.
    let without_body = |head: String| format!("{head}content-length: 100\r\n\r\n");
    let stranger = HEAD.replace("s3cret", "another");
    expect(without_body(stranger), "401", "").await?;
    let unknown = HEAD.replace("connect", "nothing");
    expect(without_body(unknown), "404", "").await?;
    let get = HEAD.replace("POST", "GET");
    expect(with_length(&get, ""), "405", "").await?;

    let too_large = format!("{HEAD}content-length: {}\r\n\r\n{{", LIMIT + 1);
    expect(too_large, "413", "").await?;
    // The body goes on after these.
    let chunk = format!("100\r\n{}\r\n", " ".repeat(256)).repeat(4);
    let too_large = format!("{HEAD}transfer-encoding: chunked\r\n\r\n{chunk}");
    expect(too_large, "413", "").await?;
    Ok(())
}

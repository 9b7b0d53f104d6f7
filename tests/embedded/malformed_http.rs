//! Malformed HTTP and JSON: the server always answers or closes the connection, and keeps running.

use centrifugo_api_testing::Server;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::{Outcome, address, history, own_client, publish, soon, start};

async fn connect(server: &Server) -> Result<TcpStream, std::io::Error> {
    TcpStream::connect(address(server)).await
}

/// Writes the bytes, and reads until the server closes the connection.
async fn exchange(server: &Server, bytes: impl AsRef<[u8]>) -> Result<String, std::io::Error> {
    let mut stream = connect(server).await?;
    stream.write_all(bytes.as_ref()).await?;
    read_to_end(stream).await
}

/// Writes the bytes and closes the writing half, and reads until the server closes the connection.
async fn break_off(server: &Server, bytes: impl AsRef<[u8]>) -> Result<String, std::io::Error> {
    let mut stream = connect(server).await?;
    stream.write_all(bytes.as_ref()).await?;
    stream.shutdown().await?;
    read_to_end(stream).await
}

async fn read_to_end(mut stream: TcpStream) -> Result<String, std::io::Error> {
    let mut answer = Vec::new();
    soon("the end of the answer", stream.read_to_end(&mut answer)).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Returns a request that asks the server to close the connection.
fn request(line: &str, headers: &str, body: &str) -> String {
    format!(
        "{line} HTTP/1.1\r\nHost: a\r\nX-API-Key: secret\r\nConnection: close\r\n{headers}\r\n{body}"
    )
}

fn publication(headers: &str, body: &str) -> String {
    request("POST /api/publish", headers, body)
}

const BODY: &str = r#"{"channel":"news","data":1}"#;

async fn assert_alive(server: &Server) -> Outcome {
    publish(&server.client(), "alive", "1").await?;
    publish(&server.grpc_client(), "alive", "1").await?;
    Ok(())
}

#[tokio::test]
async fn request_that_is_not_http_is_refused() -> Outcome {
    let server = start();
    for bytes in [
        "GARBAGE\r\n\r\n".to_owned(),
        "\0\0\0\0\r\n\r\n".to_owned(),
        "POST /api/publish HTTP/9.9\r\n\r\n".to_owned(),
        "POST  HTTP/1.1\r\n\r\n".to_owned(),
        publication("No-Colon\r\n", ""),
        publication("Bad Name: 1\r\n", ""),
        publication("Content-Length: -1\r\n", BODY),
        publication("Content-Length: many\r\n", BODY),
        publication("Content-Length: 1\r\nContent-Length: 2\r\n", BODY),
        publication("Content-Length: 99999999999999999999999\r\n", BODY),
    ] {
        let answer = exchange(&server, &bytes).await?;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{bytes:?}: {answer:?}");
    }
    assert_alive(&server).await
}

#[tokio::test]
async fn interrupted_request_ends_without_a_call() -> Outcome {
    let server = start();
    let chunked = "Transfer-Encoding: chunked\r\n";
    for bytes in [
        String::new(),
        "POST".to_owned(),
        "PRI * HTTP/2.0\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        publication("Content-Length: 100\r\n", BODY),
        publication("Content-Length: 1000000000000\r\n", BODY),
        publication(chunked, "1b\r\n{"),
        publication(chunked, &format!("1b\r\n{BODY}\r\n")),
        publication(chunked, &format!("xx\r\n{BODY}\r\n0\r\n\r\n")),
        publication(chunked, "ffffffffffffffffffff\r\n"),
    ] {
        break_off(&server, &bytes).await?;
    }
    assert_eq!(history(&server.client(), "news").await?.offset, 0);
    assert_alive(&server).await
}

#[tokio::test]
async fn headers_above_a_megabyte_are_too_large() -> Outcome {
    let server = start();
    let start_of_request = "POST /api/publish HTTP/1.1\r\nX-Long: ";
    let bytes = start_of_request.to_owned() + &"a".repeat((1 << 20) - start_of_request.len());
    let answer = exchange(&server, &bytes).await?;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let long = publication(
        &format!(
            "Content-Length: {}\r\nX-Long: {}\r\n",
            BODY.len(),
            "a".repeat(1_000_000)
        ),
        BODY,
    );
    assert!(exchange(&server, &long).await?.starts_with("HTTP/1.1 200 "));
    assert_alive(&server).await
}

#[tokio::test]
async fn unusual_http_is_read() -> Outcome {
    let server = start();
    let length = format!("Content-Length: {}\r\n", BODY.len());
    let chunked = format!(
        "5\r\n{}\r\n16;a=b\r\n{}\r\n0\r\nX-Trailer: 1\r\n\r\n",
        &BODY[..5],
        &BODY[5..]
    );
    for bytes in [
        publication(&length, BODY),
        publication("Transfer-Encoding: chunked\r\n", &chunked),
        publication(&format!("{length}Expect: 100-continue\r\n"), BODY),
        publication(&length, BODY).replace("HTTP/1.1", "HTTP/1.0"),
        publication(&length, BODY).replace("/api/publish", "http://elsewhere/api/publish"),
        publication(&length, BODY).replace("/api/publish", "/%61pi/publish?x=%zz"),
    ] {
        let answer = exchange(&server, &bytes).await?;
        assert!(
            answer.contains(" 200 OK\r\n") && answer.contains(r#""offset":"#),
            "{bytes:?}: {answer:?}"
        );
    }
    let keeping = publication(&length, BODY).replace("Connection: close\r\n", "");
    let answers = exchange(&server, keeping + &publication(&length, BODY)).await?;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
    assert_eq!(history(&server.client(), "news").await?.offset, 8);
    Ok(())
}

#[tokio::test]
async fn unusual_requests_have_an_answer() -> Outcome {
    let server = start();
    for (line, status) in [
        ("GET /api/publish", "405"),
        ("BREW /api/publish", "405"),
        ("POST /api/publich", "404"),
        ("POST /api/publish/", "404"),
        ("POST /api/Publish", "404"),
        ("POST /", "404"),
        ("POST //api/publish", "307"),
        ("POST /api/../api/publish", "307"),
        ("POST /%ff%zz", "404"),
        ("OPTIONS *", "307"),
        ("CONNECT a:1", "307"),
        ("POST /api/publish", "400"),
        ("POST /api", "400"),
        ("POST /api/info?api_key=%zz&;&&=&a=b=c", "400"),
    ] {
        let answer = exchange(&server, request(line, "Content-Length: 0\r\n", "")).await?;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{line}: {answer}"
        );
    }
    assert_alive(&server).await
}

#[tokio::test]
async fn body_that_is_not_json_of_the_request_is_refused() -> Outcome {
    let server = start();
    let client = own_client::builder()?.build()?;
    let deep = "[".repeat(200_000);
    let closed = "]".repeat(200_000);
    for body in [
        Vec::new(),
        b"{".to_vec(),
        b"[]".to_vec(),
        b"1".to_vec(),
        b"{}{}".to_vec(),
        b"{\"channel\":1}".to_vec(),
        b"{\"channel\":\"a\",}".to_vec(),
        b"{'channel':'a'}".to_vec(),
        b"{\"channel\":\"\n\"}".to_vec(),
        b"{\"channel\":\"\\ud8\"}".to_vec(),
        b"{\"data\":01}".to_vec(),
        b"{\"data\":NaN}".to_vec(),
        b"{\"version\":1e1}".to_vec(),
        b"{\"version\":-1}".to_vec(),
        b"{\"version\":18446744073709551616}".to_vec(),
        b"\xff".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        deep.clone().into_bytes(),
        format!("{{\"data\":{deep}{closed}}}").into_bytes(),
        format!("{{\"unknown\":{deep}{closed}}}").into_bytes(),
        "{\"data\":".repeat(200_000).into_bytes(),
    ] {
        let text = body.escape_ascii().to_string();
        let request = client
            .post(server.url() + "/publish")
            .header("x-api-key", "secret")
            .body(body);
        let status = soon("an answer", request.send()).await?.status();
        assert_eq!(status, 400, "{}", text.get(..100).unwrap_or(&text));
    }
    assert_alive(&server).await
}

#[tokio::test]
async fn large_request_is_read() -> Outcome {
    let server = start();
    let data = format!("\"{}\"", "a".repeat(30 << 20));
    assert_eq!(publish(&server.client(), "news", &data).await?, 1);
    assert_eq!(
        history(&server.client(), "news").await?.publications[0].data,
        data
    );
    Ok(())
}

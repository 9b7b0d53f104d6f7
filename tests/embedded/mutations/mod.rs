//! Requests with random changes: each gets an answer, and the server answers other requests
//! afterwards.
//!
//! `CENTRIFUGO_API_FUZZ` sets their number per endpoint, by default 1000.

#[path = "../../../src/fuzz/chance.rs"]
mod chance;
mod seeds;

use std::collections::BTreeSet;

use bytes::Bytes;
use centrifugo_api::{InfoRequest, METHODS};
use centrifugo_api_testing::Server;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::malformed_grpc::{Call, connect, frame};
use crate::{Outcome, address, clients, own_client, soon};
use chance::Chance;
use seeds::{Seed, all};

fn inputs() -> usize {
    let number = std::env::var("CENTRIFUGO_API_FUZZ").ok();
    number.map_or(1000, |number| {
        number.parse().expect("CENTRIFUGO_API_FUZZ is a number")
    })
}

fn server() -> Result<(Server, Vec<Seed>), centrifugo_api::Error> {
    let server = Server::builder()
        .recorded_requests(100)
        .configuration(include_str!("../../data/mutations.json"))
        .start()?;
    let seeds = all(&server);
    Ok((server, seeds))
}

async fn assert_alive(server: &Server) -> Outcome {
    for (transport, client) in clients(server) {
        let info = soon(transport, client.info(InfoRequest::new())).await;
        info.map_err(|error| format!("{transport}: {error}"))?;
    }
    Ok(())
}

/// Posts a body, and checks that the server answers with one of the statuses for requests that it
/// has read.
async fn post(client: &reqwest::Client, url: &str, body: &[u8]) -> Outcome {
    let request = client
        .post(url)
        .header("x-api-key", "secret")
        .body(body.to_vec());
    let failed = |error| format!("{url} {}: {error:?}", body.escape_ascii());
    let response = soon("an answer", request.send()).await.map_err(failed)?;
    let status = response.status().as_u16();
    soon("the body", response.bytes()).await.map_err(failed)?;
    assert!(
        [200, 400, 500].contains(&status),
        "{url} {}: {status}",
        body.escape_ascii()
    );
    Ok(())
}

#[tokio::test]
async fn seeds_are_of_all_methods_and_are_answered() -> Outcome {
    let (server, seeds) = server()?;
    let names: BTreeSet<_> = seeds.iter().map(|seed| seed.method).collect();
    assert_eq!(names, METHODS.iter().copied().collect());
    let client = own_client::builder()?.build()?;
    let mut grpc = connect(&server).await?;
    for Seed {
        method,
        path,
        json,
        protobuf,
    } in seeds
    {
        let request = client
            .post(format!("{}/{method}", server.url()))
            .header("x-api-key", "secret");
        let response = request.body(json.clone()).send().await?;
        assert_eq!(response.status(), 200, "{method} {}", json.escape_ascii());
        let body = response.text().await?;
        assert!(
            !body.contains(r#""error""#),
            "{method} {}: {body}",
            json.escape_ascii()
        );
        assert_eq!(
            Call::new(path, frame(0, &protobuf))
                .send(&mut grpc)
                .await?
                .0,
            0,
            "{method}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn changed_json_has_an_answer() -> Outcome {
    let (server, seeds) = server()?;
    let client = own_client::builder()?.build()?;
    let mut chance = Chance::new(1);
    for index in 0..inputs() {
        let seed = &seeds[index % seeds.len()];
        let other = &seeds[chance.below(seeds.len())].json;
        let body = chance.change(&seed.json, other);
        post(&client, &format!("{}/{}", server.url(), seed.method), &body).await?;
    }
    assert_alive(&server).await
}

#[tokio::test]
async fn changed_command_lines_have_an_answer() -> Outcome {
    let (server, seeds) = server()?;
    let client = own_client::builder()?.build()?;
    let mut chance = Chance::new(2);
    for _ in 0..inputs() {
        let lines: Vec<_> = (0..=chance.below(3))
            .map(|_| seeds[chance.below(seeds.len())].line())
            .collect();
        let other = seeds[chance.below(seeds.len())].line();
        let body = chance.change(&lines.join(&b'\n'), &other);
        post(&client, &server.url(), &body).await?;
    }
    assert_alive(&server).await
}

#[tokio::test]
async fn json_made_by_chance_has_an_answer() -> Outcome {
    let (server, seeds) = server()?;
    let client = own_client::builder()?.build()?;
    let mut chance = Chance::new(3);
    for index in 0..inputs() {
        let method = seeds[index % seeds.len()].method;
        let body = if index % 4 == 0 {
            chance.bytes(40)
        } else {
            chance.json()
        };
        post(&client, &format!("{}/{method}", server.url()), &body).await?;
    }
    assert_alive(&server).await
}

#[tokio::test]
async fn changed_protobuf_has_a_status() -> Outcome {
    let (server, seeds) = server()?;
    let mut client = connect(&server).await?;
    let mut chance = Chance::new(4);
    for index in 0..inputs() {
        let seed = &seeds[index % seeds.len()];
        let other = &seeds[chance.below(seeds.len())].protobuf;
        let message = chance.change(&seed.protobuf, other);
        let body = match chance.below(4) {
            0 => Bytes::from(chance.change(&frame(0, &message), b"\x01\xff\xff\xff\xff")),
            _ => frame(0, &message),
        };
        let outcome = soon(
            "a status",
            Call::new(seed.path, body.clone()).send(&mut client),
        )
        .await;
        outcome.map_err(|error| format!("{} {}: {error}", seed.path, body.escape_ascii()))?;
    }
    assert_alive(&server).await
}

#[tokio::test]
async fn changed_connections_come_to_an_end() -> Outcome {
    let (server, seeds) = server()?;
    let mut chance = Chance::new(5);
    for index in 0..inputs() {
        let seed = &seeds[index % seeds.len()];
        let bytes = if index % 2 == 0 {
            seed.http1()
        } else {
            seed.http2()
        };
        let bytes = chance.change(&bytes, b"\r\n\r\n");
        let mut stream = TcpStream::connect(address(&server)).await?;
        // The server may have hung up already, which is an error.
        let _ = stream.write_all(&bytes).await;
        let _ = stream.shutdown().await;
        let _ = soon(
            "the end of the connection",
            stream.read_to_end(&mut Vec::new()),
        )
        .await;
    }
    assert_alive(&server).await
}

#[tokio::test]
async fn unchanged_connections_are_answered() -> Outcome {
    let (server, seeds) = server()?;
    for seed in &seeds {
        read_until(&server, &seed.http1(), |answer: &[u8]| {
            answer.starts_with(b"HTTP/1.1 200 OK\r\n")
        })
        .await
        .map_err(|error| format!("{}: {error}", seed.method))?;
        read_until(&server, &seed.http2(), has_data)
            .await
            .map_err(|error| format!("{}: {error}", seed.method))?;
    }
    Ok(())
}

async fn read_until(server: &Server, bytes: &[u8], is_answer: impl Fn(&[u8]) -> bool) -> Outcome {
    let mut stream = TcpStream::connect(address(server)).await?;
    stream.write_all(bytes).await?;
    let mut answer = Vec::new();
    while !is_answer(&answer) {
        if soon("the answer", stream.read_buf(&mut answer)).await? == 0 {
            return Err(format!("the end after {}", answer.escape_ascii()).into());
        }
    }
    Ok(())
}

/// Returns whether HTTP/2 bytes contain a data frame.
fn has_data(mut answer: &[u8]) -> bool {
    const HEAD: usize = 9;
    while let Some(head) = answer.first_chunk::<HEAD>() {
        if head[3] == 0 {
            return true;
        }
        let length = head[..3]
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte));
        answer = answer.get(HEAD + length..).unwrap_or_default();
    }
    false
}

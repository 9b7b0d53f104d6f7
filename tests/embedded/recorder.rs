//! The requests that the server records.

use centrifugo_api::{
    BatchRequest, BlockUserRequest, Client, HistoryRequest, InfoRequest, Method as _,
    PresenceRequest, PublishRequest,
};
use centrifugo_api_testing::{Endpoint, Server};

use crate::malformed_grpc::{Call, connect, frame};
use crate::{Outcome, clients, own_client, publish, start};

const KEY: &str = "hunter2-is-the-key";

fn methods(server: &Server) -> Vec<&'static str> {
    server
        .requests()
        .iter()
        .map(|request| request.method)
        .collect()
}

#[tokio::test]
async fn request_is_recorded_with_its_method_and_endpoint() -> Outcome {
    let server = start();
    let sent = PublishRequest::new("news", r#"{"a":1}"#)
        .idempotency_key("key")
        .tags([("a", "b")]);
    for (transport, client) in clients(&server) {
        client.publish(sent.clone()).await?;
        let requests = server.take_requests();
        assert_eq!(requests.len(), 1, "{transport}");
        let endpoint = match transport {
            "http" => Endpoint::Http,
            "grpc" => Endpoint::Grpc,
            _ => Endpoint::CommandLines,
        };
        assert_eq!(
            (requests[0].method, requests[0].endpoint),
            ("publish", endpoint)
        );
        assert_eq!(
            requests[0].request::<PublishRequest>().as_ref(),
            Some(&sent),
            "{transport}"
        );
        assert!(requests[0].request::<HistoryRequest>().is_none());
    }
    Ok(())
}

#[tokio::test]
async fn requests_stay_in_order_until_they_are_taken() -> Outcome {
    let server = start();
    let client = server.client();
    client.info(InfoRequest::new()).await?;
    client.history(HistoryRequest::new("news")).await?;
    server
        .grpc_client()
        .presence(PresenceRequest::new("news"))
        .await?;
    assert_eq!(methods(&server), ["info", "history", "presence"]);
    assert_eq!(methods(&server), ["info", "history", "presence"]);
    assert_eq!(server.take_requests().len(), 3);
    assert_eq!(methods(&server), [""; 0]);
    client.info(InfoRequest::new()).await?;
    assert_eq!(methods(&server), ["info"]);
    Ok(())
}

#[tokio::test]
async fn batch_is_one_request_and_command_lines_are_many() -> Outcome {
    let server = start();
    for (transport, client) in clients(&server) {
        let (first, second) = client
            .batch((InfoRequest::new(), PresenceRequest::new("news")))
            .await?;
        let _ = (first?, second?);
        let expected: &[_] = if transport == "lines" {
            &["info", "presence"]
        } else {
            &["batch"]
        };
        assert_eq!(methods(&server), expected, "{transport}");
        if let Some(batch) = server.take_requests()[0].request::<BatchRequest>() {
            assert_eq!(batch.commands.len(), 2, "{transport}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn refused_calls_are_recorded_and_unread_ones_are_not() -> Outcome {
    let server = start();
    for (transport, client) in clients(&server) {
        client
            .publish(PublishRequest::new("unknown:1", "1"))
            .await
            .unwrap_err();
        assert_eq!(methods(&server), ["publish"], "{transport}");
        client
            .block_user(BlockUserRequest::new("mallory"))
            .await
            .unwrap_err();
        assert_eq!(server.take_requests().len(), 1, "{transport}");
    }
    for url in [server.url(), server.grpc_url()] {
        publish(&Client::new(url, "another key")?, "news", "1")
            .await
            .unwrap_err();
    }
    let raw = own_client::builder()?.build()?;
    let body = raw
        .post(server.url() + "/publish")
        .header("x-api-key", server.api_key())
        .body("{");
    assert_eq!(body.send().await?.status(), 400);
    let mut raw = connect(&server).await?;
    let (code, _) = Call::new(PublishRequest::GRPC_PATH, frame(0, &[0xff]))
        .send(&mut raw)
        .await?;
    assert_eq!(code, 13);
    assert_eq!(methods(&server), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn headers_are_recorded_without_the_key() -> Outcome {
    let server = Server::builder().api_key(KEY).start()?;
    let builders = [
        server.client_builder(),
        server.grpc_client_builder(),
        server.client_builder().legacy_commands(),
    ];
    for builder in builders {
        publish(&builder.header("X-Trace", "trace-1").build()?, "news", "1").await?;
        let request = server.take_requests().remove(0);
        assert_eq!(request.headers["x-trace"], "trace-1");
        assert!(request.headers.contains_key("user-agent"));
        assert_no_key(&request);
    }
    let raw = own_client::builder()?.build()?;
    let publish = |url: String| raw.post(url).body(r#"{"channel":"news","data":1}"#);
    for request in [
        publish(server.url() + "/publish").header("Authorization", format!("apikey {KEY}")),
        publish(server.url() + "/publish")
            .header("X-API-Key", KEY)
            .header("Authorization", KEY),
        publish(format!("{}/publish?a=1&api_key={KEY}", server.url())),
    ] {
        assert_eq!(request.send().await?.status(), 200);
        assert_no_key(&server.take_requests()[0]);
    }
    Ok(())
}

#[track_caller]
fn assert_no_key(request: &centrifugo_api_testing::Recorded) {
    let text = format!("{request:?} {request:#?}");
    assert!(!text.contains(KEY), "{text}");
}

#[tokio::test]
async fn only_the_last_requests_are_recorded() -> Outcome {
    let server = Server::builder().recorded_requests(2).start()?;
    let client = server.client();
    for data in ["1", "2", "3"] {
        publish(&client, "news", data).await?;
    }
    let data: Vec<_> = server
        .requests()
        .iter()
        .filter_map(|request| request.request::<PublishRequest>())
        .map(|r| r.data)
        .collect();
    assert_eq!(data, ["2", "3"]);
    Ok(())
}

#[tokio::test]
async fn ten_thousand_requests_are_recorded_by_default() -> Outcome {
    let server = start();
    let client = server.client_builder().legacy_commands().build()?;
    for _ in 0..11 {
        client
            .batch(vec![InfoRequest::new(); 1000])
            .await?
            .all_ok()?;
    }
    assert_eq!(server.requests().len(), 10_000);
    Ok(())
}

#[tokio::test]
async fn nothing_is_recorded_if_recording_is_disabled() -> Outcome {
    let server = Server::builder().recorded_requests(0).start()?;
    for (_, client) in clients(&server) {
        publish(&client, "news", "1").await?;
    }
    assert!(server.requests().is_empty() && server.take_requests().is_empty());
    Ok(())
}

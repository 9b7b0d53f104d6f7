//! The facts that the server tells handlers about the client.

use centrifugo_api::binary;
use centrifugo_api_testing::{ConnectingClient, Namespace, ProxyOptions, Server};
use centrifugo_proxy::{Caller, ConnectReply, Handlers, PublishReply, RpcReply, SubscribeReply};

use super::{Seen, text};
use crate::Outcome;

/// Returns handlers that note a line about each event.
fn noting(seen: &Seen) -> Handlers {
    let [connect, subscribe, publish, rpc] = [(); 4].map(|()| seen.clone());
    Handlers::new(Caller::anyone())
        .connect(move |event| {
            let message = event.message();
            let data = text(event.data());
            connect.add(format!(
                "connect {} {} {} {} {:?} {} {data}",
                message.transport,
                message.protocol,
                message.encoding,
                event.name(),
                event.channels(),
                event.version(),
            ));
            connect.add(headers(event.head()));
            async { Ok(ConnectReply::user("anna").meta(r#"{"m":1}"#)) }
        })
        .subscribe(move |event| {
            let encoding = &event.message().encoding;
            let meta = text(event.meta());
            subscribe.add(format!(
                "subscribe {encoding} {meta} {}",
                headers(event.head())
            ));
            async { Ok(SubscribeReply::allow()) }
        })
        .publish(move |event| {
            let line = format!("publish {} {:?}", event.message().encoding, event.data());
            publish.add(line);
            async { Ok(PublishReply::allow()) }
        })
        .rpc(move |event| {
            rpc.add(format!(
                "rpc {} {}",
                event.client().len(),
                text(event.meta())
            ));
            async { Ok(RpcReply::empty()) }
        })
}

fn headers(head: &centrifugo_proxy::Head) -> String {
    let names = ["cookie", "authorization", "x-secret"];
    let values = names.map(|name| head.header(name).unwrap_or("-").to_owned());
    values.join(" ")
}

fn client() -> ConnectingClient {
    ConnectingClient::new()
        .name("js")
        .version("1.2")
        .channels(["a", "b"])
        .data(r#"{"in":1}"#)
        .header("Cookie", "of-connection")
        .emulated_header("Cookie", "of-client")
        .emulated_header("Authorization", "bearer")
        .header("X-Secret", "of-client")
}

#[tokio::test]
async fn connect_tells_the_client_and_no_headers_by_default() -> Outcome {
    let seen = Seen::default();
    let server = Server::builder().proxy(&noting(&seen)).start()?;
    let anna = server.connect_client(client()).await?;
    let expected = [
        r#"connect websocket json json js ["a", "b"] 1.2 {"in":1}"#,
        "- - -",
    ];
    assert_eq!(seen.take(), expected);
    // No meta either.
    anna.rpc("method", "1").await?;
    assert_eq!(seen.take(), ["rpc 36 "]);
    Ok(())
}

#[tokio::test]
async fn headers_of_the_connection_come_before_those_of_the_client() -> Outcome {
    let seen = Seen::default();
    let options = ProxyOptions::new()
        .http_headers(["cookie"])
        .emulated_headers(["Cookie", "authorization"])
        .static_header("x-secret", "static")
        .static_header("cookie", "static")
        .include_connection_meta(true);
    let server = Server::builder()
        .proxy(&noting(&seen))
        .proxy_options(options)
        .start()?;
    let anna = server.connect_client(client()).await?;
    assert_eq!(seen.take()[1], "of-connection bearer static");
    // They stay those of the connection.
    anna.subscribe("news").await?;
    let expected = r#"subscribe json {"m":1} of-connection bearer static"#;
    assert_eq!(seen.take(), [expected]);
    Ok(())
}

#[tokio::test]
async fn payloads_are_bytes_with_binary_encoding() -> Outcome {
    let seen = Seen::default();
    let server = Server::builder()
        .proxy(&noting(&seen))
        .proxy_options(ProxyOptions::new().binary_encoding(true))
        .start()?;
    let anna = server.connect_client(client().protobuf()).await?;
    assert!(seen.take()[0].starts_with("connect websocket protobuf binary js"));
    anna.publish("news", binary(vec![0xff])).await?;
    assert_eq!(seen.take(), [r#"publish binary b"\xff""#]);
    Ok(())
}

#[tokio::test]
async fn invalid_headers_are_reported() -> Outcome {
    let server = Server::start()?;
    let client = ConnectingClient::new().header("a b", "1");
    let problem = super::misconfigured(server.connect_client(client).await);
    assert!(problem.contains("`a b`"), "{problem}");
    let options = ProxyOptions::new().static_header("secret", "a\nb");
    let builder = Server::builder().namespace(Namespace::new(""));
    let problem = crate::refusal(builder.proxy_options(options));
    crate::assert_says(&problem, &["proxy_options", "`secret`"]);
    assert!(!problem.contains("a\nb"));
    Ok(())
}

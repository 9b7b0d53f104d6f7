//! Configurations of Centrifugo that say what is asked.

use centrifugo_api_testing::{ConnectingClient, Server};
use centrifugo_proxy::{PublishReply, RpcReply, SubscribeReply};
use serde_json::{Value, json};

use super::{Seen, connect, handlers, misconfigured, refusal};
use crate::{Outcome, assert_says};

/// A configuration with proxies at an endpoint that no test reaches.
fn production() -> Value {
    let endpoint = "https://backend.example/centrifugo";
    let proxy = json!({"endpoint": endpoint, "http_headers": ["Cookie"]});
    let mut connect = proxy.clone();
    connect["enabled"] = json!(true);
    json!({
        "client": {"proxy": {"connect": connect}},
        "channel": {
            "proxy": {"subscribe": proxy, "publish": proxy},
            "namespaces": [
                {"name": "chat", "subscribe_proxy_enabled": true, "publish_proxy_enabled": true},
                {"name": "named", "subscribe_proxy_enabled": true, "subscribe_proxy_name": "own"},
                {"name": "open", "allow_subscribe_for_client": true, "allow_publish_for_subscriber": true},
            ],
        },
        "rpc": {
            "proxy": proxy,
            "without_namespace": {"proxy_enabled": false},
            "namespaces": [{"name": "users", "proxy_enabled": true}],
        },
        "proxies": [{
            "name": "own",
            "endpoint": endpoint,
            "include_connection_meta": true,
            "http": {"static_headers": {"x-own": "yes"}},
        }],
    })
}

#[tokio::test]
async fn handlers_take_the_place_of_all_endpoints() -> Outcome {
    let seen = Seen::default();
    let lines = seen.clone();
    let handlers = handlers()
        .subscribe(move |event| {
            let headers =
                ["cookie", "x-own"].map(|name| event.header(name).unwrap_or("-").to_owned());
            lines.add(headers.join(" "));
            async { Ok(SubscribeReply::allow()) }
        })
        .publish(|_| async { Ok(PublishReply::allow()) })
        .rpc(|_| async { Ok(RpcReply::new("1")) });
    let server = Server::builder()
        .configuration_value(production())
        .proxy(&handlers)
        .start()?;
    let client = ConnectingClient::new().name("anna").header("cookie", "c");
    let anna = server.connect_client(client).await?;
    anna.subscribe("chat:1").await?;
    anna.subscribe("named:1").await?;
    assert_eq!(seen.take(), ["c -", "- yes"]);
    anna.publish("chat:1", "1").await?;
    anna.subscribe("open:1").await?;
    anna.publish("open:1", "1").await?;
    assert_eq!(refusal(anna.publish("open:2", "1").await).0, 103);
    assert_eq!(refusal(anna.rpc("method", "1").await).0, 108);
    assert_eq!(anna.rpc("users:method", "1").await?, "1");
    Ok(())
}

#[tokio::test]
async fn configuration_decides_what_is_asked() -> Outcome {
    let server = Server::builder()
        .configuration(r#"{"channel": {"without_namespace": {}}}"#)
        .proxy(&handlers().rpc(|_| async { Ok(RpcReply::empty()) }))
        .allow_anonymous_connect_without_token(true)
        .start()?;
    let anna = connect(&server, "anna").await?;
    assert_eq!(anna.user(), "", "the connect proxy is not enabled");
    assert_eq!(refusal(anna.rpc("method", "1").await).0, 108);
    assert_eq!(refusal(anna.subscribe("news").await).0, 103);
    Ok(())
}

#[tokio::test]
async fn endpoints_that_cannot_be_asked_are_named() -> Outcome {
    let server = Server::builder()
        .configuration_value(production())
        .start()?;
    let problem = misconfigured(connect(&server, "anna").await);
    assert_says(
        &problem,
        &[
            "client.proxy.connect.endpoint",
            "TLS",
            "ServerBuilder::proxy",
        ],
    );
    // Other tests are as before.
    server.connect("anna").subscribe("chat:1")?;
    let allowed = json!({
        "client": {"allow_anonymous_connect_without_token": true},
        "channel": {"without_namespace": {"subscribe_proxy_enabled": true}},
    });
    let server = Server::builder().configuration_value(allowed).start()?;
    let anna = server.connect_client(ConnectingClient::new()).await?;
    let problem = misconfigured(anna.subscribe("news").await);
    assert_says(&problem, &["channel.proxy.subscribe.endpoint", "not set"]);
    Ok(())
}

#[tokio::test]
async fn variables_of_the_environment_win() -> Outcome {
    let seen = Seen::default();
    let lines = seen.clone();
    let handlers = handlers().subscribe(move |event| {
        lines.add(event.header("x-own").unwrap_or("-"));
        async { Ok(SubscribeReply::allow()) }
    });
    let server = Server::builder()
        .configuration_value(production())
        .environment([
            ("CENTRIFUGO_CLIENT_PROXY_CONNECT_ENABLED", "true"),
            (
                "CENTRIFUGO_PROXIES_OWN_HTTP_STATIC_HEADERS",
                r#"{"x-own": "other"}"#,
            ),
            ("CENTRIFUGO_RPC_NAMESPACES_USERS_PROXY_ENABLED", "false"),
        ])
        .proxy(&handlers)
        .start()?;
    let anna = connect(&server, "anna").await?;
    anna.subscribe("named:1").await?;
    assert_eq!(seen.take(), ["other"]);
    assert_eq!(refusal(anna.rpc("users:method", "1").await).0, 108);
    Ok(())
}

#[test]
fn invalid_options_are_named() {
    for (option, expected) in [
        (json!({"timeout": "1"}), "timeout"),
        (json!({"http_headers": "cookie"}), "http_headers"),
        (
            json!({"http": {"static_headers": {"a": 1}}}),
            "static_headers",
        ),
        (
            json!({"http": {"status_to_code_transforms": [{"status_code": -1}]}}),
            "status_code",
        ),
    ] {
        let configuration = json!({"channel": {"proxy": {"subscribe": option}}});
        let builder = Server::builder().configuration_value(configuration);
        assert_says(
            &crate::refusal(builder),
            &["channel.proxy.subscribe", expected],
        );
    }
    let both = json!({"channel": {"without_namespace": {
        "subscribe_stream_proxy_enabled": true,
        "publish_proxy_enabled": true,
    }}});
    let builder = Server::builder().configuration_value(both);
    assert_says(
        &crate::refusal(builder),
        &["subscribe_stream_proxy_enabled", "publish_proxy_enabled"],
    );
}

//! The claim `meta`, which a real server gives to its proxies.

use centrifugo_token::ConnectionClaims;
use serde_json::{Value, json};

use crate::Outcome;
use crate::harness::{Backend, Client, Endpoint, Server, minute};

#[tokio::test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn meta_is_given_to_proxies() -> Outcome {
    let mut endpoint = Endpoint::start(String::new()).await?;
    let options = [
        ("CENTRIFUGO_RPC_PROXY_ENDPOINT", &*endpoint.url("/rpc")),
        ("CENTRIFUGO_RPC_PROXY_INCLUDE_CONNECTION_META", "true"),
        ("CENTRIFUGO_RPC_WITHOUT_NAMESPACE_PROXY_ENABLED", "true"),
    ];
    let server = Server::start(Backend::Real, &options).await;
    let meta = json!({"tenant": {"id": 7}});
    let user = ConnectionClaims::new("42", minute());
    for (claims, expected) in [(user.clone(), Value::Null), (user.meta(&meta), meta)] {
        let Client::Real(client) = server.connected(&claims).await? else {
            unreachable!("the server is real")
        };
        client.rpc("method").await?;
        let call: Value = serde_json::from_str(&endpoint.call().await)?;
        assert_eq!(call["user"], "42", "{call}");
        assert_eq!(call["meta"], expected, "{call}");
    }
    Ok(())
}

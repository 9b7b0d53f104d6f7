//! Clients that call methods.

use centrifugo_api_testing::{ConnectingClient, Server};
use centrifugo_proxy::RpcReply;

use super::{NO, handlers, refusal};
use crate::Outcome;

fn anna() -> ConnectingClient {
    ConnectingClient::new().name("anna")
}

#[tokio::test]
async fn method_is_answered_by_its_handler() -> Outcome {
    let handlers = handlers().rpc(|event| async move {
        if event.method() == "fail" {
            return Err(NO.into());
        }
        assert_eq!(
            (event.user(), event.transport()),
            (Some("anna"), "websocket")
        );
        Ok(RpcReply::new(event.data().clone()))
    });
    let server = Server::builder().proxy(&handlers).start()?;
    let anna = server.connect_client(anna()).await?;
    assert_eq!(anna.rpc("echo", "1").await?, "1");
    assert_eq!(refusal(anna.rpc("fail", "1").await), (403, "no".into()));
    assert_eq!(refusal(anna.rpc("chat:echo", "1").await).0, 104);
    Ok(())
}

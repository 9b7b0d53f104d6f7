//! Clients that call methods: what each answer of the rpc handler does.

use centrifugo_api::binary;
use centrifugo_api_testing::{ConnectingClient, Server};
use centrifugo_proxy::{Handlers, RpcReply};

use super::{BYE, Broken, LATER, NO, connect, handlers, refusal};
use crate::{Outcome, describe};

fn methods() -> Handlers {
    handlers().rpc(|event| async move {
        match event.method() {
            "chat:echo" | "echo" => Ok(RpcReply::new(event.data().clone())),
            "empty" => Ok(RpcReply::empty()),
            "binary" => Ok(RpcReply::new(binary("\u{1}"))),
            "no" => Err(NO.into()),
            "later" => Err(LATER.into()),
            "bye" => Err(BYE.into()),
            "broken" => Err(Broken.into()),
            other => panic!("the method `{other}`"),
        }
    })
}

#[tokio::test]
async fn method_is_answered_by_its_handler() -> Outcome {
    let server = Server::builder().proxy(&methods()).start()?;
    let anna = connect(&server, "anna").await?;
    assert_eq!(anna.rpc("echo", "1").await?, "1");
    assert_eq!(anna.rpc("empty", "1").await?, "");
    for (method, code) in [("no", 403), ("broken", 100), ("panic", 100)] {
        assert_eq!(refusal(anna.rpc(method, "1").await).0, code, "{method}");
    }
    let later = anna.rpc("later", "1").await;
    assert!(matches!(later, Err(centrifugo_api::Error::Api(error)) if error.temporary));
    Ok(())
}

#[tokio::test]
async fn disconnect_ends_the_connection() -> Outcome {
    let server = Server::builder().proxy(&methods()).start()?;
    let mut anna = connect(&server, "anna").await?;
    let error = anna.rpc("bye", "1").await.expect_err("the handler refuses");
    let text = "Centrifugo ended the connection with code 4500: bye";
    assert_eq!(error.to_string(), text);
    assert_eq!(error.api_code(), Some(4500));
    let end = anna.try_next().ok_or("no event")?;
    assert_eq!(describe(&end), "disconnected: 4500 bye");
    Ok(())
}

#[tokio::test]
async fn bytes_reach_clients_with_protobuf_only() -> Outcome {
    let server = Server::builder().proxy(&methods()).start()?;
    let bert = ConnectingClient::new().name("bert").protobuf();
    let bert = server.connect_client(bert).await?;
    assert_eq!(bert.rpc("echo", binary("\u{1}")).await?, "\u{1}");
    let anna = connect(&server, "anna").await?;
    assert_eq!(
        refusal(anna.rpc("binary", "1").await),
        (3506, "inappropriate protocol".into())
    );
    Ok(())
}

#[tokio::test]
async fn namespaces_of_methods_must_be_known() -> Outcome {
    let server = Server::builder().proxy(&methods()).start()?;
    let anna = connect(&server, "anna").await?;
    assert_eq!(refusal(anna.rpc("chat:echo", "1").await).0, 104);
    let server = Server::builder()
        .proxy(&methods())
        .rpc_namespace("chat")
        .start()?;
    let anna = connect(&server, "anna").await?;
    assert_eq!(anna.rpc("chat:echo", "1").await?, "1");
    Ok(())
}

#[tokio::test]
async fn server_without_rpc_handler_has_no_methods() -> Outcome {
    let server = Server::builder().proxy(&handlers()).start()?;
    let anna = connect(&server, "anna").await?;
    assert_eq!(
        refusal(anna.rpc("echo", "1").await),
        (108, "not available".into())
    );
    Ok(())
}

//! Payloads as JSON and as base64.

use centrifugo_proxy::{PublishReply, RpcReply, binary};
use http::StatusCode;

use crate::{Failures, anyone, ask};

#[tokio::test]
async fn payloads_go_back_as_they_came() {
    let handlers = anyone().rpc(|event| async move { Ok(RpcReply::new(event.data().clone())) });
    let json = r#"{"protocol":"json","encoding":"json","data":{"a" : 1}}"#;
    assert_eq!(
        ask(&handlers, "/rpc", json).await.1,
        r#"{"result":{"data":{"a" : 1}}}"#
    );
    let binary = r#"{"protocol":"protobuf","encoding":"binary","b64data":"AP8="}"#;
    assert_eq!(
        ask(&handlers, "/rpc", binary).await.1,
        r#"{"result":{"b64data":"AP8="}}"#
    );
    let nothing = r#"{"protocol":"json","encoding":"json"}"#;
    assert_eq!(ask(&handlers, "/rpc", nothing).await.1, r#"{"result":{}}"#);
}

#[tokio::test]
async fn binary_reply_is_base64_and_other_bytes_are_refused() {
    let failures = Failures::default();
    let handlers = failures.watch(anyone().rpc(|event| async move {
        match event.method() {
            "said" => Ok(RpcReply::new(binary(vec![0, 255]))),
            _ => Ok(RpcReply::new(vec![0, 255])),
        }
    }));
    let said = r#"{"method":"said","protocol":"json","encoding":"json"}"#;
    assert_eq!(
        ask(&handlers, "/rpc", said).await.1,
        r#"{"result":{"b64data":"AP8="}}"#
    );
    let unsaid = r#"{"method":"unsaid","protocol":"json","encoding":"json"}"#;
    let encoded = r#"{"method":"unsaid","protocol":"json","encoding":"binary"}"#;
    let refused = (StatusCode::INTERNAL_SERVER_ERROR, String::new());
    for unsaid in [unsaid, encoded] {
        assert_eq!(ask(&handlers, "/rpc", unsaid).await, refused);
        assert!(failures.take().contains("`data` is not JSON"));
    }
}

#[tokio::test]
async fn json_goes_back_as_base64_to_a_proxy_with_binary_encoding() {
    let handlers = anyone().rpc(|event| async move { Ok(RpcReply::new(event.data().clone())) });
    let json = r#"{"protocol":"json","encoding":"binary","b64data":"eyJhIjoxfQ=="}"#;
    let answer = ask(&handlers, "/rpc", json).await.1;
    assert_eq!(answer, r#"{"result":{"b64data":"eyJhIjoxfQ=="}}"#);
    let nothing = r#"{"protocol":"json","encoding":"binary"}"#;
    assert_eq!(ask(&handlers, "/rpc", nothing).await.1, r#"{"result":{}}"#);
}

#[tokio::test]
async fn reply_can_not_break_out_of_its_field() {
    let handlers =
        anyone().rpc(|_| async { Ok(RpcReply::new(r#"1},"disconnect":{"code":4500}"#)) });
    let (status, body) = ask(&handlers, "/rpc", "{}").await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(body, "");
}

#[tokio::test]
async fn empty_data_in_place_of_a_publication_is_refused() {
    let handlers = anyone().publish(|_| async { Ok(PublishReply::allow().data("")) });
    let (status, _) = ask(&handlers, "/publish", r#"{"data":1}"#).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
}

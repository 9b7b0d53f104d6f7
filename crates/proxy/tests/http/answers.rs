//! Answers to events: results, refusals, and what handlers see of the request.

use centrifugo_proxy::{
    ClientError, ConnectReply, Disconnect, PublishReply, SubRefreshReply, SubscribeReply,
};
use http::StatusCode;

use crate::{anyone, ask, post, send};

const DENIED: ClientError = ClientError::constant(403, "denied");
const BANNED: Disconnect = Disconnect::constant(4500, "banned");

#[tokio::test]
async fn event_is_answered_by_its_handler() {
    let handlers = anyone()
        .connect(|event| async move {
            assert_eq!(event.client(), "c1");
            assert_eq!(event.name(), "js");
            assert_eq!(event.data(), r#"{ "a":1}"#);
            Ok(ConnectReply::user("42").info("[1]").channel("news"))
        })
        .subscribe(|event| async move {
            assert_eq!(event.user(), None);
            assert_eq!(event.channel(), "chat:1");
            Ok(SubscribeReply::allow())
        });
    let connect = r#"{"client":"c1","transport":"websocket","protocol":"json","encoding":"json","data":{ "a":1},"name":"js"}"#;
    assert_eq!(
        ask(&handlers, "/connect", connect).await,
        (
            StatusCode::OK,
            r#"{"result":{"user":"42","info":[1],"channels":["news"]}}"#.to_owned()
        )
    );
    let subscribe =
        r#"{"client":"c1","protocol":"json","encoding":"json","user":"","channel":"chat:1"}"#;
    assert_eq!(
        ask(&handlers, "/subscribe", subscribe).await,
        (StatusCode::OK, r#"{"result":{}}"#.to_owned())
    );
}

#[tokio::test]
async fn refusals_are_answers() {
    let handlers = anyone()
        .subscribe(|_| async { Err::<SubscribeReply, _>(DENIED.temporary().into()) })
        .publish(|_| async { Err::<PublishReply, _>(BANNED.into()) });
    assert_eq!(
        ask(&handlers, "/subscribe", "{}").await,
        (
            StatusCode::OK,
            r#"{"error":{"code":403,"message":"denied","temporary":true}}"#.to_owned()
        )
    );
    assert_eq!(
        ask(&handlers, "/publish", "{}").await,
        (
            StatusCode::OK,
            r#"{"disconnect":{"code":4500,"reason":"banned"}}"#.to_owned()
        )
    );
}

#[tokio::test]
async fn subscription_that_goes_on_for_ever_differs_from_one_that_ends() {
    let for_ever = anyone().sub_refresh(|_| async { Ok(SubRefreshReply::for_ever()) });
    let expired = anyone().sub_refresh(|_| async { Ok(SubRefreshReply::expired()) });
    assert_eq!(
        ask(&for_ever, "/sub_refresh", "{}").await.1,
        r#"{"result":{}}"#
    );
    assert_eq!(
        ask(&expired, "/sub_refresh", "{}").await.1,
        r#"{"result":{"expired":true}}"#
    );
}

#[tokio::test]
async fn headers_and_extensions_reach_the_handler() {
    let handlers = anyone().connect(|event| async move {
        assert_eq!(event.header("Cookie"), Some("session=1"));
        assert_eq!(event.extensions().get::<&str>(), Some(&"from a layer"));
        assert_eq!(
            event.peer(),
            Some("10.0.0.1:1".parse().expect("it is an address"))
        );
        Ok(ConnectReply::anonymous())
    });
    let mut request = post("/connect", "{}");
    let cookie = http::HeaderValue::from_static("session=1");
    request.headers_mut().insert("cookie", cookie);
    request.extensions_mut().insert("from a layer");
    let peer = centrifugo_proxy::Peer("10.0.0.1:1".parse().expect("it is an address"));
    request.extensions_mut().insert(peer);
    assert_eq!(
        send(handlers.http(), request).await.status(),
        StatusCode::OK
    );
}

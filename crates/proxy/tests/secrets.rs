//! The secrets in the heads of requests, which nothing shows by accident.
#![cfg(feature = "http")]

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use centrifugo_proxy::{
    Caller, Error, EventObserver, EventStart, Handlers, Observer, Reject, RpcReply,
};
use http::Request;
use http_body_util::Full;
use tower::ServiceExt as _;

/// The text that was shown of events.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<String>>);

impl Shown {
    fn push(&self, text: &str) {
        let mut shown = self.0.lock().expect("no other test panics");
        shown.push_str(text);
    }
}

impl Observer for Shown {
    fn event(&self, event: &EventStart<'_>) -> Option<Box<dyn EventObserver>> {
        self.push(&format!("{event:?}"));
        None
    }
}

#[tokio::test]
async fn debug_of_an_event_shows_neither_headers_nor_payloads() -> Result<(), Error> {
    let shown = Shown::default();
    let seen = shown.clone();
    let handlers = Handlers::new(Caller::with_secret("hunter2")?)
        .observer(shown.clone())
        .rpc(move |event| {
            seen.push(&format!("{event:?} {:?}", event.head()));
            async { Ok::<_, Reject>(RpcReply::empty()) }
        });
    let request = Request::post("/rpc")
        .header("content-type", "application/json")
        .header("x-centrifugo-secret", "hunter2")
        .header("cookie", "session=hunter2")
        .body(Full::new(Bytes::from(
            r#"{"data":"hunter2","meta":{"x":"hunter2"}}"#,
        )))
        .expect("the request is valid");
    let Ok(response) = handlers.http().oneshot(request).await;
    assert_eq!(response.status(), 200);
    let shown = shown.0.lock().expect("no other test panics");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert_eq!(shown.matches("cookie").count(), 3, "{shown}");
    Ok(())
}

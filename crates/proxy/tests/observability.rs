//! Observers and metrics of events.
#![cfg(all(feature = "http", feature = "metrics"))]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use centrifugo_proxy::messages::{RpcRequest, SubscribeRequest};
use centrifugo_proxy::{
    Caller, ClientError, Disconnect, EventEnd, EventKind, EventObserver, EventStart, Failed,
    Handlers, Head, Observer, RpcReply, StreamSubscribeReply, SubscribeReply,
};
use futures_util::StreamExt as _;
use http::{Request, StatusCode};
use http_body_util::Full;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tower::ServiceExt as _;

const DENIED: ClientError = ClientError::constant(403, "denied");
const BANNED: Disconnect = Disconnect::constant(4500, "banned");
const RPC: &str = "centrifugal.centrifugo.proxy.CentrifugoProxy/RPC";

/// Answers calls as their methods say.
fn handlers(caller: Caller) -> Handlers {
    Handlers::new(caller)
        .timeout(Duration::from_millis(20))
        .rpc(|event| async move {
            match event.method() {
                "error" => Err(DENIED.into()),
                "disconnect" => Err(BANNED.into()),
                "fail" => Err("no".parse::<u32>().expect_err("it is not a number").into()),
                "panic" => panic!("within the handler"),
                "hang" => std::future::pending().await,
                _ => Ok(RpcReply::empty()),
            }
        })
}

async fn call(handlers: &Handlers, method: &str) {
    let request = RpcRequest::new(method);
    // The outcome is what observers see.
    let _ = handlers.call(request, Head::default()).await;
}

/// The methods, and the outcomes that they have.
const OUTCOMES: [(&str, &str); 6] = [
    ("accept", "accepted"),
    ("error", "error"),
    ("disconnect", "disconnect"),
    ("fail", "handler"),
    ("panic", "panic"),
    ("hang", "timeout"),
];

/// An observer that keeps the names of outcomes.
#[derive(Clone, Default)]
struct Outcomes(Arc<Mutex<Vec<&'static str>>>);

impl Outcomes {
    fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.0.lock().expect("no other test panics"))
    }
}

impl Observer for Outcomes {
    fn event(&self, _: &EventStart<'_>) -> Option<Box<dyn EventObserver>> {
        Some(Box::new(self.clone()))
    }
}

impl EventObserver for Outcomes {
    fn ends(self: Box<Self>, end: &EventEnd<'_>) {
        let mut outcomes = self.0.lock().expect("no other test panics");
        outcomes.push(end.outcome.name());
    }
}

/// An observer that panics.
struct Panicking;

impl Observer for Panicking {
    fn event(&self, _: &EventStart<'_>) -> Option<Box<dyn EventObserver>> {
        panic!("in the observer")
    }
}

#[tokio::test]
async fn observer_sees_each_outcome_once() {
    let outcomes = Outcomes::default();
    let handlers = handlers(Caller::anyone())
        .observer(Panicking)
        .observer(outcomes.clone());
    for (method, outcome) in OUTCOMES {
        call(&handlers, method).await;
        assert_eq!(outcomes.take(), [outcome]);
    }
}

#[tokio::test]
async fn observer_sees_refused_callers_and_unknown_paths() {
    let outcomes = Outcomes::default();
    let caller = Caller::with_secret("s3cret").expect("the secret is valid");
    let handlers = handlers(caller).observer(outcomes.clone());
    let request = |path: &str, secret: &str| {
        let request = Request::post(path).header("x-centrifugo-secret", secret);
        let body = Full::new(Bytes::from("{}"));
        request.body(body).expect("the request is valid")
    };
    let Ok(response) = handlers.http().oneshot(request("/rpc", "wrong")).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(outcomes.take(), ["unauthenticated"]);
    let Ok(response) = handlers.http().oneshot(request("/x", "s3cret")).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(outcomes.take(), ["no_handler"]);
}

#[tokio::test]
async fn observer_sees_event_whose_caller_goes_away() {
    let outcomes = Outcomes::default();
    let handlers = handlers(Caller::anyone())
        .timeout(Duration::from_secs(3600))
        .observer(outcomes.clone());
    let mut hanging = Box::pin(call(&handlers, "hang"));
    assert!(futures_util::poll!(&mut hanging).is_pending());
    drop(hanging);
    assert_eq!(outcomes.take(), ["dropped"]);
}

#[tokio::test]
async fn observer_sees_the_failure_of_a_stream_within_the_process() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    let handlers = Handlers::new(Caller::anyone())
        .subscribe_unidirectional(|_| async {
            let publications = [Err(Failed("no more".into()))];
            let publications = futures_util::stream::iter(publications);
            Ok((StreamSubscribeReply::allow(), publications))
        })
        .on_failure(move |failed| {
            let mut told = told.lock().expect("no other test panics");
            told.push((failed.kind(), failed.to_string()));
        });
    let request = SubscribeRequest::default().channel("news").user("42");
    let opened = handlers.open_unidirectional(request, Head::default()).await;
    let (_, mut stream) = opened.expect("the handler accepts");
    assert!(matches!(stream.next().await, Some(Err(_))));
    assert!(stream.next().await.is_none());
    let kind = Some(EventKind::SubscribeUnidirectional);
    let seen = seen.lock().expect("no other test panics");
    let line = r#"subscribe_unidirectional "news" of user 42: the handler failed: no more"#;
    assert_eq!(*seen, [(kind, line.to_owned())]);
}

#[tokio::test]
async fn events_are_counted_by_outcome() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let handlers = handlers(Caller::anyone()).subscribe(|_| async { Ok(SubscribeReply::allow()) });
    for (method, _) in OUTCOMES {
        call(&handlers, method).await;
    }
    let mut outcomes = Vec::new();
    let mut durations = 0;
    let mut in_flight = Vec::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let (_, key) = key.into_parts();
        let label = |name: &str| {
            let mut labels = key.labels();
            let label = labels.find(|label| label.key() == name);
            label.map(|label| label.value().to_owned())
        };
        assert_eq!(label("rpc.method").as_deref(), Some(RPC));
        match (key.name(), value) {
            ("centrifugo.proxy.events", DebugValue::Counter(1)) => {
                outcomes.extend(label("outcome"))
            }
            ("rpc.server.call.duration", DebugValue::Histogram(values)) => {
                durations += values.len()
            }
            ("centrifugo.proxy.events.in_flight", DebugValue::Gauge(value)) => {
                in_flight.push(*value)
            }
            (name, value) => panic!("{name}: {value:?}"),
        }
    }
    outcomes.sort_unstable();
    let mut expected: Vec<_> = OUTCOMES.map(|(_, outcome)| outcome.to_owned()).into();
    expected.sort_unstable();
    assert_eq!(outcomes, expected);
    assert_eq!(durations, OUTCOMES.len());
    assert_eq!(in_flight, [0.0]);
}

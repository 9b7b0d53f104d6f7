//! Requests with random changes, for every event and over both transports: each gets a status that is documented, and
//! observers see each once. `CENTRIFUGO_API_FUZZ` is the number of requests per test, 1000 by default.
#![cfg(all(feature = "http", feature = "grpc"))]

#[allow(dead_code)]
#[path = "../../../src/fuzz/chance.rs"]
mod chance;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use centrifugo_api::binary;
use centrifugo_api::prost::Message;
use centrifugo_proxy::messages::{
    ConnectRequest, MapPublishRequest, MapRemoveRequest, NotifyCacheEmptyRequest,
    NotifyChannelStateRequest, Publication, PublishRequest, RefreshRequest, RpcRequest,
    SharedPollRefreshRequest, StreamSubscribeRequest, SubRefreshRequest, SubscribeRequest,
};
use centrifugo_proxy::{
    CacheEmptyReply, Caller, ChannelStateReply, ConnectReply, EventEnd, EventKind, EventObserver,
    EventStart, Handlers, MapPublishReply, MapRemoveReply, Observer, PublishReply, RefreshReply,
    RpcReply, SharedPollRefreshReply, StreamPublication, StreamSubscribeReply, SubRefreshReply,
    SubscribeReply,
};
use futures_util::StreamExt as _;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use serde::de::DeserializeOwned;
use tonic::{Code, Status};
use tower::ServiceExt as _;

use self::chance::Chance;

/// The fields of all requests.
const SEED: &str = r#"{"client":"c","transport":"websocket","protocol":"json","encoding":"json","user":"56","channel":"news","token":"t","method":"m","key":"k","data":{"a":[1]},"b64data":"Zm9v","name":"js","version":"1","channels":["a","b"],"meta":{"m":1},"labels":{"a":"b"},"items":[{"key":"a","version":1}],"events":[{"time_ms":1,"channel":"news","type":"vacated"}]}"#;

/// The limit of bodies and messages, which doubled requests exceed.
const LIMIT: usize = 600;

/// A message of 3 bytes, compressed.
const COMPRESSED: [u8; 23] = [
    0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 0xe3, 0x62, 0x4c, 6, 0, 0x67, 0x5d, 0x76, 0x3f, 3, 0, 0, 0,
];

/// The ends of events, and their number.
#[derive(Clone, Default)]
struct Ends(Arc<Mutex<BTreeMap<&'static str, usize>>>);

impl Observer for Ends {
    fn event(&self, _: &EventStart<'_>) -> Option<Box<dyn EventObserver>> {
        Some(Box::new(self.clone()))
    }
}

impl EventObserver for Ends {
    fn ends(self: Box<Self>, end: &EventEnd<'_>) {
        let mut ends = self.0.lock().expect("no other test panics");
        *ends.entry(end.outcome.name()).or_default() += 1;
    }
}

impl Ends {
    /// Asserts that so many events ended, in exactly these ways.
    fn assert(&self, names: &[&str], inputs: usize) {
        let ends = self.0.lock().expect("no other test panics");
        assert_eq!(ends.keys().copied().collect::<Vec<_>>(), names, "{ends:?}");
        assert_eq!(ends.values().sum::<usize>(), inputs, "{ends:?}");
    }
}

fn inputs() -> usize {
    std::env::var("CENTRIFUGO_API_FUZZ").map_or(1000, |number| {
        number.parse().expect("CENTRIFUGO_API_FUZZ is a number")
    })
}

/// Returns handlers of all events. Their timeout is longer than a test waits.
fn handlers(ends: &Ends) -> Handlers {
    let caller = Caller::with_secret("s3cret").expect("the secret is valid");
    Handlers::new(caller)
        .timeout(Duration::from_secs(3600))
        .body_limit(LIMIT)
        .observer(ends.clone())
        .connect(|_| async { Ok(ConnectReply::user("42")) })
        .refresh(|_| async { Ok(RefreshReply::expired()) })
        .subscribe(|_| async { Ok(SubscribeReply::allow()) })
        .publish(|event| async move {
            // It may be no JSON over gRPC.
            let _ = event.json::<serde_json::Value>();
            Ok(PublishReply::allow())
        })
        .rpc(|event| async move { Ok(RpcReply::new(binary(event.data().clone()))) })
        .sub_refresh(|_| async { Ok(SubRefreshReply::for_ever()) })
        .map_publish(|_| async { Ok(MapPublishReply::allow()) })
        .map_remove(|_| async { Ok(MapRemoveReply::allow()) })
        .shared_poll_refresh(|_| async { Ok(SharedPollRefreshReply::new()) })
        .cache_empty(|_| async { Ok(CacheEmptyReply::populated()) })
        .channel_state(|_| async { Ok(ChannelStateReply::received()) })
        .subscribe_unidirectional(|event| async move {
            let publication = StreamPublication::new(binary(event.data().clone()));
            let publications = futures_util::stream::iter([Ok(publication)]);
            Ok((StreamSubscribeReply::allow(), publications))
        })
        .subscribe_bidirectional(|_, publications| async {
            let answers = publications.map(|data| Ok(StreamPublication::new(binary(data))));
            Ok((StreamSubscribeReply::allow(), answers))
        })
}

/// Longer than an answer takes, on however busy a machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// Awaits the answer to an input. If none comes, the process ends with the input's text, even if the answer is a loop that
/// never yields.
async fn soon<T>(input: &str, answer: impl Future<Output = T>) -> T {
    let input = input.to_owned();
    let (answered, is_answered) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        if is_answered.recv_timeout(DEADLINE) == Err(RecvTimeoutError::Timeout) {
            // Not by `eprintln`, whose text is shown when the test ends, which it does not.
            let _ = writeln!(std::io::stderr(), "there is no answer to {input}");
            std::process::abort();
        }
    });
    let answer = answer.await;
    drop(answered);
    answer
}

/// Returns the message of an event that the seed is, as protobuf.
fn message(kind: EventKind) -> Vec<u8> {
    fn encoded<M: Message + DeserializeOwned>() -> Vec<u8> {
        let message: M = serde_json::from_str(SEED).expect("the seed is a request");
        message.encode_to_vec()
    }
    match kind {
        EventKind::Connect => encoded::<ConnectRequest>(),
        EventKind::Refresh => encoded::<RefreshRequest>(),
        EventKind::Publish => encoded::<PublishRequest>(),
        EventKind::Rpc => encoded::<RpcRequest>(),
        EventKind::SubRefresh => encoded::<SubRefreshRequest>(),
        EventKind::MapPublish => encoded::<MapPublishRequest>(),
        EventKind::MapRemove => encoded::<MapRemoveRequest>(),
        EventKind::SharedPollRefresh => encoded::<SharedPollRefreshRequest>(),
        EventKind::CacheEmpty => encoded::<NotifyCacheEmptyRequest>(),
        EventKind::ChannelState => encoded::<NotifyChannelStateRequest>(),
        EventKind::SubscribeBidirectional => {
            let subscribe = serde_json::from_str::<SubscribeRequest>(SEED);
            let subscribe = subscribe.expect("the seed is a request");
            let first = StreamSubscribeRequest::default().subscribe_request(subscribe);
            first.encode_to_vec()
        }
        _ => encoded::<SubscribeRequest>(),
    }
}

/// Returns a message as gRPC sends it.
fn frame(is_compressed: bool, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("the message is short");
    let mut frame = vec![u8::from(is_compressed)];
    frame.extend(length.to_be_bytes());
    frame.extend(message);
    frame
}

/// Returns the body of a call: a stream has publications too.
fn frames(kind: EventKind) -> Vec<u8> {
    let mut frames = frame(false, &message(kind));
    if kind == EventKind::SubscribeBidirectional {
        let publication = Publication::default().data("[1]");
        let request = StreamSubscribeRequest::default().publication(publication);
        frames.extend(frame(false, &request.encode_to_vec()).repeat(2));
    }
    frames
}

fn request(path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Request<Full<Bytes>> {
    let mut request = Request::post(path).header("x-centrifugo-secret", "s3cret");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(body)));
    request.expect("the request is valid")
}

#[tokio::test]
async fn changed_bodies_over_http_get_documented_statuses() {
    let ends = Ends::default();
    let service = handlers(&ends).http();
    let kinds = EventKind::ALL.iter().filter(|kind| !kind.is_stream());
    let mut chance = Chance::new(18);
    for kind in kinds.cycle().take(inputs()) {
        let body = match chance.below(4) {
            0 => chance.bytes(40),
            1 => chance.json(),
            _ => chance.change(SEED.as_bytes(), SEED.as_bytes()),
        };
        let text = format!("{kind} of {}", body.escape_ascii());
        let is_large = body.len() > LIMIT;
        let request = request(
            &format!("/{kind}"),
            &[("content-type", "application/json")],
            body,
        );
        let Ok(response) = soon(&text, service.clone().oneshot(request)).await;
        let status = response.status();
        let Ok(answer) = response.into_body().collect().await;
        let answer = answer.to_bytes();
        match status {
            StatusCode::OK => {
                let answer = serde_json::from_slice::<serde_json::Value>(&answer);
                let answer = answer.expect("the answer is JSON");
                assert!(answer["result"].is_object(), "{text}: {answer}");
            }
            StatusCode::BAD_REQUEST => assert!(!answer.is_empty(), "{text}"),
            status => assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{text}"),
        }
        let is_refused = status == StatusCode::PAYLOAD_TOO_LARGE;
        assert_eq!(is_refused, is_large, "{text}");
    }
    ends.assert(&["accepted", "request", "too_large"], inputs());
}

#[tokio::test]
async fn changed_heads_over_http_get_documented_statuses() {
    const METHODS: [&str; 4] = ["POST", "POST", "GET", "post"];
    const TYPES: [&str; 4] = ["application/json", "application/json;x", "text/json", ""];
    let ends = Ends::default();
    let service = handlers(&ends).http();
    let mut chance = Chance::new(19);
    let mut asked = 0;
    for kind in EventKind::ALL.iter().cycle().take(inputs()) {
        let mut changed = |text: &str| match chance.below(2) {
            0 => text.as_bytes().to_vec(),
            _ => chance.change(text.as_bytes(), b"/connect?a=b"),
        };
        let path = changed(&format!("/{kind}"));
        let secret = changed("s3cret");
        let method = METHODS[chance.below(METHODS.len())];
        let content_type = TYPES[chance.below(TYPES.len())];
        let request = Request::builder()
            .method(method)
            .uri(&*path)
            .header("x-centrifugo-secret", &*secret)
            .header("content-type", content_type)
            .body(Full::new(Bytes::from_static(b"{}")));
        // No server passes on what `http` refuses.
        let Ok(request) = request else { continue };
        asked += 1;
        let named = request.uri().path().strip_prefix('/');
        let named = named.and_then(EventKind::named);
        let expected = if secret != b"s3cret" {
            StatusCode::UNAUTHORIZED
        } else if named.is_none_or(EventKind::is_stream) {
            StatusCode::NOT_FOUND
        } else if method != "POST" {
            StatusCode::METHOD_NOT_ALLOWED
        } else if !content_type.starts_with("application/json") {
            StatusCode::UNSUPPORTED_MEDIA_TYPE
        } else {
            StatusCode::OK
        };
        let shown = format!("{request:?}");
        let Ok(response) = soon(&shown, service.clone().oneshot(request)).await;
        assert_eq!(response.status(), expected, "{shown}");
    }
    let names = [
        "accepted",
        "content_type",
        "method",
        "no_handler",
        "stream_over_http",
        "unauthenticated",
    ];
    ends.assert(&names, asked);
}

/// Returns the code of a call, from the headers or, after messages, from the trailers.
async fn code(response: http::Response<tonic::body::Body>) -> Code {
    fn code(headers: &HeaderMap) -> Option<Code> {
        Status::from_header_map(headers).map(|status| status.code())
    }
    if let Some(code) = code(response.headers()) {
        return code;
    }
    let body = response.into_body().collect().await;
    let body = body.expect("the body does not break off");
    let trailers = body.trailers().expect("there are trailers");
    code(trailers).expect("there is a status")
}

#[tokio::test]
async fn changed_messages_over_grpc_get_documented_statuses() {
    let ends = Ends::default();
    let service = handlers(&ends).grpc();
    let mut chance = Chance::new(20);
    for kind in EventKind::ALL.iter().cycle().take(inputs()) {
        let message = message(*kind);
        let frames = frames(*kind);
        let body = match chance.below(8) {
            0 => chance.bytes(40),
            1 => frame(true, &chance.change(&COMPRESSED, &frames)),
            2 | 3 => chance.change(&frames, &message),
            _ => frame(false, &chance.change(&message, &frames)),
        };
        let text = format!("{kind} of {}", body.escape_ascii());
        let path = format!(
            "/centrifugal.centrifugo.proxy.CentrifugoProxy/{}",
            kind.rpc()
        );
        let encoding = ["identity", "gzip"][chance.below(2)];
        let headers = [
            ("content-type", "application/grpc"),
            ("grpc-encoding", encoding),
        ];
        let request = request(&path, &headers, body);
        let Ok(response) = soon(&text, service.clone().oneshot(request)).await;
        let code = soon(&text, code(response)).await;
        let documented = [Code::Ok, Code::InvalidArgument, Code::ResourceExhausted];
        assert!(documented.contains(&code), "{text}: {code:?}");
    }
    ends.assert(&["accepted", "request", "too_large"], inputs());
}

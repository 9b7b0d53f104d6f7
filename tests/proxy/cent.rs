//! Answers and requests that handlers of Rust `cent` 0.1.0 treat differently from those of `centrifugo-proxy`. The column `cent`
//! of the other tables shows what is the same. `docs/comparison.md` shows the rows.

use std::time::{Duration, UNIX_EPOCH};

use ::cent::proxy as theirs;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Uri};
use centrifugo_proxy::{
    Caller, ClientError, ConnectReply, Disconnect, EventKind, Handlers, RpcReply,
};
use serde_json::json;
use tower::ServiceExt as _;

use crate::harness::{Answer, Case, Column, Make, Row, SECRET, play};
use crate::refused_calls::ERROR_100;
use crate::{Outcome, connect, maps, refresh, rpc, sub_refresh};

/// An answer that a handler of each of the two gives, if it can.
pub(crate) struct Pair {
    pub(crate) name: &'static str,
    pub(crate) ours: Option<Side>,
    pub(crate) theirs: Option<Side>,
}

/// The answer of one of them, and what the client experiences.
#[derive(Clone, Copy)]
pub(crate) struct Side {
    answer: Make,
    pub(crate) seen: &'static [&'static str],
}

const fn pair(name: &'static str, ours: Option<Side>, theirs: Option<Side>) -> Pair {
    Pair { name, ours, theirs }
}

const fn side(answer: Make, seen: &'static [&'static str]) -> Option<Side> {
    Some(Side { answer, seen })
}

/// Returns a refusal, or the failure of a handler that could not make it.
fn checked<T: Into<Answer>>(refusal: Result<T, centrifugo_proxy::Error>) -> Answer {
    refusal.map_or(Answer::Fails, Into::into)
}

const EMPTY: Make = |_| Answer::Cent(json!({"result": {}}));
const ERROR: Make = |_| Answer::Cent(json!({"error": {"code": 400, "message": "no"}}));
const DISCONNECT: Make = |_| Answer::Cent(json!({"disconnect": {"code": 4500, "reason": "bye"}}));

/// The client does not learn why the connection has ended, and connects again.
const LOST: &[&str] = &["failed: client disconnected", "connected"];

pub(crate) const CONNECTIONS: &[Pair] = &[
    pair(
        "no credentials, where anonymous clients are allowed",
        side(
            |_| ConnectReply::no_credentials().into(),
            &["connected", "is nobody"],
        ),
        None,
    ),
    pair(
        "expire_at before 1970",
        side(
            |_| {
                let before = UNIX_EPOCH - Duration::from_secs(1);
                ConnectReply::user("42").expire_at(before).into()
            },
            &[
                "connects again after: expired (110)",
                "disconnected: 110 expired",
            ],
        ),
        side(
            |_| Answer::Cent(json!({"result": {"user": "42", "expire_at": -1}})),
            &["connected", "is 42"],
        ),
    ),
];

pub(crate) const REFRESHES: &[Pair] = &[
    pair("empty result", None, side(EMPTY, refresh::EXPIRED)),
    pair("error", None, side(ERROR, refresh::GOES_ON)),
    pair("disconnect", None, side(DISCONNECT, refresh::GOES_ON)),
];

pub(crate) const SUB_REFRESHES: &[Pair] = &[
    pair("error", None, side(ERROR, sub_refresh::GOES_ON)),
    pair("disconnect", None, side(DISCONNECT, sub_refresh::GOES_ON)),
];

pub(crate) const CALLS: &[Pair] = &[
    pair(
        "error with the code 99, which is Centrifugo's own",
        side(|_| checked(ClientError::new(99, "no")), ERROR_100),
        side(
            |_| Answer::Cent(json!({"error": {"code": 99, "message": "no"}})),
            &["error 99 no"],
        ),
    ),
    pair(
        "disconnect with the code 5000",
        side(|_| checked(Disconnect::new(5000, "bye")), ERROR_100),
        side(
            |_| Answer::Cent(json!({"disconnect": {"code": 5000, "reason": "bye"}})),
            LOST,
        ),
    ),
    pair(
        "disconnect for good, with a reason of 124 bytes",
        side(
            |_| checked(Disconnect::new(4500, "x".repeat(124))),
            ERROR_100,
        ),
        side(
            |_| Answer::Cent(json!({"disconnect": {"code": 4500, "reason": "x".repeat(124)}})),
            LOST,
        ),
    ),
    pair(
        "bytes that are not JSON, for a client that uses JSON",
        side(|_| RpcReply::new(b"\xff\x00".as_slice()).into(), ERROR_100),
        side(
            |_| Answer::Cent(json!({"result": {"b64data": "/wA="}})),
            &[
                "failed: client disconnected",
                "disconnected: 3506 inappropriate protocol",
            ],
        ),
    ),
];

pub(crate) const OTHER_SECRET: &[Pair] = &[pair(
    "data, to a server that sends another secret",
    side(|_| RpcReply::new("1").into(), ERROR_100),
    side(
        |_| Answer::Cent(json!({"result": {"data": 1}})),
        &["replied with 1"],
    ),
)];

pub(crate) const MAPS: &[Pair] = &[pair(
    "unknown key_mode",
    None,
    side(
        |_| Answer::Cent(json!({"result": {"key_mode": "new"}})),
        maps::SET,
    ),
)];

#[tokio::test]
#[ignore = "needs a real Centrifugo 6.9.1: see tests/centrifugo/README.md"]
async fn clients_see_the_differences() -> Outcome {
    tokio::try_join!(
        compare(CONNECTIONS, connect::connect),
        compare(REFRESHES, refresh::refresh),
        compare(SUB_REFRESHES, sub_refresh::refresh),
        compare(CALLS, rpc::call),
        compare(OTHER_SECRET, call_with_other_secret),
        compare(MAPS, maps::set_once),
    )?;
    Ok(())
}

async fn compare(
    pairs: &[Pair],
    scene: impl AsyncFn(&Case, &Make) -> Vec<String> + Copy,
) -> Outcome {
    let ours = rows(pairs, |pair| pair.ours);
    let theirs = rows(pairs, |pair| pair.theirs);
    play(Column::Http, &ours, scene).await?;
    play(Column::Cent, &theirs, scene).await
}

fn rows(pairs: &[Pair], side: fn(&Pair) -> Option<Side>) -> Vec<Row> {
    let rows = pairs.iter().filter_map(|pair| {
        let Side { answer, seen } = side(pair)?;
        let name = pair.name;
        Some(Row { name, answer, seen })
    });
    rows.collect()
}

/// Calls a method whose proxy sends another secret.
async fn call_with_other_secret(case: &Case, answer: &Make) -> Vec<String> {
    case.answer(EventKind::Rpc, [answer(case)]);
    let client = case.connected().await;
    let replied = client.rpc("rpc_next:method", "{}").await;
    vec![replied.to_string()]
}

/// A request that Centrifugo does not send, and the statuses of both.
pub(crate) struct Stray {
    pub(crate) name: &'static str,
    change: fn(&mut Request<Body>),
    pub(crate) ours: u16,
    pub(crate) theirs: u16,
}

pub(crate) const STRAYS: &[Stray] = &[
    Stray {
        name: "without a secret",
        change: |request| request.headers_mut().clear(),
        ours: 401,
        theirs: 200,
    },
    Stray {
        name: "GET",
        change: |request| *request.method_mut() = Method::GET,
        ours: 405,
        theirs: 405,
    },
    Stray {
        name: "to a path without a handler",
        change: |request| *request.uri_mut() = Uri::from_static("/subscribe"),
        ours: 404,
        theirs: 404,
    },
    Stray {
        name: "without a type of content",
        change: |request| drop(request.headers_mut().remove("content-type")),
        ours: 415,
        theirs: 200,
    },
    Stray {
        name: "with a body that is not JSON",
        change: |request| *request.body_mut() = Body::from("{"),
        ours: 400,
        theirs: 400,
    },
    Stray {
        name: "with a body of 5 MiB",
        change: |request| {
            let data = "x".repeat(5 << 20);
            *request.body_mut() = Body::from(format!(r#"{{"data":"{data}"}}"#));
        },
        ours: 413,
        theirs: 200,
    },
];

#[tokio::test]
async fn stray_requests_get_their_statuses() -> Outcome {
    let ours = Handlers::new(Caller::with_secret(SECRET)?).rpc(async |_| Ok(RpcReply::empty()));
    let ours = Router::new().fallback_service(ours.http());
    let theirs = theirs::Handlers::new().rpc(async |_, _| Ok(theirs::RpcResult::new()));
    let theirs = Router::new().route_service("/rpc", theirs);
    for stray in STRAYS {
        for (router, expected) in [(&ours, stray.ours), (&theirs, stray.theirs)] {
            let request = Request::post("/rpc").header("x-centrifugo-secret", SECRET);
            let request = request.header("content-type", "application/json");
            let mut request = request.body(Body::from("{}"))?;
            (stray.change)(&mut request);
            let Ok(response) = router.clone().oneshot(request).await;
            assert_eq!(response.status(), expected, "{}", stray.name);
        }
    }
    Ok(())
}

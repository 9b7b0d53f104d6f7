//! The backend by the proxy handlers of Rust `cent`, the official SDK.

use ::cent::proxy::{Handlers as CentHandlers, Rejection};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use centrifugo_proxy::{Caller, EventKind, Handlers};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::http::LONGEST_BODY;
use super::{Asker, Backend};
use crate::harness::answer::{Answer, Raw};

/// Registers a handler for each event of a client. It gives the answer of the case as `cent` has it: of a reply, what the
/// handlers of `centrifugo-proxy` write.
macro_rules! of_clients {
    ($backend:expr, $($name:ident: $kind:ident { $($field:ident),+ }),+ $(,)?) => {
        Router::new()$(.route_service(concat!("/", stringify!($name)), {
            let backend = $backend.clone();
            CentHandlers::new().$name(move |parts, request| {
                let backend = backend.clone();
                async move {
                    let asker = Asker { $($field: &request.$field,)+ ..Asker::default() };
                    let kind = EventKind::$kind;
                    let response = match parts.extensions.get::<Raw>() {
                        Some(raw) => of_raw(raw),
                        None => match backend.planned(kind, asker).await? {
                            Answer::Cent(response) => return returned(response),
                            Answer::$kind(reply) => {
                                let handlers = Handlers::new(Caller::anyone());
                                let handlers = handlers.$name(move |_| std::future::ready(Ok(reply.clone())));
                                written(&handlers, kind, json!(request)).await
                            }
                            refusal => of_refusal(refusal),
                        }
                    };
                    backend.note_if_cent_lacks(kind, asker, &response);
                    returned(response)
                }
            })
        }))+
    };
}

impl Backend {
    /// Returns the handlers of `cent`.
    pub(super) fn handlers_of_cent(&self) -> Router {
        of_clients!(
            self,
            connect: Connect { client, name },
            refresh: Refresh { client, user },
            subscribe: Subscribe { client },
            publish: Publish { client },
            rpc: Rpc { client },
            sub_refresh: SubRefresh { client },
            map_publish: MapPublish { client },
            map_remove: MapRemove { client },
            shared_poll_refresh: SharedPollRefresh { channel },
        )
    }

    /// Notes if a response is one that `cent` cannot give.
    fn note_if_cent_lacks(&self, kind: EventKind, asker: Asker<'_>, response: &Value) {
        let has_one_field = response.as_object().is_some_and(|fields| fields.len() == 1);
        let has_result = response.get("result").is_some();
        let has_result_only = matches!(kind, EventKind::Refresh | EventKind::SubRefresh);
        if has_one_field && (has_result || !has_result_only) {
            return;
        }
        if let Some(script) = self.lock().script(kind, asker) {
            script.is_lacking = true;
        }
    }
}

/// Returns what a handler returns to `cent` so that the response is this one.
fn returned<R: DeserializeOwned>(mut response: Value) -> Result<R, Rejection> {
    if let Some(result) = response.get_mut("result") {
        return Ok(serde_json::from_value(result.take())?);
    }
    if let Some(error) = response.get_mut("error") {
        return Err(Rejection::Error(serde_json::from_value(error.take())?));
    }
    if let Some(end) = response.get_mut("disconnect") {
        return Err(Rejection::Disconnect(serde_json::from_value(end.take())?));
    }
    Err(Rejection::fail("cent has no such answer"))
}

fn of_raw(raw: &Raw) -> Value {
    match raw {
        Raw::Response(response) => response.clone(),
        Raw::Garbage | Raw::Status(_) => Value::Null,
    }
}

fn of_refusal(refusal: Answer) -> Value {
    match refusal {
        Answer::Error(error) => json!({"error": {
            "code": error.code(),
            "message": error.message(),
            "temporary": error.is_temporary(),
        }}),
        Answer::Disconnect(end) => {
            json!({"disconnect": {"code": end.code(), "reason": end.reason()}})
        }
        other => panic!("no answer to this event: {other:?}"),
    }
}

/// Returns the response that handlers write to a request.
async fn written(handlers: &Handlers, kind: EventKind, request: Value) -> Value {
    let head = Request::post("/").header("content-type", "application/json");
    let request = head.body(Body::from(request.to_string()));
    let request = request.expect("the request is valid");
    let Ok(response) = handlers.http_event(kind).oneshot(request).await;
    let body = to_bytes(Body::new(response.into_body()), LONGEST_BODY).await;
    serde_json::from_slice(&body.expect("the body is there")).unwrap_or_default()
}

//! Calls by name, for methods that the schema does not have.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::Client;
use crate::api;
use crate::api::messages::BatchRequest;
use crate::api::method::Method as _;
use crate::call::{CallInfo, Inner};
use crate::error::{ApiError, Attempts, Error, cause, excerpt};
use crate::observe::{CallStart, ObservedCall};
use crate::transport::Route;

/// Calls a method by name with any parameters.
pub(super) async fn call<P, T>(client: &Client, method: &str, params: &P) -> Result<T, Error>
where
    P: Serialize + ?Sized,
    T: DeserializeOwned,
{
    let inner = &client.inner;
    let codec = inner.codec();
    let body = codec.encode_raw(method, params)?;
    let route = Route::raw(method);
    let deadline = client.options.deadline();
    let observed = observe(inner, route.method);
    let info = CallInfo {
        method: route.method,
        size: body.len(),
        repeatable: false,
        has_parts: false,
    };
    let outcome = async {
        let mut attempts = inner
            .start(info, &client.options, &deadline, &observed)
            .await?;
        attempts.identify()?;
        loop {
            let mut reply = Bytes::new();
            let mut read = |received| {
                reply = codec.raw_reply(route.method, &body, received)?;
                Ok(())
            };
            let attempt = inner.attempt(&route, &body, attempts.next_attempt(), &mut read);
            let outcome = attempt.await;
            let outcome = outcome.and_then(|()| decode(route.method, &reply));
            if let Some(outcome) = attempts.finish_or_wait(outcome).await {
                return outcome;
            }
        }
    };
    let outcome = outcome.await.map_err(|error| client.hide_secrets(error));
    observed.ends(&outcome, |_| 0);
    outcome
}

/// Starts the observation of a call.
fn observe(inner: &Inner, method: &'static str) -> ObservedCall {
    let nodes = inner.nodes.current();
    let start = || CallStart::raw(method, nodes.first().url());
    inner.observers.call(start)
}

/// Decodes the `result` in a reply; the reply of `batch` has none, and is the result itself.
fn decode<T: DeserializeOwned>(method: &'static str, reply: &Bytes) -> Result<T, Error> {
    let broken = |message: &str, source: Option<serde_json::Error>| Error::Decode {
        method: Some(method),
        message: format!("{message}: {}", excerpt(reply)),
        source: source.map(cause),
        attempts: Attempts::default(),
    };
    let fields: BTreeMap<String, &RawValue> = serde_json::from_slice(reply)
        .map_err(|error| broken("the reply is not a JSON object", Some(error)))?;
    let field = |name| {
        let value = fields.get(name).map(|value| value.get());
        value.filter(|value| *value != "null")
    };
    if let Some(error) = field("error") {
        return Err(match serde_json::from_str::<api::Error>(error) {
            Ok(error) => Error::Api(ApiError::from(error).of(method)),
            Err(error) => broken(
                "the reply's error does not have the schema's shape",
                Some(error),
            ),
        });
    }
    let whole = std::str::from_utf8(reply).ok();
    let result = match method {
        BatchRequest::NAME => whole,
        _ => field("result"),
    };
    match result {
        Some(result) => serde_json::from_str(result)
            .map_err(|error| broken("the result does not fit the type asked for", Some(error))),
        None => Err(broken("neither an error nor a result, in the reply", None)),
    }
}

//! Calls by name, of methods that the schema lacks.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::call::Call;
use crate::error::excerpt;
use crate::{ApiError, ApiFailure, Client, Error};

pub(crate) async fn call<P, T>(client: &Client, method: &str, params: &P) -> Result<T, Error>
where
    P: Serialize + ?Sized,
    T: DeserializeOwned,
{
    let body = client.shared.encode_raw(method, params)?;
    let call = Call::raw(method);
    let (shared, time) = (&client.shared, client.time());
    let mut tries = shared
        .enter(&call, body.len(), client.retry(), time)
        .await?;
    loop {
        let reply = shared.attempt(&call, &body, time).await;
        let outcome = reply.and_then(|reply| read(call.method, &reply));
        if let Some(outcome) = tries.settle(outcome).await {
            return outcome;
        }
    }
}

fn read<T: DeserializeOwned>(method: &'static str, reply: &Bytes) -> Result<T, Error> {
    let broken = |message: &str, source: Option<serde_json::Error>| Error::Decode {
        method: Some(method),
        message: format!("{message}: {}", excerpt(reply)),
        source: source.map(Into::into),
    };
    let parts: BTreeMap<String, &RawValue> = serde_json::from_slice(reply)
        .map_err(|error| broken("the reply is no JSON object", Some(error)))?;
    let part = |name| {
        parts
            .get(name)
            .map(|part| part.get())
            .filter(|part| *part != "null")
    };
    match (part("error"), part("result")) {
        (Some(error), _) => match serde_json::from_str::<ApiError>(error) {
            Ok(error) => Err(Error::Api(ApiFailure::new(method, error))),
            Err(error) => Err(broken(
                "the reply's error does not have the schema's shape",
                Some(error),
            )),
        },
        (None, Some(result)) => serde_json::from_str(result)
            .map_err(|error| broken("the result does not fit the type asked for", Some(error))),
        (None, None) => Err(broken("neither an error nor a result, in the reply", None)),
    }
}

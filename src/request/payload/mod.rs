//! Payloads from values that serde serializes, and to values that it deserializes.

#[cfg(test)]
mod fuzz;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::json::place::path_of_error;
use crate::api::payload::Payload;
use crate::error::{Attempts, Error, decode_cause, excerpt};

/// Returns a payload of any serializable value: its JSON.
///
/// JSON has no NaN and no infinity: serde writes them as `null`. Integers above 2^53 are written exactly, but clients
/// in JavaScript read them rounded: send such numbers as strings.
///
/// # Errors
///
/// [`Error::InvalidRequest`] if the value has no JSON form, such as a map whose keys are not strings.
///
/// ```
/// use centrifugo_api::{PublishRequest, json};
///
/// # fn main() -> Result<(), centrifugo_api::Error> {
/// let request = PublishRequest::new("news", json(&["breaking", "local"])?);
/// assert_eq!(&request.data[..], br#"["breaking","local"]"#);
/// # Ok(())
/// # }
/// ```
pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Payload, Error> {
    match serde_json::to_vec(value) {
        Ok(json) => Ok(Payload::from(json)),
        Err(error) => {
            let message = format!("a payload has no JSON form: {error}");
            Err(Error::InvalidRequest(message.into()))
        }
    }
}

/// The method [`decode`](Self::decode) for the payloads of replies.
pub trait PayloadExt {
    /// Decodes the payload as JSON. An empty payload, which may be an absent one, is read as `null`.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`], with the start of the payload, if it is not the JSON of a `T`.
    ///
    /// ```
    /// use centrifugo_api::{PayloadExt as _, Publication};
    ///
    /// # fn main() -> Result<(), centrifugo_api::Error> {
    /// let publication = Publication::new().data(r#"{"text":"hello"}"#);
    /// let value: serde_json::Value = publication.data.decode()?;
    /// assert_eq!(value["text"], "hello");
    /// # Ok(())
    /// # }
    /// ```
    fn decode<T: DeserializeOwned>(&self) -> Result<T, Error>;
}

impl PayloadExt for Bytes {
    fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let json: &[u8] = if self.is_empty() { b"null" } else { self };
        serde_json::from_slice(json).map_err(|source| decode_error::<T>(self, source))
    }
}

/// Returns the error of a payload that is not a `T`.
fn decode_error<T: DeserializeOwned>(payload: &Bytes, source: serde_json::Error) -> Error {
    let read = |start: &[u8]| serde_json::from_slice::<T>(start).map(drop);
    let path = path_of_error(payload, &source, &read);
    let place = if path.is_empty() {
        String::new()
    } else {
        format!(" at its field `{}`", excerpt(path.as_bytes()))
    };
    let message = if payload.is_empty() {
        "the payload is empty".to_owned()
    } else {
        let start = excerpt(payload);
        format!("the payload `{start}` does not fit the type asked for{place}")
    };
    Error::Decode {
        method: None,
        message,
        source: Some(decode_cause(source)),
        attempts: Attempts::default(),
    }
}

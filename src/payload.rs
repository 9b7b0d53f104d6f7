use base64::Engine as _;
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::Error;
use crate::error::excerpt;

/// What a publication or another `bytes` field carries: JSON text over HTTP, any bytes over gRPC.
///
/// Requests take `impl Into<Payload>`. Strings and bytes are taken as they are: `"{\"n\":1}"` is an object,
/// while the text *hello* is the JSON string `"\"hello\""`, which [`json("hello")`](json) writes.
/// Centrifugo refuses an empty payload in most methods; `null`, `""` and `{}` are not empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payload(Bytes);

impl Payload {
    /// Gives the bytes, without copying.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

/// Makes a payload of any serializable value: its JSON.
///
/// # Errors
///
/// [`Error::InvalidRequest`] when the value has no JSON form, such as a map whose keys are not strings.
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
        Ok(json) => Ok(Payload(json.into())),
        Err(error) => Err(Error::InvalidRequest(format!("a payload has no JSON form: {error}"))),
    }
}

/// Reads the payloads of replies.
pub trait PayloadExt {
    /// Decodes the payload as JSON.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`], with the start of the payload, when it is not the JSON of a `T`.
    ///
    /// ```
    /// use centrifugo_api::{PayloadExt as _, Publication};
    ///
    /// # fn main() -> Result<(), centrifugo_api::Error> {
    /// let mut publication = Publication::default();
    /// publication.data = r#"{"text":"hello"}"#.into();
    /// let value: serde_json::Value = publication.data.decode()?;
    /// assert_eq!(value["text"], "hello");
    /// # Ok(())
    /// # }
    /// ```
    fn decode<T: DeserializeOwned>(&self) -> Result<T, Error>;
}

impl PayloadExt for Bytes {
    fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(self).map_err(|source| Error::Decode {
            method: None,
            message: format!("the payload `{}` does not fit the type asked for", excerpt(self)),
            source: Some(source.into()),
        })
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<&[u8]> for Payload {
    fn from(bytes: &[u8]) -> Self {
        Self(Bytes::copy_from_slice(bytes))
    }
}

impl<const N: usize> From<&[u8; N]> for Payload {
    fn from(bytes: &[u8; N]) -> Self {
        Self(Bytes::copy_from_slice(bytes))
    }
}

impl From<String> for Payload {
    fn from(json: String) -> Self {
        Self(json.into())
    }
}

impl From<&str> for Payload {
    fn from(json: &str) -> Self {
        Self(Bytes::copy_from_slice(json.as_bytes()))
    }
}

impl From<Value> for Payload {
    fn from(value: Value) -> Self {
        Self(value.to_string().into())
    }
}

impl From<&Value> for Payload {
    fn from(value: &Value) -> Self {
        Self(value.to_string().into())
    }
}

impl From<Box<RawValue>> for Payload {
    fn from(json: Box<RawValue>) -> Self {
        Self(String::from(Box::<str>::from(json)).into())
    }
}

/// The form in which Centrifugo takes binary payloads, whatever the transport.
pub(crate) fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

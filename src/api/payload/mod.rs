#[cfg(test)]
mod fuzz;

use base64::Engine as _;
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::Error;
use crate::error::{cause, excerpt};

/// What a publication or another `bytes` field carries: JSON text over HTTP, any bytes over gRPC.
///
/// Requests take `impl Into<Payload>`. Strings and bytes are taken as they are: `"{\"n\":1}"` is an object,
/// while the text *hello* is the JSON string `"\"hello\""`, which [`json("hello")`](json) writes.
/// Centrifugo refuses an empty payload in most methods; `null`, `""` and `{}` are not empty.
///
/// `Bytes`, `Vec<u8>` and `String` are taken without copying, and from 64 KiB on a request's payload is sent from there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payload {
    bytes: Bytes,
    /// Whether the bytes go as base64 where the field has a twin for that.
    binary: bool,
}

impl Payload {
    /// Gives the bytes, without copying.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// What goes into a payload's field, and what into its `b64…` twin.
    pub(crate) fn into_twins(self) -> (Bytes, String) {
        match self.binary {
            true => (Bytes::new(), base64(&self.bytes)),
            false => (self.bytes, String::new()),
        }
    }
}

/// Makes a payload of any bytes, which need not be JSON.
///
/// In a field with a twin for it, such as `data` with `b64data`, it travels as base64, over both transports, and
/// Centrifugo decodes it. In one without it travels as it is, which only gRPC can carry.
///
/// ```
/// use centrifugo_api::{PublishRequest, binary};
///
/// let request = PublishRequest::new("pixels", binary(&[0xff, 0x00]));
/// assert_eq!(request.b64data, "/wA=");
/// ```
#[must_use]
pub fn binary(bytes: impl Into<Payload>) -> Payload {
    Payload {
        binary: true,
        ..bytes.into()
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
        Ok(json) => Ok(Payload::from(json)),
        Err(error) => Err(Error::InvalidRequest(format!(
            "a payload has no JSON form: {error}"
        ))),
    }
}

/// Reads the payloads of replies.
pub trait PayloadExt {
    /// Decodes the payload as JSON. An empty one, which is how an absent one looks, is read as `null`.
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
        let json: &[u8] = if self.is_empty() { b"null" } else { self };
        serde_json::from_slice(json).map_err(|source| undecodable::<T>(self, source))
    }
}

/// Names the field, at the price of a second try.
fn undecodable<T: DeserializeOwned>(payload: &Bytes, source: serde_json::Error) -> Error {
    let mut reader = serde_json::Deserializer::from_slice(payload);
    let place = match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Err(error) if error.path().iter().len() > 0 => {
            format!(
                " at its field `{}`",
                excerpt(error.path().to_string().as_bytes())
            )
        }
        _ => String::new(),
    };
    let what = match payload.is_empty() {
        true => "the payload is empty".to_owned(),
        false => format!(
            "the payload `{}` does not fit the type asked for{place}",
            excerpt(payload)
        ),
    };
    Error::Decode {
        method: None,
        message: what,
        source: Some(cause(source)),
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self {
            bytes,
            binary: false,
        }
    }
}

macro_rules! payload_from {
    ($(<$(const $n:ident: usize)?> $ty:ty, $value:ident => $bytes:expr;)*) => {$(
        impl<$(const $n: usize)?> From<$ty> for Payload {
            fn from($value: $ty) -> Self {
                Self::from(Bytes::from($bytes))
            }
        }
    )*};
}

payload_from! {
    <> Vec<u8>, bytes => bytes;
    <> &Vec<u8>, bytes => bytes.clone();
    <> &[u8], bytes => bytes.to_vec();
    <const N: usize> &[u8; N], bytes => bytes.to_vec();
    <const N: usize> [u8; N], bytes => bytes.to_vec();
    <> String, json => json;
    <> &String, json => json.clone();
    <> &str, json => json.to_owned();
    <> Value, value => value.to_string();
    <> &Value, value => value.to_string();
    <> Box<RawValue>, json => String::from(Box::<str>::from(json));
    <> &RawValue, json => json.get().to_owned();
}

/// The form in which Centrifugo takes binary payloads, whatever the transport.
pub(crate) fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// What is wrong with a payload whose `b64…` twin is set too.
pub(crate) fn set_twice(path: &str) -> String {
    format!("`{path}` is set twice, as it is and as base64: leave one of the two empty")
}

//! Payloads: what a publication or another `bytes` field carries.

use base64::Engine as _;
use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;

use super::method::InvalidRequest;

/// The content of a publication or of another `bytes` field: JSON text, or any bytes from [`binary`].
///
/// Over both transports the client refuses a payload that is not JSON and does not come from [`binary`]: Centrifugo
/// would end the connection of each subscriber that uses JSON, with code 3506.
///
/// Requests take any [`IntoPayload`]. Strings and bytes are sent as they are: `"{\"n\":1}"` is an object, while the
/// text *hello* is the JSON string `"\"hello\""`, which [`json("hello")`](crate::json) writes. Centrifugo refuses an
/// empty payload in most channels; `null`, `""` and `{}` are not empty.
///
/// `Bytes`, `Vec<u8>` and `String` are taken without copying. Payloads of 64 KiB and more are sent without being
/// copied, except those from [`binary`], which a request keeps as base64.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payload {
    bytes: Bytes,
    /// True if the bytes go, as base64, into the twin of the field, if it has one.
    binary: bool,
}

impl Payload {
    /// Returns the bytes, without copying.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// Returns whether the payload comes from [`binary`], so that it need not be JSON.
    #[must_use]
    pub fn is_binary(&self) -> bool {
        self.binary
    }
}

/// A value that can be a payload: strings, bytes, `serde_json::Value`, `RawValue`, and every type that
/// converts into [`Payload`].
///
/// [`json`](crate::json) makes payloads of other values:
///
/// ```compile_fail,E0277
/// use centrifugo_api::PublishRequest;
///
/// struct Message {
///     text: String,
/// }
///
/// let message = Message { text: "hello".to_owned() };
/// let request = PublishRequest::new("news", message); // error: `Message` is not a payload
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a payload",
    label = "not a payload",
    note = "write `json(&value)?` to make JSON of a value that serde serializes, or `binary(bytes)` for bytes that are \
            not JSON"
)]
pub trait IntoPayload {
    /// Returns the payload.
    fn into_payload(self) -> Payload;
}

#[diagnostic::do_not_recommend]
impl<T: Into<Payload>> IntoPayload for T {
    fn into_payload(self) -> Payload {
        self.into()
    }
}

/// Returns a payload of any bytes, which need not be JSON.
///
/// A request keeps it as base64 in the twin of its field, such as `b64data` of `data`. Over HTTP it is sent so, and
/// Centrifugo decodes it; over gRPC the bytes themselves are sent in the field. A field without a twin, such as `info`
/// of `refresh`, has the payload as it is, which must be JSON; only `params` of `rpc` may be any bytes, over gRPC.
///
/// Publish bytes that are not JSON only into channels whose subscribers all use Centrifugo's protobuf protocol:
/// Centrifugo ends the connections of those that use JSON, with code 3506, after which they do not reconnect.
///
/// ```
/// use centrifugo_api::{PublishRequest, binary};
///
/// let request = PublishRequest::new("pixels", binary(&[0xff, 0x00]));
/// assert_eq!(request.b64data, "/wA=");
/// ```
#[must_use]
pub fn binary(bytes: impl IntoPayload) -> Payload {
    Payload {
        binary: true,
        ..bytes.into_payload()
    }
}

/// Returns the values of a payload's field and of its `b64…` twin.
pub fn twins(payload: impl IntoPayload) -> (Bytes, String) {
    let Payload { bytes, binary } = payload.into_payload();
    if binary {
        let text = base64::engine::general_purpose::STANDARD.encode(&bytes);
        (Bytes::new(), text)
    } else {
        (bytes, String::new())
    }
}

/// Checks that a payload is JSON, or empty.
pub(crate) fn check_json(field: &str, payload: &Bytes) -> Result<(), InvalidRequest> {
    if payload.is_empty() {
        return Ok(());
    }
    match serde_json::from_slice::<&RawValue>(payload) {
        Ok(_) => Ok(()),
        Err(error) => Err(InvalidRequest::not_json(field.to_owned(), &error)),
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

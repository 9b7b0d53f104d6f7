//! The messages of Centrifugo's server API, as the schema defines them.
//!
//! Every message has public fields, a setter per field, and a `new` that takes what Centrifugo requires. Messages are
//! `#[non_exhaustive]`: build them with `new` or `default`, since a newer schema may add fields. A field of type
//! [`Bytes`](bytes::Bytes) is a payload: JSON text; [`binary`](crate::binary) and `b64…` fields carry other bytes.

// No module of a schema has a name that begins so.
#[doc(hidden)]
pub mod _generated;
pub(crate) mod json;
pub(crate) mod messages;
pub(crate) mod method;
pub(crate) mod payload;
pub(crate) mod user;
pub(crate) mod wire;

pub use messages::*;

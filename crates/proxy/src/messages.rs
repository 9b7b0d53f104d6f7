//! The messages of Centrifugo's proxy protocol, as the schema defines them.
//!
//! Every message has public fields, a setter per field, and a `new`. Messages are `#[non_exhaustive]`: build them with
//! `new` or `default`, since a newer schema may add fields. A field of type [`Bytes`](bytes::Bytes) is a payload: JSON
//! text; `b64…` fields carry other bytes. Messages that the server API has too are those of `centrifugo_api`.

#![allow(
    clippy::all,
    clippy::pedantic,
    dead_code,
    deprecated,
    missing_docs,
    rustdoc::bare_urls,
    rustdoc::broken_intra_doc_links,
    rustdoc::invalid_html_tags,
    unreachable_pub
)]

include!(concat!(env!("OUT_DIR"), "/proxy.rs"));

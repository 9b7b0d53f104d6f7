//! The messages of Centrifugo's server API, as the schema has them.
//!
//! Requests have public fields, a `new` with what Centrifugo requires and a setter a field. They are
//! `#[non_exhaustive]`: build them with `new` or `default`, since a newer schema may add fields.
//! A field of type [`Bytes`](bytes::Bytes) is a payload: JSON text over HTTP, any bytes over gRPC.

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

include!(concat!(env!("OUT_DIR"), "/api.rs"));

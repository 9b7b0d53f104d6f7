//! The generated messages: prost's structs, their JSON, constructors and setters.

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

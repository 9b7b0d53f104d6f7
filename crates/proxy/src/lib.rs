//! Answers Centrifugo's proxy requests.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod api;
pub mod messages;

#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod api;
mod batch;
mod broadcast;
#[cfg(any(feature = "grpc", feature = "http"))]
mod builder;
#[cfg(any(feature = "grpc", feature = "http"))]
mod client;
mod error;
mod json;
mod method;
mod payload;
mod status;
#[cfg(any(feature = "grpc", feature = "http"))]
mod target;
#[cfg(feature = "tls")]
mod tls;
#[cfg(any(feature = "grpc", feature = "http"))]
mod transport;

pub use api::Error as ApiError;
#[doc(no_inline)]
pub use api::*;
#[cfg(any(feature = "grpc", feature = "http"))]
pub use builder::ClientBuilder;
pub use bytes;
#[cfg(any(feature = "grpc", feature = "http"))]
pub use client::Client;
pub use error::Error;
pub use method::Method;
pub use payload::{Payload, PayloadExt, json};
pub use prost;
pub use status::Status;

//! Backends over the network: HTTP and gRPC.

#[cfg(feature = "grpc")]
mod grpc;
mod http;

#[cfg(feature = "grpc")]
pub(crate) use grpc::GrpcBackend;
pub(crate) use http::HttpBackend;

//! The gRPC status codes that the server uses.

pub(super) const UNKNOWN: i32 = 2;
pub(super) const INVALID_ARGUMENT: i32 = 3;
pub(super) const NOT_FOUND: i32 = 5;
pub(super) const ALREADY_EXISTS: i32 = 6;
pub(super) const RESOURCE_EXHAUSTED: i32 = 8;
pub(super) const OUT_OF_RANGE: i32 = 11;
pub(super) const UNIMPLEMENTED: i32 = 12;
pub(super) const INTERNAL: i32 = 13;
pub(super) const UNAUTHENTICATED: i32 = 16;

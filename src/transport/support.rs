//! The helpers of the tests in `tests/` that tests of transports use too.

#[cfg(feature = "_tls")]
#[path = "../../tests/support/authority.rs"]
pub(super) mod authority;
#[cfg(target_os = "linux")]
#[path = "../../tests/support/blackhole.rs"]
pub(super) mod blackhole;
#[path = "../../tests/support/closed_port.rs"]
pub(super) mod closed_port;
#[path = "../../tests/support/front.rs"]
pub(super) mod front;

//! The legacy command endpoint: of a current Centrifugo, and of 3.2.3, which has no other.

mod servers;
mod wire;

//! An embedded Centrifugo: tests that publish and read back, without a server to install.
mod api;
mod builder;
mod clock;
mod configuration;
mod connection;
mod faults;
mod glob;
mod json;
mod namespace;
mod recorder;
mod scripts;
mod server;
mod state;
mod wire;

pub use api::Served;
pub use builder::ServerBuilder;
pub use connection::{Connection, Event, User};
pub use faults::Fault;
pub use namespace::{DataFormat, Namespace};
pub use recorder::{Endpoint, Recorded};
pub use server::Server;
pub use state::map::MapOptions;

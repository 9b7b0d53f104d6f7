//! A client that is told each command of the JSON protocol: for what the SDK lacks, and for what it hides.

mod embedded;
mod real;

use serde_json::Value;

pub(super) use embedded::Translating;
pub(super) use real::Speaking;

use super::event::Event;

pub(crate) enum RawClient {
    Real(Box<Speaking>),
    Embedded(Box<Translating>),
}

impl RawClient {
    /// Sends a command, and returns its result.
    pub(crate) async fn call(&mut self, method: &str, parameters: Value) -> Result<Value, Event> {
        match self {
            Self::Real(client) => client.call(method, parameters).await,
            Self::Embedded(client) => client.call(method, &parameters).await,
        }
    }

    /// Sends a command that must succeed, and returns its result.
    pub(crate) async fn expect(&mut self, method: &str, parameters: Value) -> Value {
        let result = self.call(method, parameters).await;
        result.unwrap_or_else(|event| panic!("{method}: {event}"))
    }

    /// Waits for the next push. The error is the end of the connection.
    pub(crate) async fn push(&mut self) -> Result<Value, Event> {
        match self {
            Self::Real(client) => client.push().await,
            Self::Embedded(client) => client.push().await,
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        match self {
            Self::Real(client) => client.is_connected(),
            Self::Embedded(client) => client.is_connected(),
        }
    }
}

//! The common part of the examples: the server that the environment names, and errors in words.

use std::env;
use std::error::Error;
use std::fmt;

use centrifugo_api::ClientBuilder;

/// Returns the builder of a client, from `CENTRIFUGO_URL`, `CENTRIFUGO_API_KEY` and so on, or for the
/// embedded server.
pub(crate) fn builder() -> Result<ClientBuilder, Report> {
    if env::var_os("CENTRIFUGO_URL").is_none() {
        return embedded();
    }
    Ok(ClientBuilder::from_env()?)
}

fn embedded() -> Result<ClientBuilder, Report> {
    use centrifugo_api_testing::Server;

    static SERVER: std::sync::OnceLock<Server> = std::sync::OnceLock::new();
    println!(
        "On the embedded server; set CENTRIFUGO_URL and CENTRIFUGO_API_KEY to use a real Centrifugo."
    );
    let server = Server::start()?;
    Ok(SERVER.get_or_init(|| server).client_builder())
}

/// Returns the URL of a node that is down, with the transport of `CENTRIFUGO_URL`.
#[allow(dead_code)]
pub(crate) fn closed_node() -> &'static str {
    match env::var("CENTRIFUGO_URL") {
        Ok(url) if url.starts_with("grpc") => "grpc://127.0.0.1:1",
        _ => "http://127.0.0.1:1/api",
    }
}

/// Returns a channel for this example, derived from `CENTRIFUGO_CHANNEL`.
pub(crate) fn channel() -> String {
    let channel = env::var("CENTRIFUGO_CHANNEL").unwrap_or_else(|_| "examples".to_owned());
    format!("{channel}-{}", env!("CARGO_BIN_NAME"))
}

/// The error of an example's `main`: any error, shown with its causes.
pub(crate) struct Report(Box<dyn Error>);

impl<E: Into<Box<dyn Error>>> From<E> for Report {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(formatter, "\n  because: {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

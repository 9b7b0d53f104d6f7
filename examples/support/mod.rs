//! What the examples share: the server that the environment names, and errors in words.

use std::env;
use std::error::Error;
use std::fmt;

use centrifugo_api::{Client, ClientBuilder};

/// A client's configuration, from `CENTRIFUGO_URL` and `CENTRIFUGO_API_KEY`, or for the embedded server.
pub(crate) fn builder() -> Result<ClientBuilder, Report> {
    let Ok(url) = env::var("CENTRIFUGO_URL") else { return embedded() };
    let builder = Client::builder(url);
    Ok(match env::var("CENTRIFUGO_API_KEY") {
        Ok(key) => builder.api_key(key),
        Err(_) => builder,
    })
}

#[cfg(feature = "testing")]
fn embedded() -> Result<ClientBuilder, Report> {
    use centrifugo_api::testing::Server;

    static SERVER: std::sync::OnceLock<Server> = std::sync::OnceLock::new();
    println!("On the embedded server; set CENTRIFUGO_URL and CENTRIFUGO_API_KEY to use a real Centrifugo.");
    let server = Server::start()?;
    Ok(SERVER.get_or_init(|| server).client_builder())
}

#[cfg(not(feature = "testing"))]
fn embedded() -> Result<ClientBuilder, Report> {
    Err(HOW_TO_GET_A_SERVER.into())
}

/// A channel of the example's own, beside `CENTRIFUGO_CHANNEL`.
pub(crate) fn channel() -> String {
    let channel = env::var("CENTRIFUGO_CHANNEL").unwrap_or_else(|_| "examples".to_owned());
    format!("{channel}-{}", env!("CARGO_BIN_NAME"))
}

/// What an example's `main` answers: any error, shown with its causes.
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

#[cfg(not(feature = "testing"))]
const HOW_TO_GET_A_SERVER: &str = concat!(
    "\
CENTRIFUGO_URL is not set: this example talks to a running Centrifugo, or to the embedded one.

With nothing but cargo, on the embedded server:
  cargo run --all-features --example ",
    env!("CARGO_BIN_NAME"),
    "
With Docker:
  docker run --rm -p 8000:8000 -e CENTRIFUGO_HTTP_API_KEY=secret \\
    -e CENTRIFUGO_CHANNEL_WITHOUT_NAMESPACE_HISTORY_SIZE=100 \\
    -e CENTRIFUGO_CHANNEL_WITHOUT_NAMESPACE_HISTORY_TTL=300s \\
    -e CENTRIFUGO_CHANNEL_WITHOUT_NAMESPACE_PRESENCE=true centrifugo/centrifugo:v6 centrifugo
  CENTRIFUGO_URL=http://localhost:8000/api CENTRIFUGO_API_KEY=secret cargo run --all-features --example ",
    env!("CARGO_BIN_NAME"),
    "
With Go 1.26, in a clone of this repository, which builds a server once and starts it for one command:
  tests/centrifugo/with-server cargo run --all-features --example ",
    env!("CARGO_BIN_NAME"),
);

//! The common part of the examples: a server with its client, users who see the effect, and errors in words.

#![allow(dead_code)] // each example uses a part of it

use std::env;
use std::error::Error;
use std::fmt;

use centrifugo_api::{Client, ClientBuilder};
use centrifugo_api_testing::{Connection, Event, Server, User};

/// Returns a client of the server that `CENTRIFUGO_URL` and `CENTRIFUGO_API_KEY` name, or else an
/// embedded server and its client.
pub(crate) fn start() -> Result<(Client, Option<Server>), Report> {
    let (builder, server) = builder()?;
    Ok((builder.build()?, server))
}

/// Returns the builder of such a client.
pub(crate) fn builder() -> Result<(ClientBuilder, Option<Server>), Report> {
    if env::var_os("CENTRIFUGO_URL").is_some() {
        return Ok((ClientBuilder::from_env()?, None));
    }
    println!("On the embedded server; CENTRIFUGO_URL and CENTRIFUGO_API_KEY name a real one.\n");
    let server = Server::start()?;
    Ok((server.client_builder(), Some(server)))
}

/// Returns the port that the first argument names, if there is one.
pub(crate) fn port() -> Result<Option<u16>, std::num::ParseIntError> {
    let argument = env::args().nth(1);
    argument.map(|port| port.parse()).transpose()
}

/// Returns the URL of a node that is down, with the transport of `CENTRIFUGO_URL`.
pub(crate) fn closed_node() -> &'static str {
    match env::var("CENTRIFUGO_URL") {
        Ok(url) if url.starts_with("grpc") => "grpc://127.0.0.1:1",
        _ => "http://127.0.0.1:1/api",
    }
}

/// Returns a channel, with `CENTRIFUGO_CHANNEL` in front of its name if that is set.
pub(crate) fn channel(name: &str) -> String {
    match env::var("CENTRIFUGO_CHANNEL") {
        Ok(channel) => format!("{channel}-{name}"),
        Err(_) => name.to_owned(),
    }
}

/// A user who is connected to the embedded server, and subscribed to a channel. A real server has users of its own.
pub(crate) struct Viewer(Option<Connection>);

impl Viewer {
    pub(crate) fn new(
        user: impl Into<User>,
        server: &Option<Server>,
        channel: &str,
    ) -> Result<Self, centrifugo_api::Error> {
        let connection = server.as_ref().map(|server| server.connect(user));
        if let Some(connection) = &connection {
            connection.subscribe(channel)?;
        }
        Ok(Self(connection))
    }

    /// Prints what the user has received since the last time.
    pub(crate) fn print_received(&mut self) {
        if let Some(connection) = &mut self.0 {
            let user = connection.user().to_owned();
            print_events(&user, || connection.try_next());
        }
    }
}

/// Prints the events of a user, but for the news that the user is there.
pub(crate) fn print_events(user: &str, mut next: impl FnMut() -> Option<Event>) {
    while let Some(event) = next() {
        if !matches!(&event, Event::Joined { info, .. } | Event::Left { info, .. } if info.user == user)
        {
            println!("  {user} {}", in_words(&event));
        }
    }
}

/// Returns what has happened to a user.
pub(crate) fn in_words(event: &Event) -> String {
    match event {
        Event::Publication { publication, .. } => match std::str::from_utf8(&publication.data) {
            Ok(text) => format!("received {text}"),
            Err(_) => format!("received the bytes {:02x?}", &publication.data[..]),
        },
        Event::Polled { key, data, .. } => {
            format!("received {key}: {}", String::from_utf8_lossy(data))
        }
        Event::Joined { info, .. } => format!("saw {} join", info.user),
        Event::Left { info, .. } => format!("saw {} leave", info.user),
        Event::Subscribed { channel, .. } => format!("was subscribed to {channel:?}"),
        Event::Unsubscribed { code, reason, .. } => {
            format!("was unsubscribed: {code}, {reason:?}")
        }
        Event::Disconnected { code, reason, .. } => {
            format!("was disconnected: {code}, {reason:?}")
        }
        event => format!("saw {event:?}"),
    }
}

/// The error of an example's `main`: any error, shown with its causes.
pub(crate) struct Report(Box<dyn Error + Send + Sync>);

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Report {
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

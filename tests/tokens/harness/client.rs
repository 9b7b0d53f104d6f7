//! A client that is real or played by the embedded server.

use centrifugo_api::Error;
use centrifugo_api_testing::Connection;

use super::real;

/// An event of a client.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    /// The server has subscribed the client.
    Subscribed {
        channel: String,
        data: String,
        recoverable: bool,
        positioned: bool,
    },
    Joined {
        channel: String,
        client: String,
    },
    Left {
        client: String,
        conn_info: String,
        chan_info: String,
    },
    /// The server has ended a subscription, perhaps for a moment.
    Unsubscribed(u32),
    /// The connection has ended, perhaps for a moment.
    Disconnected(u32),
}

pub(crate) enum Client {
    Real(real::Client),
    Embedded(Connection),
}

impl Client {
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Real(client) => client.id(),
            Self::Embedded(connection) => connection.id(),
        }
    }

    /// Subscribes without a token. The error is the code that the client gets.
    pub(crate) async fn subscribe(&mut self, channel: &str) -> Result<(), u32> {
        match self {
            Self::Real(client) => client.subscribe(channel, "", None).await.map(drop),
            Self::Embedded(connection) => connection.subscribe(channel).map_err(code),
        }
    }

    /// Subscribes with a token, and returns its data. The error is the code that the client gets.
    pub(crate) async fn subscribe_with(
        &mut self,
        channel: &str,
        token: &str,
    ) -> Result<String, u32> {
        match self {
            Self::Real(client) => client.subscribe(channel, token, None).await,
            Self::Embedded(connection) => {
                let data = connection.subscribe_with_token(channel, token);
                data.map(|data| text(&data)).map_err(code)
            }
        }
    }

    /// Subscribes with a token, and refreshes the subscription with the next one, which must expire soon.
    pub(crate) async fn refresh_subscription(
        &mut self,
        channel: &str,
        token: &str,
        next: &str,
    ) -> Result<(), u32> {
        match self {
            Self::Real(client) => {
                client.subscribe(channel, token, Some(next)).await?;
                client.refreshed().await
            }
            Self::Embedded(connection) => {
                connection
                    .subscribe_with_token(channel, token)
                    .map_err(code)?;
                connection.refresh_subscription(channel, next).map_err(code)
            }
        }
    }

    /// Waits for the next event that the tests know.
    pub(crate) async fn next(&mut self) -> Event {
        let events = async {
            match self {
                Self::Real(client) => client.event().await,
                Self::Embedded(connection) => loop {
                    let event = connection.next().await.expect("the connection goes on");
                    if let Some(event) = known(event) {
                        return event;
                    }
                },
            }
        };
        let event = tokio::time::timeout(super::DEADLINE, events).await;
        event.expect("an event comes in time")
    }
}

fn known(event: centrifugo_api_testing::Event) -> Option<Event> {
    use centrifugo_api_testing::Event as Embedded;
    Some(match event {
        Embedded::Subscribed {
            channel,
            data,
            recoverable,
            positioned,
            ..
        } => Event::Subscribed {
            channel,
            data: text(&data),
            recoverable,
            positioned,
        },
        Embedded::Joined { channel, info, .. } => Event::Joined {
            channel,
            client: info.client,
        },
        Embedded::Left { info, .. } => Event::Left {
            client: info.client,
            conn_info: text(&info.conn_info),
            chan_info: text(&info.chan_info),
        },
        Embedded::Unsubscribed { code, .. } => Event::Unsubscribed(code),
        Embedded::Disconnected { code, .. } => Event::Disconnected(code),
        _ => return None,
    })
}

/// Returns the code of an error of the embedded server.
#[track_caller]
pub(super) fn code(error: Error) -> u32 {
    error.api_code().unwrap_or_else(|| panic!("{error}"))
}

/// Returns a payload as text.
pub(super) fn text(payload: &[u8]) -> String {
    String::from_utf8(payload.to_vec()).expect("the payload is text")
}

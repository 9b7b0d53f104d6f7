//! A client of the embedded server. The events of a call have arrived when the call returns.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use centrifugo_api::{ClientInfo, Error};
use centrifugo_api_testing::{Event, Server, User};

use crate::observed_events::{Events, Info, ObservedEvent, Publication};

pub(crate) struct EmbeddedConnection {
    connection: centrifugo_api_testing::Connection,
    is_over: bool,
    events: Events,
}

impl EmbeddedConnection {
    pub(crate) fn open(server: &Server, user: &str, info: Option<&str>, events: Events) -> Self {
        let user = User::new(user).info(info.unwrap_or_default()).protobuf();
        Self {
            connection: server.connect(user),
            is_over: false,
            events,
        }
    }

    pub(crate) fn id(&self) -> &str {
        self.connection.id()
    }

    pub(crate) fn subscribe(&mut self, channel: &str) -> Result<(), String> {
        self.catch_up();
        if self.is_over {
            return Err("disconnected".to_owned());
        }
        self.connection
            .subscribe(channel)
            .map_err(|error| match error {
                Error::Api(error) => format!("{}: {}", error.code, error.message),
                error => error.to_string(),
            })
    }

    pub(crate) fn unsubscribe(&mut self, channel: &str) -> Result<(), String> {
        self.catch_up();
        if self.is_over {
            return Err("disconnected".to_owned());
        }
        self.connection.unsubscribe(channel);
        Ok(())
    }

    pub(crate) fn catch_up(&mut self) {
        while let Some(event) = self.connection.try_next() {
            self.is_over |= matches!(event, Event::Disconnected { .. });
            self.events.push(event.into());
        }
    }
}

impl From<ClientInfo> for Info {
    fn from(
        ClientInfo {
            user,
            client,
            conn_info,
            chan_info,
            ..
        }: ClientInfo,
    ) -> Self {
        Self {
            user,
            client,
            conn_info,
            chan_info,
        }
    }
}

impl From<Event> for ObservedEvent {
    fn from(event: Event) -> Self {
        match event {
            Event::Publication {
                channel,
                publication,
                ..
            } => Self::Publication(shown(channel, String::new(), false, publication)),
            Event::Changed {
                channel,
                key,
                removed,
                publication,
                ..
            } => Self::Publication(shown(channel, key, removed, publication)),
            Event::Joined { channel, info, .. } => Self::Join {
                channel,
                info: info.into(),
            },
            Event::Left { channel, info, .. } => Self::Leave {
                channel,
                info: info.into(),
            },
            Event::Subscribed {
                channel,
                data,
                recoverable,
                positioned,
                offset,
                epoch,
                ..
            } => Self::Subscribed {
                channel,
                recoverable,
                positioned,
                offset,
                epoch,
                data,
            },
            Event::Unsubscribed {
                channel,
                code,
                reason,
                ..
            } => Self::Unsubscribed {
                channel,
                code,
                reason,
            },
            Event::Refreshed { expires, .. } => {
                let now = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default();
                let later =
                    |at: i64| u64::try_from(at).is_ok_and(|at| Duration::from_secs(at) > now);
                Self::Refreshed {
                    expires: expires.is_some(),
                    later: expires.is_some_and(later),
                }
            }
            Event::Disconnected { code, reason, .. } => Self::Disconnected { code, reason },
            event => Self::Other(format!("{event:?}")),
        }
    }
}

fn shown(
    channel: String,
    key: String,
    removed: bool,
    publication: centrifugo_api::Publication,
) -> Publication {
    let centrifugo_api::Publication {
        offset,
        data,
        tags,
        info,
        ..
    } = publication;
    Publication {
        channel,
        offset,
        data,
        tags,
        info: info.map(Info::from),
        key,
        removed,
    }
}

//! Clients of the embedded server. The events of a call have arrived when the call returns, so
//! nothing waits.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use centrifugo_api::ClientInfo;
use centrifugo_api_testing::Server;

use super::{Event, Member, Protocol, Publication, Subscribed, User};
use crate::harness::Failure;

#[derive(Clone)]
pub(super) struct Client(Arc<Mutex<State>>);

struct State {
    connection: Option<centrifugo_api_testing::Connection>,
    is_connected: bool,
    /// The events in the subscriptions that the client made itself, by channel.
    own: HashMap<String, VecDeque<Event>>,
    /// All other events.
    other: VecDeque<Event>,
}

pub(super) struct Events {
    client: Client,
    /// The channel of a subscription that the client made itself.
    channel: Option<String>,
}

pub(super) fn open(
    server: &Server,
    user: Option<&User>,
    protocol: Protocol,
) -> (super::Client, super::Events) {
    let user = user.map_or(centrifugo_api_testing::User::new(""), |user| {
        centrifugo_api_testing::User::new(user.name).info(user.info)
    });
    let user = match protocol {
        Protocol::Json => user,
        Protocol::Protobuf => user.protobuf(),
    };
    let connection = server.connect(user);
    let state = State {
        other: VecDeque::from([Event::Connected {
            client: connection.id().to_owned(),
        }]),
        connection: Some(connection),
        is_connected: true,
        own: HashMap::new(),
    };
    let client = Client(Arc::new(Mutex::new(state)));
    let events = Events {
        client: client.clone(),
        channel: None,
    };
    (
        super::Client::Embedded(client),
        super::Events::Embedded(events),
    )
}

impl Client {
    /// Collects the events that have arrived.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(event) = state
            .connection
            .as_mut()
            .and_then(centrifugo_api_testing::Connection::try_next)
        {
            state.sort_in(event);
        }
        state
    }

    pub(super) fn subscribe(&self, channel: &str) -> Result<super::Events, Failure> {
        let mut state = self.state();
        state.connection()?.subscribe(channel)?;
        state.own.insert(channel.to_owned(), VecDeque::new());
        Ok(super::Events::Embedded(Events {
            client: self.clone(),
            channel: Some(channel.to_owned()),
        }))
    }

    pub(super) fn publish(&self, channel: &str, data: &'static str) -> Result<(), Failure> {
        self.state().connection()?.publish(channel, data)?;
        Ok(())
    }

    pub(super) fn is_connected(&self) -> bool {
        self.state().is_connected
    }

    pub(super) fn close(&self) {
        self.state().connection = None;
    }
}

impl State {
    fn connection(&self) -> Result<&centrifugo_api_testing::Connection, Failure> {
        self.connection
            .as_ref()
            .ok_or_else(|| "the client is closed".into())
    }

    fn sort_in(&mut self, event: centrifugo_api_testing::Event) {
        match event {
            centrifugo_api_testing::Event::Subscribed {
                channel,
                data,
                recoverable,
                positioned,
                ..
            } => {
                self.other.push_back(Event::Subscribed(Subscribed {
                    channel,
                    data,
                    recoverable,
                    positioned,
                }));
            }
            centrifugo_api_testing::Event::Unsubscribed {
                channel,
                code,
                reason,
                ..
            } => match self.own.get_mut(&channel) {
                Some(own) => own.push_back(Event::Ended { code, reason }),
                None => self.other.push_back(Event::Unsubscribed { channel }),
            },
            centrifugo_api_testing::Event::Publication {
                channel,
                publication: published,
                ..
            } => {
                self.push(&channel, Event::Publication(publication(published)));
            }
            centrifugo_api_testing::Event::Joined { channel, info, .. } => {
                self.push(&channel, Event::Joined(member(info)))
            }
            centrifugo_api_testing::Event::Left { channel, info, .. } => {
                self.push(&channel, Event::Left(member(info)))
            }
            centrifugo_api_testing::Event::Disconnected { code, reason, .. } => {
                self.is_connected = false;
                self.other.push_back(closed(code, reason));
            }
            _ => {}
        }
    }

    fn push(&mut self, channel: &str, event: Event) {
        self.own
            .get_mut(channel)
            .unwrap_or(&mut self.other)
            .push_back(event);
    }
}

impl Events {
    pub(super) fn next(&mut self) -> Option<Event> {
        let mut state = self.client.state();
        match &self.channel {
            Some(channel) => state.own.get_mut(channel)?.pop_front(),
            None => state.other.pop_front(),
        }
    }
}

/// Returns what a client makes of the end of a connection.
fn closed(code: u32, reason: String) -> Event {
    match code {
        // The connection was closed without a code.
        1006 => Event::Reconnecting {
            code: 1,
            reason: "transport closed".to_owned(),
        },
        3500..4000 | 4500..5000 => Event::Disconnected { code, reason },
        _ => Event::Reconnecting { code, reason },
    }
}

fn publication(publication: centrifugo_api::Publication) -> Publication {
    let centrifugo_api::Publication {
        offset,
        data,
        tags,
        info,
        ..
    } = publication;
    Publication {
        offset,
        data,
        tags,
        info: info.map(member),
    }
}

fn member(info: ClientInfo) -> Member {
    Member {
        client: info.client,
        chan_info: info.chan_info,
    }
}

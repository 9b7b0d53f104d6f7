//! Random sequences. There are few names, so that calls often have the same.

mod calls;
mod keyed;
mod names;
mod odd;
mod requests;

use crate::rng::Rng;
use crate::steps::{Action, Step};

/// The most steps in a sequence.
const STEPS: usize = 28;
const CONNECTIONS: usize = 4;

/// Returns the sequence of a seed.
pub(crate) fn sequence(seed: u64) -> Vec<Step> {
    let mut generator = Generator::new(seed);
    let length = STEPS / 2 + generator.rng.below(STEPS / 2 + 1);
    (0..length)
        .map(|id| {
            let action = generator.action(id);
            Step { id, action }
        })
        .collect()
}

/// The topic of most calls of a sequence.
#[derive(Clone, Copy, PartialEq)]
enum Theme {
    Streams,
    Maps,
    Users,
    All,
}

struct Generator {
    rng: Rng,
    theme: Theme,
    /// The channels of most calls of the sequence.
    streams: Vec<String>,
    maps: Vec<String>,
    /// The connections that no step has closed.
    connections: Vec<usize>,
    /// All connections.
    has_connected: Vec<usize>,
    /// Steps whose reply has a position of the channel.
    positions: Vec<(usize, String)>,
    /// Steps whose reply may have a cursor of the channel.
    cursors: Vec<(usize, String)>,
    /// The step of the current call.
    id: usize,
}

impl Generator {
    fn new(seed: u64) -> Self {
        let mut generator = Self {
            rng: Rng::new(seed),
            theme: Theme::All,
            streams: Vec::new(),
            maps: Vec::new(),
            connections: Vec::new(),
            has_connected: Vec::new(),
            positions: Vec::new(),
            cursors: Vec::new(),
            id: 0,
        };
        generator.theme =
            generator
                .rng
                .pick(&[Theme::Streams, Theme::Maps, Theme::Users, Theme::All]);
        let streams = if generator.theme == Theme::Streams {
            1
        } else {
            2
        };
        generator.streams = (0..streams)
            .map(|_| generator.any_channel_of(names::Kind::Stream))
            .collect();
        generator.maps = vec![generator.any_channel_of(names::Kind::Map)];
        generator
    }

    fn action(&mut self, id: usize) -> Action {
        self.id = id;
        let end = if self.theme == Theme::Users { 60 } else { 100 };
        match self.rng.below(end) {
            // Most sequences have a listener from the beginning.
            _ if id < 2 && self.rng.chance(50) => self.connect(),
            0..6 if self.connections.len() < CONNECTIONS => self.connect(),
            6..14 if !self.connections.is_empty() => {
                let connection = self.rng.pick(&self.connections);
                let channel = self.client_channel();
                Action::Subscribe {
                    connection,
                    channel,
                }
            }
            14..17 if !self.connections.is_empty() => {
                let connection = self.rng.pick(&self.connections);
                let channel = self.client_channel();
                Action::Unsubscribe {
                    connection,
                    channel,
                }
            }
            17..19 if !self.connections.is_empty() => {
                let index = self.rng.below(self.connections.len());
                Action::Close {
                    connection: self.connections.swap_remove(index),
                }
            }
            _ => self.call(),
        }
    }

    fn connect(&mut self) -> Action {
        self.connections.push(self.id);
        self.has_connected.push(self.id);
        let user = self.user();
        let infos = [
            None,
            Some(r#"{"name":"Alice"}"#),
            Some(r#""text""#),
            Some("7"),
            Some(r#"{ "a" : [] }"#),
        ];
        let info = if user.is_empty() {
            None
        } else {
            self.rng.pick(&infos).map(str::to_owned)
        };
        Action::Connect { user, info }
    }
}

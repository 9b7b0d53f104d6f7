//! Random sequences. Names are few, so that calls meet.

mod calls;
mod names;
mod odd;
mod requests;

use crate::rng::Rng;
use crate::steps::{Action, Step};

/// How many steps a sequence has at most.
const STEPS: usize = 24;
const CONNECTIONS: usize = 4;

/// The sequence of the seed.
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

struct Generator {
    rng: Rng,
    /// The connections made so far that were not closed by a step.
    connections: Vec<usize>,
    /// Whether there were any.
    has_connected: Vec<usize>,
    /// Steps that answer a position of the channel.
    positions: Vec<(usize, String)>,
    /// Steps that may answer a cursor of the channel.
    cursors: Vec<(usize, String)>,
    /// The call that is being made.
    id: usize,
}

impl Generator {
    fn new(seed: u64) -> Self {
        Self {
            rng: Rng::new(seed),
            connections: Vec::new(),
            has_connected: Vec::new(),
            positions: Vec::new(),
            cursors: Vec::new(),
            id: 0,
        }
    }

    fn action(&mut self, id: usize) -> Action {
        self.id = id;
        match self.rng.below(100) {
            // Most sequences have somebody who listens from the beginning.
            _ if id == 0 && self.rng.chance(60) => self.connect(),
            0..6 if self.connections.len() < CONNECTIONS => self.connect(),
            6..14 if !self.connections.is_empty() => {
                let (connection, channel) = (self.rng.pick(&self.connections), self.client_channel());
                Action::Subscribe { connection, channel }
            }
            14..17 if !self.connections.is_empty() => {
                let (connection, channel) = (self.rng.pick(&self.connections), self.client_channel());
                Action::Unsubscribe { connection, channel }
            }
            17..19 if !self.connections.is_empty() => {
                let index = self.rng.below(self.connections.len());
                Action::Close { connection: self.connections.swap_remove(index) }
            }
            _ => self.call(),
        }
    }

    fn connect(&mut self) -> Action {
        self.connections.push(self.id);
        self.has_connected.push(self.id);
        let user = self.user();
        let infos =
            [None, Some(r#"{"name":"Alice"}"#), Some(r#""text""#), Some("7"), Some(r#"{ "a" : [] }"#)];
        let info = if user.is_empty() { None } else { self.rng.pick(&infos).map(str::to_owned) };
        Action::Connect { user, info }
    }
}

//! The faults of a round: which, when, and for how long, all from its seed.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::faulty_relay::{self, FaultyRelay, Way};
use crate::rng::Rng;
use crate::server::Server;

/// A fault of a node or of the way to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    Network(faulty_relay::Fault),
    /// The node is killed, and started again.
    Kill,
    /// The node is told to end, which finishes its calls, and started again.
    Terminate,
    /// The node is frozen: its connections stay, and nothing is answered.
    Freeze,
}

/// A fault and the times without and with it.
#[derive(Clone, Copy, Debug)]
struct Event {
    fault: Fault,
    after: Duration,
    lasts: Duration,
}

/// The number of faults, by kind.
pub(crate) type Counts = BTreeMap<String, usize>;

/// The faults by how long they last. Each is in the schedule once before any comes again; those that
/// are short twice.
const SHORT: [faulty_relay::Fault; 5] = [
    faulty_relay::Fault::Drain,
    faulty_relay::Fault::ResetWithinRequest,
    faulty_relay::Fault::ResetAfterRequest,
    faulty_relay::Fault::ResetWithinReply,
    faulty_relay::Fault::HalfClose,
];
const MEDIUM: [faulty_relay::Fault; 9] = [
    faulty_relay::Fault::Refuse,
    faulty_relay::Fault::Swallow,
    faulty_relay::Fault::Silence,
    faulty_relay::Fault::SilenceOf(Way::Requests),
    faulty_relay::Fault::SilenceOf(Way::Replies),
    faulty_relay::Fault::Vanish,
    faulty_relay::Fault::Delay(Duration::from_millis(60)),
    faulty_relay::Fault::Trickle,
    faulty_relay::Fault::SlowHandshake(Duration::from_millis(400)),
];
const LONG: [Fault; 2] = [
    Fault::Freeze,
    Fault::Network(faulty_relay::Fault::BlackHole),
];

/// Adds faults to others.
pub(crate) fn add(counts: &mut Counts, more: Counts) {
    for (fault, count) in more {
        *counts.entry(fault).or_default() += count;
    }
}

/// The faults of a node until the end of a round.
struct Schedule {
    rng: Rng,
    bag: Vec<Event>,
}

impl Schedule {
    fn new(seed: u64) -> Self {
        Self {
            rng: Rng::new(seed),
            bag: Vec::new(),
        }
    }

    fn next(&mut self) -> Event {
        if self.bag.is_empty() {
            for fault in SHORT.into_iter().chain(SHORT) {
                self.add(Fault::Network(fault), 40, 300);
            }
            for fault in MEDIUM {
                self.add(Fault::Network(fault), 100, 900);
            }
            for fault in LONG {
                self.add(fault, 300, 2500);
            }
            self.add(Fault::Kill, 40, 600);
            self.add(Fault::Terminate, 40, 600);
        }
        let place = self.rng.below(self.bag.len());
        self.bag.swap_remove(place)
    }

    /// Adds a fault that lasts between `from` and `to` milliseconds.
    fn add(&mut self, fault: Fault, from: usize, to: usize) {
        let mut millis =
            |from, to| Duration::from_millis((from + self.rng.below(to - from)) as u64);
        let event = Event {
            fault,
            after: millis(20, 250),
            lasts: millis(from, to),
        };
        self.bag.push(event);
    }
}

/// Makes the connections of all relays vanish, as the last fault: clients must find out by themselves.
pub(crate) fn finish(relays: &[[FaultyRelay; 2]; 2], counts: &mut Counts) {
    let vanish = faulty_relay::Fault::Vanish;
    for relay in relays.iter().flatten() {
        relay.set(Some(vanish));
        relay.set(None);
    }
    *counts
        .entry(Fault::Network(vanish).to_string())
        .or_default() += relays.len();
}

/// Puts a node and its relays through faults until an instant, and counts them. At the end the node
/// is well.
pub(crate) async fn run(
    node: &mut Server,
    relays: &[FaultyRelay; 2],
    seed: u64,
    end: Instant,
) -> Outcome<Counts> {
    let mut schedule = Schedule::new(seed);
    let mut counts = Counts::new();
    loop {
        let event = schedule.next();
        tokio::time::sleep(event.after).await;
        if Instant::now() + event.lasts > end {
            return Ok(counts);
        }
        *counts.entry(event.fault.to_string()).or_default() += 1;
        match event.fault {
            Fault::Network(fault) => {
                relays.iter().for_each(|relay| relay.set(Some(fault)));
                tokio::time::sleep(event.lasts).await;
            }
            Fault::Kill => {
                let refuse = Some(faulty_relay::Fault::Refuse);
                tokio::task::block_in_place(|| node.kill());
                relays.iter().for_each(|relay| relay.set(refuse));
                tokio::time::sleep(event.lasts).await;
                node.restart().await;
            }
            Fault::Terminate => {
                node.terminate()?;
                tokio::time::sleep(event.lasts).await;
                node.restart().await;
            }
            Fault::Freeze => {
                node.freeze(true)?;
                tokio::time::sleep(event.lasts).await;
                node.freeze(false)?;
            }
        }
        relays.iter().for_each(|relay| relay.set(None));
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        use faulty_relay::Fault as Network;
        formatter.write_str(match self {
            Self::Kill => "killed nodes",
            Self::Terminate => "terminated nodes",
            Self::Freeze => "frozen nodes",
            Self::Network(Network::Refuse) => "refused connections",
            Self::Network(Network::Drain) => "drained connections",
            Self::Network(Network::Swallow) => "swallowed connection attempts",
            Self::Network(Network::ResetWithinRequest) => "resets within requests",
            Self::Network(Network::ResetAfterRequest) => "resets after requests",
            Self::Network(Network::ResetWithinReply) => "resets within replies",
            Self::Network(Network::HalfClose) => "half closed connections",
            Self::Network(Network::Silence) => "silences",
            Self::Network(Network::SilenceOf(Way::Requests)) => "silences of requests",
            Self::Network(Network::SilenceOf(Way::Replies)) => "silences of replies",
            Self::Network(Network::Vanish) => "vanished peers",
            Self::Network(Network::BlackHole) => "black holes",
            Self::Network(Network::Delay(_)) => "delays",
            Self::Network(Network::Trickle) => "trickles",
            Self::Network(Network::SlowHandshake(_)) => "slow handshakes",
        })
    }
}

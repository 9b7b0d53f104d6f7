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

const NETWORK: [faulty_relay::Fault; 15] = {
    use faulty_relay::Fault::{
        BlackHole, Delay, Drain, HalfClose, Refuse, ResetAfterRequest, ResetWithinReply,
        ResetWithinRequest, Silence, SilenceOf, SlowHandshake, Swallow, Trickle, Vanish,
    };
    [
        Drain,
        Refuse,
        Swallow,
        ResetWithinRequest,
        ResetAfterRequest,
        ResetWithinReply,
        HalfClose,
        Silence,
        SilenceOf(Way::Requests),
        SilenceOf(Way::Replies),
        Vanish,
        BlackHole,
        Delay(Duration::from_millis(60)),
        Trickle,
        SlowHandshake(Duration::from_millis(400)),
    ]
};

/// Adds faults to others.
pub(crate) fn add(counts: &mut Counts, more: Counts) {
    for (fault, count) in more {
        *counts.entry(fault).or_default() += count;
    }
}

/// The faults of a node until the end of a round. Each kind comes once before any comes again.
struct Schedule {
    rng: Rng,
    bag: Vec<Fault>,
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
            self.bag = NETWORK.map(Fault::Network).into();
            self.bag.extend([Fault::Kill, Fault::Freeze]);
        }
        let place = self.rng.below(self.bag.len());
        let fault = self.bag.swap_remove(place);
        let mut millis = |from, end| Duration::from_millis((from + self.rng.below(end)) as u64);
        Event {
            fault,
            after: millis(50, 400),
            lasts: match fault {
                Fault::Freeze | Fault::Network(faulty_relay::Fault::BlackHole) => millis(300, 2200),
                _ => millis(50, 900),
            },
        }
    }
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

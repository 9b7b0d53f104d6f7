//! Plays a sequence on both sides, and finds the first difference.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::player::Player;
use crate::side::Side;
use crate::steps::{Action, Step};

/// How long both sides may take until their clients have seen the same.
const DEADLINE: Duration = Duration::from_millis(500);

pub(crate) struct Pair {
    left: Player,
    right: Player,
    changes: watch::Receiver<()>,
    runs: u64,
    pub(crate) counts: Counts,
}

/// What was compared.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) sequences: usize,
    pub(crate) http: usize,
    pub(crate) legacy: usize,
    pub(crate) grpc: usize,
    /// Steps of connected users.
    pub(crate) users: usize,
    /// What these saw while they were connected.
    pub(crate) events: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Difference {
    /// What differs, such as `the reply to step 3`.
    pub(crate) what: String,
    pub(crate) left: String,
    pub(crate) right: String,
}

impl Pair {
    pub(crate) fn new(left: Side, right: Side) -> Self {
        let (sender, changes) = watch::channel(());
        let (left, right) = (Player::new(left, sender.clone()), Player::new(right, sender));
        Self { left, right, changes, runs: 0, counts: Counts::default() }
    }

    /// Plays the sequence under names of its own.
    pub(crate) async fn play(&mut self, steps: &[Step]) -> Option<Difference> {
        self.runs += 1;
        self.counts.sequences += 1;
        self.left.begin(self.runs);
        self.right.begin(self.runs);
        let difference = self.find(steps).await;
        let (left, right) = tokio::join!(self.left.end(), self.right.end());
        self.counts.events = self.left.events;
        difference.or_else(|| differ("the channels after all connections have ended", left, right))
    }

    async fn find(&mut self, steps: &[Step]) -> Option<Difference> {
        for step in steps {
            let is_own = !matches!(step.action, Action::Http(_) | Action::Grpc(_) | Action::Connect { .. });
            if is_own && let Some(difference) = self.compare_events().await {
                return Some(difference);
            }
            let (left, right) = tokio::join!(self.left.play(step), self.right.play(step));
            self.count(&step.action);
            if let Some(difference) = differ(&format!("the reply to step {}", step.id), left, right) {
                return Some(difference);
            }
            if step.action.may_disconnect() {
                // The server begins to close connections a little after its reply.
                for _ in 0..3 {
                    tokio::join!(self.left.catch_up(), self.right.catch_up());
                }
                if let Some(difference) = self.compare_events().await {
                    return Some(difference);
                }
                tokio::join!(self.left.settle(), self.right.settle());
            }
        }
        self.compare_events().await
    }

    /// Waits until the clients of both sides have seen the same.
    async fn compare_events(&mut self) -> Option<Difference> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            tokio::join!(self.left.catch_up(), self.right.catch_up());
            self.changes.mark_unchanged();
            let ((left, left_names), (right, right_names)) = (self.left.seen(), self.right.seen());
            let Some((id, _)) = left.iter().find(|(id, seen)| right.get(id) != Some(seen)) else {
                (self.left.names, self.right.names) = (left_names, right_names);
                return None;
            };
            let rest = deadline.saturating_duration_since(Instant::now());
            if tokio::time::timeout(rest, self.changes.changed()).await.is_err() {
                let text =
                    |lines: Option<&Vec<String>>| lines.map(|lines| lines.join("\n")).unwrap_or_default();
                return differ(
                    &format!("what the client of step {id} saw"),
                    text(left.get(id)),
                    text(right.get(id)),
                );
            }
        }
    }

    fn count(&mut self, action: &Action) {
        let counter = match action {
            Action::Http(call) if call.is_legacy() => &mut self.counts.legacy,
            Action::Http(_) => &mut self.counts.http,
            Action::Grpc(_) => &mut self.counts.grpc,
            _ => &mut self.counts.users,
        };
        *counter += 1;
    }
}

fn differ(what: &str, left: String, right: String) -> Option<Difference> {
    (left != right).then(|| Difference { what: what.to_owned(), left, right })
}

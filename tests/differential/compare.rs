//! Plays a sequence on both servers and finds the first difference.

use std::fmt;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::player::Player;
use crate::steps::{Action, Step, commands};
use crate::subject::Subject;

/// The time that both servers may take until their clients have seen the same events.
const DEADLINE: Duration = Duration::from_millis(500);

pub(crate) struct Pair {
    left: Player,
    right: Player,
    changes: watch::Receiver<()>,
    runs: u64,
    pub(crate) counts: Counts,
}

/// The number of things compared.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) sequences: usize,
    http: Calls,
    command_lines: Calls,
    grpc: Calls,
    /// Steps of connected users.
    users: usize,
    /// Events that these users saw while they were connected.
    events: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Calls {
    calls: usize,
    commands: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            sequences,
            http,
            command_lines,
            grpc,
            users,
            events,
        } = self;
        write!(
            formatter,
            "{sequences} sequences: {http} over HTTP, {command_lines} on the legacy command endpoint, {grpc} over \
             gRPC, {users} steps of connected users, who saw {events} events"
        )
    }
}

impl fmt::Display for Calls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} commands in {} calls",
            self.commands, self.calls
        )
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Difference {
    /// The part that differs, such as `the reply to step 3`.
    pub(crate) what: String,
    pub(crate) left: String,
    pub(crate) right: String,
}

impl Pair {
    pub(crate) fn new(left: Subject, right: Subject) -> Self {
        let (sender, changes) = watch::channel(());
        let left = Player::new(left, sender.clone());
        let right = Player::new(right, sender);
        Self {
            left,
            right,
            changes,
            runs: 0,
            counts: Counts::default(),
        }
    }

    /// Plays the sequence with names that no other run uses.
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
            let is_own = !matches!(
                step.action,
                Action::Http(_) | Action::Grpc(_) | Action::Connect { .. }
            );
            if is_own && let Some(difference) = self.compare_events().await {
                return Some(difference);
            }
            let (left, right) = tokio::join!(self.left.play(step), self.right.play(step));
            self.count(&step.action);
            if let Some(difference) = differ(&format!("the reply to step {}", step.id), left, right)
            {
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

    /// Waits until the clients of both servers have seen the same events.
    async fn compare_events(&mut self) -> Option<Difference> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            tokio::join!(self.left.catch_up(), self.right.catch_up());
            self.changes.mark_unchanged();
            let (left, left_names) = self.left.seen();
            let (right, right_names) = self.right.seen();
            let Some((id, _)) = left.iter().find(|(id, seen)| right.get(id) != Some(seen)) else {
                (self.left.names, self.right.names) = (left_names, right_names);
                return None;
            };
            let rest = deadline.saturating_duration_since(Instant::now());
            if tokio::time::timeout(rest, self.changes.changed())
                .await
                .is_err()
            {
                let text = |lines: Option<&Vec<String>>| {
                    lines.map(|lines| lines.join("\n")).unwrap_or_default()
                };
                return differ(
                    &format!("what the client of step {id} saw"),
                    text(left.get(id)),
                    text(right.get(id)),
                );
            }
        }
    }

    fn count(&mut self, action: &Action) {
        let (counter, commands) = match action {
            Action::Http(call) if call.is_legacy() => {
                (&mut self.counts.command_lines, call.commands())
            }
            Action::Http(call) => (&mut self.counts.http, call.commands()),
            Action::Grpc(call) => (&mut self.counts.grpc, commands(&call.message)),
            _ => {
                self.counts.users += 1;
                return;
            }
        };
        counter.calls += 1;
        counter.commands += commands;
    }
}

fn differ(what: &str, left: String, right: String) -> Option<Difference> {
    (left != right).then(|| Difference {
        what: what.to_owned(),
        left,
        right,
    })
}

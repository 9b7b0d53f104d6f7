//! The handlers of the backend, which give the answers that the cases have set.

use std::time::Duration;

use centrifugo_proxy::{Caller, ErrorReject, EventKind, Failed, Handlers, Reject};
use serde_json::json;

use super::{Asker, Backend, Call};
use crate::harness::answer::Answer;

/// The secret that the server sends.
pub(crate) const SECRET: &str = "proxy-secret";

/// The secret that one of its proxies sends.
pub(crate) const NEXT_SECRET: &str = "next-secret";

/// Longer than the server waits: the tables are of what the server does then.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Registers a handler for each event of a client. Those in process note the questions, which nothing has intercepted.
macro_rules! of_clients {
    ($handlers:expr, $backend:expr, $is_in_process:expr, $($name:ident: $kind:ident { $($field:ident),+ }),+ $(,)?) => {
        $handlers$(.$name({
            let backend = $backend.clone();
            let is_in_process = $is_in_process;
            move |event| {
                let backend = backend.clone();
                async move {
                    let asker = Asker { $($field: &event.message().$field,)+ ..Asker::default() };
                    let call = is_in_process.then(|| Call {
                        kind: EventKind::$kind,
                        headers: event.headers().clone(),
                        body: json!(event.message()),
                    });
                    let _told = call.and_then(|call| backend.note(call, asker));
                    match backend.planned(EventKind::$kind, asker).await? {
                        Answer::$kind(reply) => Ok(reply),
                        other => Err(other.refuse().into()),
                    }
                }
            }
        }))+
    };
}

impl Backend {
    /// Returns the handlers for a server of the network, which intercepts requests before.
    pub(super) fn handlers(&self) -> Handlers {
        self.with_handlers(false)
    }

    /// Returns the handlers for the embedded server.
    pub(in crate::harness) fn handlers_in_process(&self) -> Handlers {
        self.with_handlers(true)
    }

    fn with_handlers(&self, is_in_process: bool) -> Handlers {
        let handlers = Handlers::new(Caller::with_secrets(&self.secrets)).timeout(TIMEOUT);
        let handlers = self.with_streams(handlers);
        of_clients!(
            handlers, self, is_in_process,
            connect: Connect { client, name },
            refresh: Refresh { client, user },
            subscribe: Subscribe { client },
            publish: Publish { client },
            rpc: Rpc { client },
            sub_refresh: SubRefresh { client },
            map_publish: MapPublish { client },
            map_remove: MapRemove { client },
            shared_poll_refresh: SharedPollRefresh { channel },
        )
    }

    /// Waits for the answer to a question.
    pub(super) async fn planned(
        &self,
        kind: EventKind,
        asker: Asker<'_>,
    ) -> Result<Answer, Unplanned> {
        let mut answer = self.answer(kind, asker).ok_or(Unplanned)?;
        if let Answer::Then(make) = answer {
            answer = make();
        }
        match answer {
            // Ends when the server has given up.
            Answer::Late => std::future::pending().await,
            Answer::Panics => panic!("as the case wants it"),
            Answer::Fails => Err(Unplanned),
            answer => Ok(answer),
        }
    }
}

/// The backend fails.
#[derive(Debug)]
pub(super) struct Unplanned;

impl std::fmt::Display for Unplanned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("there is no answer")
    }
}

impl std::error::Error for Unplanned {}

/// A refusal, which not every event has.
pub(super) struct Refusal(Answer);

impl Answer {
    pub(super) fn refuse(self) -> Refusal {
        Refusal(self)
    }
}

impl From<Refusal> for Reject {
    fn from(refusal: Refusal) -> Self {
        match refusal.0 {
            Answer::Error(error) => error.into(),
            Answer::Disconnect(disconnect) => disconnect.into(),
            other => panic!("no answer to this event: {other:?}"),
        }
    }
}

impl From<Refusal> for ErrorReject {
    fn from(refusal: Refusal) -> Self {
        match refusal.0 {
            Answer::Error(error) => error.into(),
            other => panic!("no answer to this event: {other:?}"),
        }
    }
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        panic!("no answer to this event: {:?}", refusal.0)
    }
}

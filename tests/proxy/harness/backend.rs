//! The backend that a server asks: it gives each case the answers that the case has set.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::answer::{Answer, result};

/// A question of the server.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) event: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

/// What is known about the cases that run.
#[derive(Clone, Debug, Default)]
pub(super) struct Backend {
    cases: Arc<Mutex<Cases>>,
}

#[derive(Debug, Default)]
struct Cases {
    /// By the name of the case.
    scripts: HashMap<String, Script>,
    /// The case of each client, by the client's id.
    clients: HashMap<String, String>,
}

#[derive(Debug)]
struct Script {
    answers: HashMap<&'static str, VecDeque<Answer>>,
    calls: UnboundedSender<Call>,
}

impl Backend {
    /// Serves on a free port, and returns the URL in front of the names of events.
    pub(super) async fn serve(&self) -> std::io::Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let router = Router::new()
            .route("/{event}", post(answer))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(origin)
    }

    pub(super) fn add(&self, case: &str) -> UnboundedReceiver<Call> {
        let (calls, receiver) = unbounded_channel();
        let answers = HashMap::new();
        let script = Script { answers, calls };
        self.lock().scripts.insert(case.to_owned(), script);
        receiver
    }

    /// Sets the answers to an event, the last of which is given again and again.
    pub(super) fn set(&self, case: &str, event: &'static str, answers: Vec<Answer>) {
        let mut cases = self.lock();
        let script = cases.scripts.get_mut(case).expect("the case runs");
        script.answers.insert(event, answers.into());
    }

    pub(super) fn remove(&self, case: &str) {
        let mut cases = self.lock();
        cases.scripts.remove(case);
        cases.clients.retain(|_, owner| owner != case);
    }

    fn lock(&self) -> MutexGuard<'_, Cases> {
        self.cases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cases {
    /// Returns the case that a question belongs to. A client names it when it connects; a shared poll is of the channel alone.
    fn case_of(&mut self, call: &Call) -> Option<String> {
        let field = |name: &str| call.body[name].as_str().unwrap_or_default().to_owned();
        match &*call.event {
            "connect" => {
                self.clients.insert(field("client"), field("name"));
                Some(field("name"))
            }
            "shared_poll_refresh" => field("channel").split(':').next_back().map(str::to_owned),
            _ => self.clients.get(&field("client")).cloned(),
        }
    }

    /// Returns the answer to a question, and who wants to know of it. Without an answer that was set, the backend accepts.
    fn answer(&mut self, call: &Call) -> Option<(Answer, UnboundedSender<Call>)> {
        let case = self.case_of(call)?;
        let script = self.scripts.get_mut(&case)?;
        let answer = match script.answers.get_mut(&*call.event) {
            Some(answers) if answers.len() > 1 => answers.pop_front()?,
            Some(answers) => answers.front().cloned()?,
            None if call.event == "connect" => result(json!({"user": "42"})),
            None => result(json!({})),
        };
        Some((answer, script.calls.clone()))
    }
}

async fn answer(
    State(backend): State<Backend>,
    Path(event): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let Ok(body) = serde_json::from_str(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    // `publish_binary` and the like are the same events, asked with other options.
    let event = event.split('-').next().unwrap_or_default().to_owned();
    let call = Call {
        event,
        headers,
        body,
    };
    let answer = backend.lock().answer(&call);
    let Some((answer, calls)) = answer else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let _told = Told {
        call: Some(call),
        calls,
    };
    match answer {
        Answer::Text(text) => text.into_response(),
        Answer::Then(make) => json!({"result": make()}).to_string().into_response(),
        Answer::Status(status) => StatusCode::from_u16(status)
            .expect("the status is valid")
            .into_response(),
        // Ends when the server has given up.
        Answer::Late => std::future::pending().await,
    }
}

/// Tells a case of a question once it is answered, or the server does not wait for the answer any more.
struct Told {
    call: Option<Call>,
    calls: UnboundedSender<Call>,
}

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            // The case may have ended.
            let _ = self.calls.send(call);
        }
    }
}

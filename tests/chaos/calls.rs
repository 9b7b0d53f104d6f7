//! The calls: which events they publish, and in which form.

use std::fmt::Write as _;

use centrifugo_api::{
    ApiError, BroadcastRequest, BroadcastResult, Client, Error, HistoryRequest, PublishRequest,
    PublishResult, blocking,
};

use crate::groups::Kind;
use crate::ledger::{CallOutcome, Event, Ledger};
use crate::rng::Rng;

/// The number of channels.
pub(crate) const LANES: usize = 24;

pub(crate) fn channel(lane: usize) -> String {
    format!("kept:{lane}")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Publish,
    Broadcast,
    Batch,
    /// A batch of commands of several types, of which the first and the last publish.
    Mixed,
}

/// The idempotency keys of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    None,
    /// Each event has its own.
    Own,
    /// The client makes them.
    Generated,
    /// The client made these, one for each command, which an error told.
    Told(Vec<Option<String>>),
}

/// A call that publishes events, once or, after an error, again.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    form: Form,
    pub(crate) events: Vec<Event>,
    pub(crate) keys: Keys,
    /// The number of calls for the same events before this one.
    pub(crate) repeat: u32,
    /// The bytes that make its data longer.
    padding: usize,
}

impl Call {
    pub(crate) fn random(kind: Kind, rng: &mut Rng, ledger: &Ledger) -> Self {
        let form = match kind {
            Kind::Split => rng.pick(&[Form::Broadcast, Form::Batch]),
            Kind::Coalescing => rng.weighted(&[(4, Form::Publish), (1, Form::Broadcast)]),
            _ => rng.weighted(&[
                (4, Form::Publish),
                (2, Form::Broadcast),
                (1, Form::Batch),
                (1, Form::Mixed),
            ]),
        };
        let keys = match kind {
            Kind::Plain => Keys::None,
            Kind::OwnKeys => Keys::Own,
            Kind::GeneratedKeys => Keys::Generated,
            _ => rng.pick(&[Keys::None, Keys::Own, Keys::Generated]),
        };
        // Payloads of 64 KiB and more are sent from where the caller has them.
        let padding = match form {
            Form::Publish => rng.weighted(&[(90, 0), (9, 2_000), (1, 70_000)]),
            _ => rng.weighted(&[(9, 0), (1, 500)]),
        };
        let count = match (form, kind) {
            (Form::Publish, _) => 1,
            (Form::Mixed, _) => 2,
            (_, Kind::Split) => LANES,
            _ => 2 + rng.below(4),
        };
        Self {
            events: events(form, count, rng, ledger),
            form,
            keys,
            repeat: 0,
            padding,
        }
    }

    fn data(&self, number: u64) -> String {
        let mut data = format!(r#"{{"number":{number},"repeat":{}"#, self.repeat);
        if self.padding > 0 {
            let _ = write!(data, r#","padding":"{}""#, "x".repeat(self.padding));
        }
        data + "}"
    }

    /// Returns the key of the command at that position of a batch, or of a single call, which has
    /// position 0.
    fn key(&self, position: usize, number: u64) -> String {
        match &self.keys {
            Keys::Own => format!("event-{number}"),
            Keys::Told(keys) => keys[position].clone().unwrap_or_default(),
            Keys::None | Keys::Generated => String::new(),
        }
    }

    fn publish(&self, position: usize, event: Event) -> PublishRequest {
        let request = PublishRequest::new(channel(event.lane), self.data(event.number));
        request.idempotency_key(self.key(position, event.number))
    }

    fn request(&self) -> Request {
        let first = self.events[0];
        match self.form {
            Form::Publish => Request::Publish(self.publish(0, first)),
            Form::Broadcast => {
                let channels = self.events.iter().map(|event| channel(event.lane));
                let request = BroadcastRequest::new(channels, self.data(first.number));
                Request::Broadcast(request.idempotency_key(self.key(0, first.number)))
            }
            Form::Batch => {
                let events = self.events.iter().copied().enumerate();
                let requests = events.map(|(position, event)| self.publish(position, event));
                Request::Batch(requests.collect())
            }
            Form::Mixed => Request::Mixed(Box::new((
                self.publish(0, first),
                HistoryRequest::new(channel(first.lane)).limit(1),
                self.publish(2, self.events[1]),
            ))),
        }
    }

    pub(crate) async fn make(&self, client: &Client) -> CallOutcome {
        match self.request() {
            Request::Publish(request) => client.publish(request).await.map(published),
            Request::Broadcast(request) => client.broadcast(request).await.map(broadcast),
            Request::Batch(requests) => Ok(offsets(&client.batch(requests).await?)),
            Request::Mixed(requests) => client.batch(*requests).await.map(mixed),
        }
    }

    pub(crate) fn make_blocking(&self, client: &blocking::Client) -> CallOutcome {
        match self.request() {
            Request::Publish(request) => client.publish(request).map(published),
            Request::Broadcast(request) => client.broadcast(request).map(broadcast),
            Request::Batch(requests) => Ok(offsets(&client.batch(requests)?)),
            Request::Mixed(requests) => client.batch(*requests).map(mixed),
        }
    }

    /// Returns the call that repeats this one after an outcome, if it cannot publish an event twice
    /// and may help.
    pub(crate) fn again(&self, outcome: &CallOutcome) -> Option<Self> {
        let failed = match outcome {
            Ok(offsets) if offsets.iter().all(Option::is_some) => return None,
            outcome => outcome.as_ref().err(),
        };
        let told = failed.map(Error::idempotency_keys).unwrap_or_default();
        let keys = match &self.keys {
            Keys::Own | Keys::Told(_) => self.keys.clone(),
            Keys::Generated if !told.is_empty() => {
                let told = told.into_iter().map(|key| key.map(str::to_owned));
                Keys::Told(told.collect())
            }
            _ if failed.is_some_and(Error::is_unsent) => self.keys.clone(),
            _ => return None,
        };
        let repeat = self.repeat + 1;
        Some(Self {
            keys,
            repeat,
            ..self.clone()
        })
    }
}

/// Returns events for a call. A broadcast publishes one number into several channels; the commands
/// of a batch have numbers of their own.
fn events(form: Form, count: usize, rng: &mut Rng, ledger: &Ledger) -> Vec<Event> {
    let first_lane = rng.below(LANES);
    let first_number = ledger.number();
    let event = |index: usize| Event {
        lane: (first_lane + index) % LANES,
        number: match form {
            Form::Broadcast => first_number,
            _ if index == 0 => first_number,
            _ => ledger.number(),
        },
    };
    (0..count).map(event).collect()
}

enum Request {
    Publish(PublishRequest),
    Broadcast(BroadcastRequest),
    Batch(Vec<PublishRequest>),
    Mixed(Box<(PublishRequest, HistoryRequest, PublishRequest)>),
}

type Published = Result<PublishResult, ApiError>;

fn published(result: PublishResult) -> Vec<Option<u64>> {
    vec![Some(result.offset)]
}

fn broadcast(result: BroadcastResult) -> Vec<Option<u64>> {
    offsets(&result.into_outcomes())
}

fn mixed<H>((first, _, last): (Published, H, Published)) -> Vec<Option<u64>> {
    offsets(&[first, last])
}

fn offsets(outcomes: &[Published]) -> Vec<Option<u64>> {
    let offset = |outcome: &Published| outcome.as_ref().ok().map(|result| result.offset);
    outcomes.iter().map(offset).collect()
}

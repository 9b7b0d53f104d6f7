//! Faults that a test plans.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::engine::{self, ROUTES, ServedMethod};
use super::recorder::Endpoint;
use centrifugo_api::{ApiError, Error, METHODS, Status};

/// Headers without which an answer would have no end.
const OWN_HEADERS: [HeaderName; 2] = [CONTENT_LENGTH, TRANSFER_ENCODING];

/// Something that goes wrong: what, and with which calls.
///
/// ```
/// use centrifugo_api_testing::{Fault, Server};
/// use centrifugo_api::{ApiError, Status};
///
/// # fn main() -> Result<(), centrifugo_api::Error> {
/// let server = Server::start()?;
/// server.fail_next(2, Fault::status(Status::Http(503)).header("retry-after", "1"))?;
/// server.fail_always(Fault::api_error(ApiError::INTERNAL).method("broadcast").channel("news"))?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Fault {
    kind: FaultKind,
    method: Option<String>,
    channel: Option<String>,
    /// What is wrong with the fault itself.
    problem: Option<String>,
}

#[derive(Clone, Debug)]
enum FaultKind {
    Api(ApiError),
    Wire(WireFault),
}

/// What goes wrong on the wire.
#[derive(Clone, Debug)]
pub(crate) enum WireFault {
    Status {
        status: Status,
        headers: HeaderMap,
        body: String,
    },
    Delay(Duration),
    CloseBefore,
    CloseAfter,
    HalfBody,
    Garbage,
}

impl Fault {
    fn new(kind: FaultKind) -> Self {
        Self {
            kind,
            method: None,
            channel: None,
            problem: None,
        }
    }

    /// Answers an error of the API in the call's place, such as [`ApiError::TOO_MANY_REQUESTS`].
    ///
    /// It meets each command of a batch as a call of its own, and with [`channel`](Self::channel) that channel of a
    /// broadcast alone.
    pub fn api_error(code: u32) -> Self {
        Self::new(FaultKind::Api(engine::error(code)))
    }

    /// Answers an HTTP status, to calls over HTTP, or a gRPC code, to calls over gRPC. The call does not run.
    pub fn status(status: Status) -> Self {
        let fault = WireFault::Status {
            status,
            headers: HeaderMap::new(),
            body: String::new(),
        };
        let mut fault = Self::new(FaultKind::Wire(fault));
        fault.problem = match status {
            Status::Http(status) if !(200..=599).contains(&status) => Some(format!(
                "HTTP {status} is no status of an answer: give one from 200 to 599"
            )),
            Status::Grpc(code) if !(1..=16).contains(&code) => Some(format!(
                "{code} is no gRPC code of a failure: give one from 1 to 16"
            )),
            _ => None,
        };
        fault
    }

    /// Answers after that long, in the machine's time. The call itself runs at once, whether or not somebody still
    /// waits for its answer.
    pub fn delay(duration: Duration) -> Self {
        Self::new(FaultKind::Wire(WireFault::Delay(duration)))
    }

    /// Closes the connection when the request has been read, before it runs.
    pub fn close_before() -> Self {
        Self::new(FaultKind::Wire(WireFault::CloseBefore))
    }

    /// Closes the connection when the request has run, without an answer.
    pub fn close_after() -> Self {
        Self::new(FaultKind::Wire(WireFault::CloseAfter))
    }

    /// Closes the connection in the middle of the answer.
    pub fn half_body() -> Self {
        Self::new(FaultKind::Wire(WireFault::HalfBody))
    }

    /// Answers something that is neither JSON nor protobuf. The call has run.
    pub fn garbage() -> Self {
        Self::new(FaultKind::Wire(WireFault::Garbage))
    }

    /// Meets calls of that method alone, such as `publish`.
    pub fn method(mut self, name: impl Into<String>) -> Self {
        self.method = Some(name.into());
        self
    }

    /// Meets calls that are about that channel alone.
    pub fn channel(mut self, name: impl Into<String>) -> Self {
        self.channel = Some(name.into());
        self
    }

    /// Adds a header to the answer of a [`status`](Self::status), such as `retry-after`.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let parsed = (name.parse::<HeaderName>(), HeaderValue::from_str(value));
        match (&mut self.kind, parsed) {
            (FaultKind::Wire(WireFault::Status { .. }), (Ok(name), _))
                if OWN_HEADERS.contains(&name) =>
            {
                self.problem = Some(format!("the server sets `{name}` itself: leave it out"));
            }
            (FaultKind::Wire(WireFault::Status { headers, .. }), (Ok(name), Ok(value))) => {
                headers.append(name, value);
            }
            (FaultKind::Wire(WireFault::Status { .. }), _) => {
                self.problem = Some(format!("`{name}: {value}` is no header"));
            }
            _ => self.problem = Some("header goes with a fault of a status alone".to_owned()),
        }
        self
    }

    /// Gives the answer of a [`status`](Self::status) a body over HTTP, a message over gRPC; an
    /// [`api_error`](Self::api_error) another message.
    pub fn message(mut self, text: impl Into<String>) -> Self {
        match &mut self.kind {
            FaultKind::Wire(WireFault::Status { body, .. }) => *body = text.into(),
            FaultKind::Api(error) => error.message = text.into(),
            FaultKind::Wire(_) => {
                self.problem =
                    Some("message goes with a status or an error of the API alone".into())
            }
        }
        self
    }

    fn check(&self) -> Result<(), Error> {
        if let Some(problem) = &self.problem {
            return Err(Error::Config(format!("fault: {problem}")));
        }
        let has_no_error = |method: &str| {
            ROUTES
                .iter()
                .any(|route| route.name == method && !route.has_error)
        };
        match (&self.method, &self.kind) {
            (Some(method), FaultKind::Api(_)) if has_no_error(method) => Err(Error::Config(format!(
                "fault: `{method}` answers no error of its own; name one of the methods in it"
            ))),
            (Some(method), _) if !METHODS.contains(&method.as_str()) => {
                Err(Error::Config(format!(
                    "fault: `{method}` is no method of the schema; METHODS lists them, such as `publish`"
                )))
            }
            _ => Ok(()),
        }
    }

    fn meets(&self, method: &str, channels: &[&str]) -> bool {
        self.method.as_deref().is_none_or(|wanted| wanted == method)
            && self
                .channel
                .as_deref()
                .is_none_or(|wanted| channels.contains(&wanted))
    }
}

/// The faults that are planned, in the order in which they were.
#[derive(Default)]
pub(crate) struct Faults(Mutex<Vec<Planned>>);

struct Planned {
    fault: Fault,
    /// How many calls it is still for; `None` for all.
    left: Option<usize>,
    used: bool,
}

impl Faults {
    pub(crate) fn plan(&self, times: Option<usize>, fault: Fault) -> Result<(), Error> {
        fault.check()?;
        if times == Some(0) {
            return Err(Error::Config(
                "fault: it is planned for no call; give a number above 0".into(),
            ));
        }
        self.lock().push(Planned {
            fault,
            left: times,
            used: false,
        });
        Ok(())
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// Those that have not happened as often as planned, or never.
    pub(crate) fn unused(&self) -> Vec<Fault> {
        let planned = self.lock();
        let unused = planned
            .iter()
            .filter(|planned| planned.left.map_or(!planned.used, |left| left > 0));
        unused.map(|planned| planned.fault.clone()).collect()
    }

    /// The error that is planned for a call; those for a channel of a broadcast are left to that.
    pub(crate) fn api_error<M: ServedMethod>(&self, request: &M) -> Option<ApiError> {
        if !M::HAS_ERROR {
            return None;
        }
        let mut planned = self.lock();
        if planned.is_empty() {
            return None;
        }
        let channels = if M::NAME == "broadcast" {
            Vec::new()
        } else {
            request.channels()
        };
        take(&mut planned, |fault| match &fault.kind {
            FaultKind::Api(error) if fault.meets(M::NAME, &channels) => Some(error.clone()),
            _ => None,
        })
    }

    /// The error that is planned for a channel of a call.
    pub(crate) fn api_error_of_part(&self, method: &str, channel: &str) -> Option<ApiError> {
        take(&mut self.lock(), |fault| match &fault.kind {
            FaultKind::Api(error) if fault.channel.is_some() && fault.meets(method, &[channel]) => {
                Some(error.clone())
            }
            _ => None,
        })
    }

    /// What is planned for a call on the wire.
    pub(crate) fn on_the_wire(
        &self,
        method: &str,
        endpoint: Endpoint,
        channels: impl FnOnce() -> Vec<String>,
    ) -> Option<WireFault> {
        let mut planned = self.lock();
        if planned.is_empty() {
            return None;
        }
        let channels = channels();
        let channels: Vec<&str> = channels.iter().map(String::as_str).collect();
        take(&mut planned, |fault| match &fault.kind {
            FaultKind::Wire(wire) if wire.is_for(endpoint) && fault.meets(method, &channels) => {
                Some(wire.clone())
            }
            _ => None,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Planned>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the first fault that is picked once.
fn take<T>(planned: &mut [Planned], pick: impl Fn(&Fault) -> Option<T>) -> Option<T> {
    let ready = planned.iter_mut().filter(|planned| planned.left != Some(0));
    let (planned, picked) = ready
        .into_iter()
        .find_map(|planned| pick(&planned.fault).map(|picked| (planned, picked)))?;
    planned.left = planned.left.map(|left| left - 1);
    planned.used = true;
    Some(picked)
}

impl WireFault {
    fn is_for(&self, endpoint: Endpoint) -> bool {
        match self {
            Self::Status {
                status: Status::Http(_),
                ..
            } => endpoint != Endpoint::Grpc,
            Self::Status {
                status: Status::Grpc(_),
                ..
            } => endpoint == Endpoint::Grpc,
            _ => true,
        }
    }
}

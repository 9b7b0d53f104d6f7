//! Faults that a test plans.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use centrifugo_api::{ApiError, Error, METHODS, Status};
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::engine::{self, ROUTES, ServedMethod};
use crate::recorder::Endpoint;

/// Headers that delimit the response, which the server sets itself.
const OWN_HEADERS: [HeaderName; 2] = [CONTENT_LENGTH, TRANSFER_ENCODING];

/// A failure, and the calls that it applies to.
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
    /// The mistake in the fault's options, if any.
    problem: Option<String>,
}

/// The failure itself.
#[derive(Clone, Debug)]
enum FaultKind {
    Api(ApiError),
    Wire(WireFault),
}

/// A failure at the level of HTTP or gRPC.
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

    /// Fails a call with an error of the API, such as [`ApiError::TOO_MANY_REQUESTS`]. The call does
    /// not run.
    ///
    /// Each command of a batch counts as a call. With [`channel`](Self::channel), only that channel
    /// of a broadcast fails.
    pub fn api_error(code: u32) -> Self {
        Self::new(FaultKind::Api(engine::error(code)))
    }

    /// Replies with an HTTP status to calls over HTTP, or with a gRPC code to calls over gRPC. The
    /// call does not run.
    pub fn status(status: Status) -> Self {
        let problem = match status {
            Status::Http(status) if !(200..=599).contains(&status) => Some(format!(
                "HTTP {status} is not a final status: use one from 200 to 599"
            )),
            Status::Grpc(code) if !(1..=16).contains(&code) => Some(format!(
                "{code} is not a gRPC error code: use one from 1 to 16"
            )),
            _ => None,
        };
        let wire_fault = WireFault::Status {
            status,
            headers: HeaderMap::new(),
            body: String::new(),
        };
        Self {
            problem,
            ..Self::new(FaultKind::Wire(wire_fault))
        }
    }

    /// Delays the response by this long, in real time.
    ///
    /// The call itself runs at once, even if the caller does not wait for the response.
    pub fn delay(duration: Duration) -> Self {
        Self::new(FaultKind::Wire(WireFault::Delay(duration)))
    }

    /// Closes the connection after the request has been read. The call does not run.
    pub fn close_before() -> Self {
        Self::new(FaultKind::Wire(WireFault::CloseBefore))
    }

    /// Closes the connection after the call has run, without a response.
    pub fn close_after() -> Self {
        Self::new(FaultKind::Wire(WireFault::CloseAfter))
    }

    /// Closes the connection in the middle of the response.
    pub fn half_body() -> Self {
        Self::new(FaultKind::Wire(WireFault::HalfBody))
    }

    /// Replies with bytes that are neither JSON nor protobuf. The call has run.
    pub fn garbage() -> Self {
        Self::new(FaultKind::Wire(WireFault::Garbage))
    }

    /// Restricts the fault to calls of a method, such as `publish`.
    pub fn method(mut self, name: impl Into<String>) -> Self {
        self.method = Some(name.into());
        self
    }

    /// Restricts the fault to calls for a channel.
    pub fn channel(mut self, name: impl Into<String>) -> Self {
        self.channel = Some(name.into());
        self
    }

    /// Adds a header, such as `retry-after`, to the response of a [`status`](Self::status).
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let FaultKind::Wire(WireFault::Status { headers, .. }) = &mut self.kind else {
            self.problem = Some("header only applies to a fault with a status".to_owned());
            return self;
        };
        let parsed_name = name.parse::<HeaderName>();
        let parsed_value = HeaderValue::from_str(value);
        match (parsed_name, parsed_value) {
            (Ok(name), _) if OWN_HEADERS.contains(&name) => {
                self.problem = Some(format!("the server sets `{name}` itself: leave it out"));
            }
            (Ok(name), Ok(value)) => {
                headers.append(name, value);
            }
            _ => self.problem = Some(format!("`{name}: {value}` is not a valid header")),
        }
        self
    }

    /// Sets the message of the failure.
    ///
    /// For a [`status`](Self::status) it is the body over HTTP and the message over gRPC; for an
    /// [`api_error`](Self::api_error) it replaces the error's message.
    pub fn message(mut self, text: impl Into<String>) -> Self {
        match &mut self.kind {
            FaultKind::Wire(WireFault::Status { body, .. }) => *body = text.into(),
            FaultKind::Api(error) => error.message = text.into(),
            FaultKind::Wire(_) => {
                self.problem =
                    Some("message only applies to a status or an error of the API".to_owned());
            }
        }
        self
    }

    fn check(&self) -> Result<(), Error> {
        if let Some(problem) = &self.problem {
            return Err(Error::Config(format!("fault: {problem}")));
        }
        let Some(method) = self.method.as_deref() else {
            return Ok(());
        };
        if matches!(self.kind, FaultKind::Api(_)) && has_no_error(method) {
            return Err(Error::Config(format!(
                "fault: a reply of `{method}` cannot be an error: name one of the methods in it"
            )));
        }
        if !METHODS.contains(&method) {
            return Err(Error::Config(format!(
                "fault: `{method}` is not a method of the schema: use one that METHODS lists, such \
                 as `publish`"
            )));
        }
        Ok(())
    }

    /// Checks whether the fault applies to a call of a method for these channels.
    fn applies_to(&self, method: &str, channels: &[&str]) -> bool {
        if self
            .method
            .as_deref()
            .is_some_and(|wanted| wanted != method)
        {
            return false;
        }
        match self.channel.as_deref() {
            Some(wanted) => channels.contains(&wanted),
            None => true,
        }
    }
}

/// Checks whether the replies of a method have no place for an error.
fn has_no_error(method: &str) -> bool {
    ROUTES
        .iter()
        .any(|route| route.name == method && !route.has_error)
}

/// The planned faults, in the order in which they were planned.
#[derive(Default)]
pub(crate) struct Faults(Mutex<Vec<Planned>>);

struct Planned {
    fault: Fault,
    /// The number of calls that will still fail; `None` for all.
    left: Option<usize>,
    used: bool,
}

impl Faults {
    /// Plans a fault for that many calls, or for all.
    pub(crate) fn plan(&self, calls: Option<usize>, fault: Fault) -> Result<(), Error> {
        fault.check()?;
        if calls == Some(0) {
            return Err(Error::Config(
                "fault: it is planned for no call: use a number above 0".into(),
            ));
        }
        self.lock().push(Planned {
            fault,
            left: calls,
            used: false,
        });
        Ok(())
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// Returns the faults that have happened less often than planned, or not at all.
    pub(crate) fn unused(&self) -> Vec<Fault> {
        self.lock()
            .iter()
            .filter(|planned| planned.is_unused())
            .map(|planned| planned.fault.clone())
            .collect()
    }

    /// Takes the error that is planned for a call. Ignores errors for a single channel of a
    /// broadcast: see [`api_error_of_channel`](Self::api_error_of_channel).
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
        take_first(&mut planned, |fault| match &fault.kind {
            FaultKind::Api(error) if fault.applies_to(M::NAME, &channels) => Some(error.clone()),
            _ => None,
        })
    }

    /// Takes the error that is planned for a single channel of a call.
    pub(crate) fn api_error_of_channel(&self, method: &str, channel: &str) -> Option<ApiError> {
        take_first(&mut self.lock(), |fault| match &fault.kind {
            FaultKind::Api(error)
                if fault.channel.is_some() && fault.applies_to(method, &[channel]) =>
            {
                Some(error.clone())
            }
            _ => None,
        })
    }

    /// Takes the failure of HTTP or gRPC that is planned for a call. Only asks for the channels of
    /// the call if any fault is planned.
    pub(crate) fn wire_fault(
        &self,
        method: &str,
        endpoint: Endpoint,
        channels: impl FnOnce() -> Vec<String>,
    ) -> Option<WireFault> {
        let mut planned = self.lock();
        if planned.is_empty() {
            return None;
        }
        let owned_channels = channels();
        let channels: Vec<&str> = owned_channels.iter().map(String::as_str).collect();
        take_first(&mut planned, |fault| match &fault.kind {
            FaultKind::Wire(wire_fault)
                if wire_fault.applies_to(endpoint) && fault.applies_to(method, &channels) =>
            {
                Some(wire_fault.clone())
            }
            _ => None,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Planned>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Planned {
    fn is_unused(&self) -> bool {
        match self.left {
            Some(left) => left > 0,
            None => !self.used,
        }
    }
}

/// Counts down the first fault that `pick` accepts and that is not used up. Returns what `pick`
/// returned for it.
fn take_first<T>(planned: &mut [Planned], pick: impl Fn(&Fault) -> Option<T>) -> Option<T> {
    for candidate in planned {
        if candidate.left == Some(0) {
            continue;
        }
        if let Some(picked) = pick(&candidate.fault) {
            candidate.left = candidate.left.map(|left| left - 1);
            candidate.used = true;
            return Some(picked);
        }
    }
    None
}

impl WireFault {
    fn applies_to(&self, endpoint: Endpoint) -> bool {
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

//! Faults that a test plans.

mod planned;

use std::time::Duration;

use centrifugo_api::{ApiError, Error, METHODS, Status};
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::errors;
use crate::recorder::Endpoint;

pub(crate) use self::planned::Faults;

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

    /// Fails a call with an error of the API, such as [`ApiError::TOO_MANY_REQUESTS`]. The call
    /// does not run.
    ///
    /// Each command of a batch counts as a call. With [`channel`](Self::channel), only that channel
    /// of a broadcast fails.
    pub fn api_error(code: u32) -> Self {
        Self::new(FaultKind::Api(errors::error(code)))
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

    /// Returns the method whose reply is to be an error, if the fault names one.
    pub(crate) fn method_with_error(&self) -> Option<&str> {
        match self.kind {
            FaultKind::Api(_) => self.method.as_deref(),
            FaultKind::Wire(_) => None,
        }
    }

    fn check(&self) -> Result<(), Error> {
        if let Some(problem) = &self.problem {
            return Err(Error::Config(format!("fault: {problem}")));
        }
        let Some(method) = self.method.as_deref() else {
            return Ok(());
        };
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

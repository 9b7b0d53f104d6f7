//! The steps of a sequence, and how they are shown.
//!
//! Names contain `«n»`, the number of the run. `«epoch 3»`, `"«offset 3»"` and `«cursor 3»` are
//! values that the same
//! server returned in step 3, and `«client 3»` is the client that step 3 connected.

use std::fmt;

use crate::json::Json;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    /// The number of the step. It stays the same when earlier steps are removed.
    pub(crate) id: usize,
    pub(crate) action: Action,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    Http(HttpCall),
    Grpc(GrpcCall),
    /// Connects a user, the anonymous user if the name is empty.
    Connect {
        user: String,
        info: Option<String>,
    },
    Subscribe {
        connection: usize,
        channel: String,
    },
    Unsubscribe {
        connection: usize,
        channel: String,
    },
    Close {
        connection: usize,
    },
}

/// A request over HTTP, for a method or for the legacy command endpoint.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HttpCall {
    pub(crate) verb: &'static str,
    /// The path with the prefix of the API and the query.
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    /// Several lines for several command lines.
    pub(crate) body: Vec<Json>,
}

impl HttpCall {
    pub(crate) fn is_legacy(&self) -> bool {
        self.path == "/api" || self.path.starts_with("/api?")
    }

    /// Returns the number of commands: of lines, or of those in a batch.
    pub(crate) fn commands(&self) -> usize {
        if self.is_legacy() {
            self.body.len()
        } else {
            self.body.iter().map(commands).sum()
        }
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for (index, part) in self.body.iter().enumerate() {
            if index > 0 {
                body.push(b'\n');
            }
            part.write(&mut body);
        }
        body
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GrpcCall {
    pub(crate) path: String,
    /// The method of the messages. `None` sends an empty message.
    pub(crate) method: Option<&'static str>,
    pub(crate) metadata: Vec<(&'static str, &'static str)>,
    /// The request in JSON.
    pub(crate) message: Json,
    pub(crate) frame: Frame,
}

/// The form in which the message is sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Frame {
    Whole,
    /// With bytes appended, such as fields that the schema lacks.
    Followed(Vec<u8>),
    /// Replaced by these bytes.
    Instead(Vec<u8>),
    /// Without its last bytes.
    Cut(usize),
    /// With other bits in one byte. The position wraps around at the end of the message.
    Flipped {
        at: usize,
        bits: u8,
    },
    /// Marked as compressed, although no compression was negotiated.
    Compressed,
}

impl Action {
    /// Returns whether the action may close connections.
    pub(crate) fn may_disconnect(&self) -> bool {
        match self {
            Self::Http(call) => {
                call.path.contains("disconnect")
                    || call.path.contains("refresh")
                    || call.body.iter().any(may_disconnect)
            }
            Self::Grpc(call) => {
                call.path.contains("Disconnect")
                    || call.path.contains("Refresh")
                    || may_disconnect(&call.message)
            }
            _ => false,
        }
    }
}

/// Returns the number of commands in a request: those of a batch, else one.
pub(crate) fn commands(request: &Json) -> usize {
    match request {
        Json::Object(members) => match members.iter().find(|(name, _)| name == "commands") {
            Some((_, Json::Array(commands))) => commands.len(),
            _ => 1,
        },
        _ => 1,
    }
}

/// Returns whether the command may close connections.
pub(crate) fn may_disconnect(command: &Json) -> bool {
    let text = String::from_utf8_lossy(&command.bytes()).to_lowercase();
    ["disconnect", "refresh"]
        .iter()
        .any(|name| text.contains(name))
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:>3}: ", self.id)?;
        match &self.action {
            Action::Http(call) => {
                write!(formatter, "{} {}", call.verb, call.path)?;
                show_pairs(formatter, &call.headers)?;
                write!(formatter, "\n     {}", Shown(&call.body()))
            }
            Action::Grpc(call) => {
                write!(formatter, "gRPC {}", call.path)?;
                show_pairs(formatter, &call.metadata)?;
                if call.frame != Frame::Whole {
                    write!(formatter, " frame {:?}", call.frame)?;
                }
                write!(formatter, "\n     {}", Shown(&call.message.bytes()))
            }
            Action::Connect { user, info } => {
                let user = if user.is_empty() {
                    "an anonymous client"
                } else {
                    user
                };
                let info = info.as_deref().unwrap_or("none");
                write!(formatter, "{user} connects, info {info}")
            }
            Action::Subscribe {
                connection,
                channel,
            } => {
                write!(
                    formatter,
                    "the client of step {connection} subscribes to {channel:?}"
                )
            }
            Action::Unsubscribe {
                connection,
                channel,
            } => {
                write!(
                    formatter,
                    "the client of step {connection} unsubscribes from {channel:?}"
                )
            }
            Action::Close { connection } => {
                write!(formatter, "the client of step {connection} closes")
            }
        }
    }
}

fn show_pairs(formatter: &mut fmt::Formatter<'_>, pairs: &[(&str, &str)]) -> fmt::Result {
    pairs
        .iter()
        .try_for_each(|(name, value)| write!(formatter, " [{name}: {value}]"))
}

/// Returns bytes as text, with those that are not UTF-8 as `\xff`.
pub(crate) struct Shown<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            formatter.write_str(chunk.valid())?;
            chunk
                .invalid()
                .iter()
                .try_for_each(|byte| write!(formatter, "\\x{byte:02x}"))?;
        }
        Ok(())
    }
}

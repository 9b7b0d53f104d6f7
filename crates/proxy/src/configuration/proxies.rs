//! The sections of proxies: where Centrifugo finds the handlers, and what it sends.

use std::fmt;
use std::time::Duration;

use http::HeaderName;

use super::endpoint::{self, GrpcEndpoint};
use super::names;
use super::section::{Header, Node, Section};
use super::tls::Tls;
use crate::caller::Caller;
use crate::error::Error;
use crate::event::EventKind;
use crate::handlers::Handlers;

/// The timeout of Centrifugo by default.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The beginning of variables that Centrifugo replaces in values of headers.
const VARIABLE: &str = "CENTRIFUGO_VAR_";

/// The options of all proxies, as the user gave them.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) http: Option<String>,
    pub(super) grpc: Option<String>,
    pub(super) tls: Tls,
    pub(super) timeout: Duration,
    pub(super) http_headers: Vec<String>,
    pub(super) emulated_headers: Vec<String>,
    pub(super) grpc_metadata: Vec<String>,
    pub(super) binary_encoding: bool,
    pub(super) include_connection_meta: bool,
    pub(super) secret_variable: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            http: None,
            grpc: None,
            tls: Tls::default(),
            timeout: TIMEOUT,
            http_headers: Vec::new(),
            emulated_headers: Vec::new(),
            grpc_metadata: Vec::new(),
            binary_encoding: false,
            include_connection_meta: false,
            secret_variable: None,
        }
    }
}

/// The options of all proxies, checked.
pub(super) struct Proxies<'a> {
    settings: &'a Settings,
    http: Option<String>,
    grpc: Option<GrpcEndpoint>,
    timeout: String,
    forwarded: [(&'static str, Vec<String>); 3],
    secret: Option<Header>,
}

impl<'a> Proxies<'a> {
    pub(super) fn new(settings: &'a Settings, handlers: &Handlers) -> Result<Self, Error> {
        check_timeout(settings.timeout, handlers.parts().timeout)?;
        let mut forwarded = [
            ("http_headers", &settings.http_headers),
            ("emulated_headers", &settings.emulated_headers),
            ("grpc_metadata", &settings.grpc_metadata),
        ]
        .map(|(option, names)| (option, names.clone()));
        for (option, names) in &mut forwarded {
            *names = names::headers(option, names, settings.http.is_some())?;
        }
        let proxies = Self {
            settings,
            http: settings.http.as_deref().map(endpoint::http).transpose()?,
            grpc: settings.grpc.as_deref().map(endpoint::grpc).transpose()?,
            timeout: names::duration(settings.timeout)?,
            forwarded,
            secret: secret(&handlers.parts().caller, settings)?,
        };
        let is_encrypted = proxies.is_encrypted(true) || proxies.is_encrypted(false);
        settings.tls.check(is_encrypted)?;
        proxies.check_secret()?;
        Ok(proxies)
    }

    /// Returns the section of an event's proxy.
    pub(super) fn section(&self, kind: EventKind) -> Result<Section, Error> {
        let mut section = Section::default();
        if matches!(kind, EventKind::Connect | EventKind::Refresh) {
            section.set("enabled", true);
        }
        let http = self.http.as_deref().filter(|_| !kind.is_stream());
        match (http, &self.grpc) {
            (Some(url), _) => section.set("endpoint", format!("{url}/{kind}")),
            (None, Some(grpc)) => section.set("endpoint", &*grpc.url),
            (None, None) => return Err(no_endpoint(kind)),
        }
        section.set("timeout", &*self.timeout);
        if names::is_of_client(kind) {
            self.add_client(&mut section, kind);
        }
        self.add_transport(&mut section, http.is_some());
        Ok(section)
    }

    /// Adds what is sent about a client.
    fn add_client(&self, section: &mut Section, kind: EventKind) {
        for (option, names) in &self.forwarded {
            if !names.is_empty() {
                section.set(option, names.clone());
            }
        }
        if self.settings.binary_encoding {
            section.set("binary_encoding", true);
        }
        // A client that connects has none yet.
        if self.settings.include_connection_meta && kind != EventKind::Connect {
            section.set("include_connection_meta", true);
        }
    }

    /// Adds TLS and the secret.
    fn add_transport(&self, section: &mut Section, is_http: bool) {
        let mut transport = Section::default();
        if self.is_encrypted(is_http) {
            transport.add("tls", self.settings.tls.section(is_http));
        }
        let (name, option) = if is_http {
            ("http", "static_headers")
        } else {
            ("grpc", "static_metadata")
        };
        if let Some(secret) = &self.secret {
            transport.push(option, Node::Header(secret.clone()));
        }
        section.add(name, transport);
    }

    /// Returns whether the endpoint of HTTP is encrypted, or that of gRPC.
    fn is_encrypted(&self, is_http: bool) -> bool {
        if is_http {
            let http = self.http.as_ref();
            return http.is_some_and(|url| url.starts_with("https://"));
        }
        self.grpc.as_ref().is_some_and(|grpc| grpc.is_encrypted)
    }

    /// Checks that the secret arrives.
    fn check_secret(&self) -> Result<(), Error> {
        let Some(Header { name, .. }) = &self.secret else {
            return Ok(());
        };
        for (option, names) in &self.forwarded {
            if names.contains(name) {
                return Err(Error::new(format!(
                    "`{option}` has `{name}`, the header of the secret: a client's value would take the place of the secret; \
                     leave it out, or change the secret's header by `Caller::header`"
                )));
            }
        }
        let is_own = names::is_own_header(name) || name == "user-agent";
        if is_own || self.grpc.is_some() && !is_metadata(name) {
            return Err(Error::new(format!(
                "`{name}` cannot be the header of the secret, since HTTP, gRPC or Centrifugo uses it in its own way: change it \
                 by `Caller::header`"
            )));
        }
        Ok(())
    }
}

/// Returns the header with the secret.
fn secret(caller: &Caller, settings: &Settings) -> Result<Option<Header>, Error> {
    let secret = caller.secret();
    let Some(variable) = &settings.secret_variable else {
        return secret.map(checked_secret).transpose();
    };
    let Some((name, _)) = secret else {
        return Err(Error::new(
            "there is no secret for the variable: create the handlers with `Caller::with_secret`",
        ));
    };
    let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let rest = variable.strip_prefix(VARIABLE).unwrap_or_default();
    if rest.is_empty() || !rest.bytes().all(is_valid) {
        return Err(Error::new(format!(
            "{variable:?} is not a variable that Centrifugo replaces: its name must be {VARIABLE} and ASCII letters, digits or `_`"
        )));
    }
    Ok(Some(Header {
        name: name.to_string(),
        value: format!("${{{variable}}}"),
    }))
}

fn checked_secret((name, value): (&HeaderName, String)) -> Result<Header, Error> {
    if value.contains(&format!("${{{VARIABLE}")) {
        return Err(Error::new(format!(
            "the secret has ${{{VARIABLE}, for which Centrifugo would put in a variable of its environment: choose another \
             secret, or call `secret_from_variable`"
        )));
    }
    let name = name.to_string();
    Ok(Header { name, value })
}

fn check_timeout(timeout: Duration, of_handlers: Duration) -> Result<(), Error> {
    if timeout > of_handlers {
        return Ok(());
    }
    Err(Error::new(format!(
        "Centrifugo waits {timeout:?} for an answer, and the handlers have {of_handlers:?}: give Centrifugo more by `timeout`, \
         or them less by `Handlers::timeout`"
    )))
}

fn no_endpoint(kind: EventKind) -> Error {
    if kind.is_stream() {
        return Error::new(format!(
            "`{kind}` is a stream, which only gRPC has: call `grpc` with the address of `Handlers::grpc`"
        ));
    }
    Error::new(format!(
        "there is no endpoint for `{kind}`: call `http` with the URL of `Handlers::http`, or `grpc` with the address of \
         `Handlers::grpc`"
    ))
}

/// Returns whether gRPC sends a header as it is.
fn is_metadata(name: &str) -> bool {
    let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    name.bytes().all(is_valid) && !name.starts_with("grpc-") && !name.ends_with("-bin")
}

/// Shows neither URLs, which may have passwords, nor secrets.
impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Settings")
            .field("http", &self.http.is_some())
            .field("grpc", &self.grpc.is_some())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

//! How a call's bytes reach the server and the reply's come back. A transport knows nothing of single methods.

#[cfg(feature = "grpc")]
mod channels;
#[cfg(feature = "grpc")]
pub(crate) mod frames;
#[cfg(test)]
mod fuzz;
#[cfg(feature = "grpc")]
mod grpc;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "http")]
mod legacy;
mod outgoing;
mod peer;
mod per_runtime;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
pub(crate) use outgoing::{Outgoing, Sent, Written};
pub(crate) use per_runtime::{PerRuntime, in_runtime};
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;

#[cfg(feature = "grpc")]
use crate::BatchRequest;
use crate::call::Call;
use crate::target::{Protocol, Target};
use crate::{Error, Method};

/// What all transports are built from: options that have been checked.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) target: Target,
    /// Where the target's host is, if that is not to be looked up.
    pub(crate) address: Option<SocketAddr>,
    /// The error mode among them, the key not.
    pub(crate) headers: ::http::HeaderMap,
    pub(crate) user_agent: ::http::HeaderValue,
    /// Where the key goes, if there is one.
    pub(crate) key_header: Option<::http::HeaderName>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) max_response_size: usize,
    pub(crate) connections: Connections,
    #[cfg(feature = "http")]
    pub(crate) legacy_commands: bool,
    #[cfg(feature = "tls")]
    pub(crate) tls: crate::tls::Tls,
}

/// What connections are like.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connections {
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) max_idle: Option<usize>,
    pub(crate) tcp_keepalive: Option<Duration>,
    pub(crate) http2_keep_alive: Option<Duration>,
    pub(crate) no_proxy: bool,
    pub(crate) grpc: Option<usize>,
    pub(crate) gzip: bool,
    pub(crate) unix_socket: Option<PathBuf>,
}

impl Settings {
    /// The server for errors.
    fn shown(&self) -> Box<str> {
        match self.address {
            Some(address) => format!("{} at {address}", self.target.url()).into(),
            None => self.target.url().into(),
        }
    }

    /// The values of the user's headers.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let secret = self.headers.values().filter(|value| value.is_sensitive());
        let text = secret.filter_map(|value| value.to_str().ok());
        text.map(str::to_owned)
            .filter(|text| text.len() > 3)
            .collect()
    }
}

#[cfg(test)]
impl Settings {
    /// Of a server that nobody calls.
    pub(crate) fn of(url: &str) -> Self {
        Self {
            target: Target::parse(url).unwrap(),
            address: None,
            key_header: None,
            headers: ::http::HeaderMap::new(),
            user_agent: ::http::HeaderValue::from_static("test"),
            connect_timeout: None,
            max_response_size: 1 << 20,
            connections: Connections::default(),
            #[cfg(feature = "http")]
            legacy_commands: false,
            #[cfg(feature = "tls")]
            tls: crate::tls::Tls::new(&crate::tls::Options::default(), false).unwrap(),
        }
    }
}

/// What can be read from JSON and from protobuf.
pub(crate) trait Readable: Message + DeserializeOwned + Default {}

impl<T: Message + DeserializeOwned + Default> Readable for T {}

pub(crate) enum Transport {
    #[cfg(feature = "http")]
    Http(http::Http),
    #[cfg(feature = "grpc")]
    Grpc(grpc::Grpc),
}

impl Transport {
    /// A transport that makes its connections itself.
    pub(crate) fn new(settings: Settings) -> Result<Self, Error> {
        match settings.target.protocol {
            #[cfg(feature = "http")]
            Protocol::Http => http::Http::new(settings, None).map(Self::Http),
            #[cfg(feature = "grpc")]
            Protocol::Grpc => grpc::Grpc::new(settings, None).map(Self::Grpc),
            #[cfg(not(all(feature = "http", feature = "grpc")))]
            _ => Err(Error::Config(
                "url: its transport is not compiled in".to_owned(),
            )),
        }
    }

    #[cfg(feature = "http")]
    pub(crate) fn http(settings: Settings, client: reqwest::Client) -> Result<Self, Error> {
        http::Http::new(settings, Some(client)).map(Self::Http)
    }

    #[cfg(feature = "grpc")]
    pub(crate) fn grpc(
        settings: Settings,
        channel: tonic::transport::Channel,
    ) -> Result<Self, Error> {
        grpc::Grpc::new(settings, Some(channel)).map(Self::Grpc)
    }

    /// Whether calls go as command lines.
    pub(crate) fn is_legacy(&self) -> bool {
        match self {
            #[cfg(feature = "http")]
            Self::Http(http) => http.is_legacy(),
            #[cfg(feature = "grpc")]
            Self::Grpc(_) => false,
        }
    }

    pub(crate) fn url(&self) -> &str {
        match self {
            #[cfg(feature = "http")]
            Self::Http(http) => http.url(),
            #[cfg(feature = "grpc")]
            Self::Grpc(grpc) => grpc.url(),
        }
    }

    /// What no error may show.
    pub(crate) fn secrets(&self) -> &[String] {
        match self {
            #[cfg(feature = "http")]
            Self::Http(http) => http.secrets(),
            #[cfg(feature = "grpc")]
            Self::Grpc(grpc) => grpc.secrets(),
        }
    }

    /// Writes the request's body, and leaves the request as it was.
    pub(crate) fn encode<M: Method>(&self, request: &mut M) -> Result<Written, Error> {
        match self {
            #[cfg(feature = "http")]
            Self::Http(http) => http.frame(M::NAME, http::encode(request)?),
            #[cfg(feature = "grpc")]
            Self::Grpc(_) => Ok(grpc::encode(request)),
        }
    }

    /// The request in a body that was written.
    pub(crate) fn message(&self, body: &Written) -> Bytes {
        match self {
            #[cfg(feature = "http")]
            Self::Http(_) => body.joined(),
            #[cfg(feature = "grpc")]
            Self::Grpc(_) => frames::framed(&body.joined()),
        }
    }

    /// Sends a request and answers the body of the reply.
    pub(crate) async fn send(&self, call: &Call<'_>, outgoing: Outgoing) -> Result<Bytes, Error> {
        match self {
            #[cfg(feature = "http")]
            Self::Http(http) => http.send(call, outgoing).await,
            #[cfg(feature = "grpc")]
            Self::Grpc(grpc) => grpc.send(call, outgoing).await,
        }
    }

    /// Reads the reply's body, which answers the request's.
    #[cfg_attr(not(feature = "http"), allow(unused_variables))]
    pub(crate) fn decode<T: Readable>(
        &self,
        method: &'static str,
        request: &Written,
        reply: &Bytes,
    ) -> Result<T, Error> {
        match self {
            #[cfg(feature = "http")]
            Self::Http(http) => http::decode(method, &http.unframe(method, request, reply)?),
            #[cfg(feature = "grpc")]
            Self::Grpc(_) => grpc::decode(method, reply),
        }
    }

    /// The parts of the reply to a batch, which [`decode_part`](Self::decode_part) reads.
    pub(crate) fn split(&self, reply: &Bytes) -> Result<Vec<Bytes>, Error> {
        match self {
            #[cfg(feature = "http")]
            Self::Http(_) => http::split(reply),
            #[cfg(feature = "grpc")]
            Self::Grpc(_) => {
                grpc::decode::<frames::Replies>(BatchRequest::NAME, reply).map(|split| split.0)
            }
        }
    }

    pub(crate) fn decode_part<T: Readable>(
        &self,
        method: &'static str,
        part: &Bytes,
    ) -> Result<T, Error> {
        match self {
            #[cfg(feature = "http")]
            Self::Http(_) => http::decode(method, part),
            #[cfg(feature = "grpc")]
            Self::Grpc(_) => grpc::decode(method, part),
        }
    }

    /// Writes the body of a call by name.
    #[cfg_attr(not(feature = "http"), allow(unused_variables))]
    pub(crate) fn encode_raw<P: Serialize + ?Sized>(
        &self,
        method: &str,
        params: &P,
    ) -> Result<Written, Error> {
        match self {
            #[cfg(feature = "http")]
            Self::Http(http) => http.frame(method, http::encode_raw(method, params)?.into()),
            #[cfg(feature = "grpc")]
            Self::Grpc(_) => Err(Error::InvalidRequest(format!(
                "{method}: call_raw speaks JSON, over http and https URLs; over gRPC, implement Method for a message \
                     of your own; nothing was sent"
            ))),
        }
    }
}

/// The error for a reply above the limit, whichever transport found it.
fn too_large(method: &'static str, limit: usize) -> Error {
    Error::Decode {
        method: Some(method),
        message: format!(
            "the reply is larger than max_response_size, {limit} bytes: ask for less at once, or raise it"
        ),
        source: None,
    }
}

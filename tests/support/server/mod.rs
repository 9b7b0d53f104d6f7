//! A Centrifugo server per test, on its own ports: a real one or the embedded one.

#![allow(dead_code)] // each test binary uses a part of it

use std::io;
use std::path::Path;

use centrifugo_api::{Client, ClientBuilder};

mod binary;
mod embedded;
mod exchange;
mod process;
mod version;

use embedded::Embedded;
use exchange::{exchange, status_of};
use process::Process;
pub(crate) use version::Version;

pub(crate) const HTTP_KEY: &str = "http-key";
pub(crate) const GRPC_KEY: &str = "grpc-key";

/// Returns the folder of the configurations and of the script that builds the servers. The package of
/// the test may be in a folder below that of the repository.
fn folder() -> String {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let mut folders = packages.map(|package| package.join("tests/centrifugo"));
    let folder = folders.find(|folder| folder.is_dir());
    let folder = folder.expect("the package is in the repository");
    folder.display().to_string()
}

/// The server of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    Real(Version),
    Embedded,
}

impl Backend {
    /// Returns the version that it is or behaves like.
    pub(crate) fn version(self) -> Version {
        match self {
            Self::Real(version) => version,
            Self::Embedded => Version::V6,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Http,
    Grpc,
}

impl Transport {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Http => Self::Grpc,
            Self::Grpc => Self::Http,
        }
    }
}

pub(crate) struct Server {
    pub(crate) http_port: u16,
    pub(crate) grpc_port: u16,
    pub(crate) running: Running,
}

/// A running server.
pub(crate) enum Running {
    Process(Box<Process>),
    Embedded(Embedded),
}

impl From<Process> for Server {
    fn from(process: Process) -> Self {
        let http_port = process.http_port;
        let grpc_port = process.grpc_port;
        Self {
            http_port,
            grpc_port,
            running: Running::Process(Box::new(process)),
        }
    }
}

impl From<Embedded> for Server {
    fn from(embedded: Embedded) -> Self {
        Self {
            http_port: embedded.port,
            grpc_port: embedded.port,
            running: Running::Embedded(embedded),
        }
    }
}

impl Server {
    /// Starts a server with the configuration in `tests/centrifugo`.
    pub(crate) async fn start(backend: Backend) -> Self {
        Self::start_with(backend, &[]).await
    }

    /// Starts a server with further options, given as Centrifugo's environment variables. They
    /// override the
    /// configuration unless they are empty.
    pub(crate) async fn start_with(backend: Backend, options: &[(&str, &str)]) -> Self {
        let configuration = format!("{}/{}.json", folder(), backend.version().number());
        match backend {
            Backend::Real(version) => Process::launch(version, &["-c", &configuration], options)
                .await
                .into(),
            Backend::Embedded => Embedded::launch(Some(&configuration), options).into(),
        }
    }

    /// Starts a server with these options only.
    pub(crate) async fn start_bare(backend: Backend, options: &[(&str, &str)]) -> Self {
        match backend {
            Backend::Real(version) => Process::launch(version, &[], options).await.into(),
            Backend::Embedded => Embedded::launch(None, options).into(),
        }
    }

    /// Kills the server and starts it again on the same ports.
    pub(crate) async fn restart(&mut self) {
        match &mut self.running {
            Running::Process(process) => process.restart().await,
            Running::Embedded(embedded) => embedded.restart(),
        }
    }

    /// Kills the server at once and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        match &mut self.running {
            Running::Process(process) => process.kill(),
            Running::Embedded(embedded) => embedded.kill(),
        }
    }

    /// Asks a real server to end: it finishes the calls that run.
    #[cfg(target_os = "linux")]
    pub(crate) fn terminate(&self) -> io::Result<()> {
        match &self.running {
            Running::Process(process) => process.signal("TERM"),
            Running::Embedded(_) => Err(io::Error::other("only a process can be terminated")),
        }
    }

    /// Stops or resumes a real server. While stopped, it keeps its connections and answers nothing.
    #[cfg(target_os = "linux")]
    pub(crate) fn freeze(&self, is_frozen: bool) -> io::Result<()> {
        match &self.running {
            Running::Process(process) => process.signal(if is_frozen { "STOP" } else { "CONT" }),
            Running::Embedded(_) => Err(io::Error::other("only a process can be frozen")),
        }
    }

    /// Returns what a real server has logged since it was started.
    pub(crate) fn log(&self) -> String {
        match &self.running {
            Running::Process(process) => process.log(),
            Running::Embedded(_) => String::new(),
        }
    }

    /// Calls a method without the crate's client, and returns the HTTP status.
    pub(crate) async fn post(&self, method: &str, body: &str) -> io::Result<u16> {
        let length = body.len();
        let request = format!(
            "POST /api/{method} HTTP/1.0\r\nX-API-Key: {HTTP_KEY}\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        status_of(self.http_port, &request).await
    }

    /// Reads a page of the server.
    pub(crate) async fn get(&self, path: &str) -> io::Result<String> {
        exchange(self.http_port, &format!("GET {path} HTTP/1.0\r\n\r\n")).await
    }

    /// Returns `http://127.0.0.1:PORT`.
    pub(crate) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.http_port)
    }

    /// Returns the URL of the server API.
    pub(crate) fn url(&self, transport: Transport) -> String {
        match transport {
            Transport::Http => format!("{}/api", self.origin()),
            Transport::Grpc => format!("grpc://127.0.0.1:{}", self.grpc_port),
        }
    }

    /// Returns the URL at which real-time clients connect to a real server.
    pub(crate) fn websocket_url(&self) -> String {
        format!("ws://127.0.0.1:{}/connection/websocket", self.http_port)
    }

    /// Returns a client with the right key.
    pub(crate) fn client(&self, transport: Transport) -> Client {
        let built = self.client_builder(transport).build();
        built.unwrap_or_else(|error| panic!("the client of {}: {error}", self.url(transport)))
    }

    /// Returns a builder with the right key.
    pub(crate) fn client_builder(&self, transport: Transport) -> ClientBuilder {
        let key = match transport {
            Transport::Http => HTTP_KEY,
            Transport::Grpc => GRPC_KEY,
        };
        Client::builder(self.url(transport)).api_key(key)
    }
}

/// Returns the path of a real server's binary, for its other commands.
pub(crate) fn binary(version: Version) -> Result<std::path::PathBuf, String> {
    binary::of(version)
}

/// Returns two ports that are free now and were not given to another test of this process.
pub(crate) fn free_ports() -> io::Result<[u16; 2]> {
    process::free_ports()
}

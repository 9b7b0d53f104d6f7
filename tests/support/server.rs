//! A real Centrifugo server, one a test: started on free ports, killed with the test.

#![allow(dead_code)] // each test binary uses a part of it

use std::collections::HashSet;
use std::io::{self, BufRead as _, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use centrifugo_api::{Client, ClientBuilder};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[path = "server_binary.rs"]
mod binary;

pub(crate) const HTTP_KEY: &str = "http-key";
pub(crate) const GRPC_KEY: &str = "grpc-key";

/// Where the configurations are, and what builds the servers.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/centrifugo");
const START_DEADLINE: Duration = Duration::from_secs(30);
const PROBE_DEADLINE: Duration = Duration::from_secs(2);
const ATTEMPTS: usize = 5;
const PORT_TAKEN: [&str; 2] = ["address already in use", "cannot listen to address"];

/// Runs the server until the standard input closes, which the kernel does however the test's process ends. The
/// shell's own standard error is closed so that the server's ends with the server.
const KEEPER: &str = r#"
trap '' HUP INT TERM
"$@" </dev/null & server=$!
exec 2>/dev/null
read -r _
kill -KILL "$server"
wait "$server"
"#;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V6,
    V5,
    /// Speaks the legacy command endpoint alone.
    V3,
}

impl Version {
    pub(crate) fn number(self) -> &'static str {
        match self {
            Self::V6 => "6.9.1",
            Self::V5 => "5.4.9",
            Self::V3 => "3.2.3",
        }
    }

    fn port_flags(self) -> [&'static str; 2] {
        match self {
            Self::V6 => ["--http_server.port", "--grpc_api.port"],
            Self::V5 | Self::V3 => ["--port", "--grpc_api_port"],
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
    version: Version,
    http_port: u16,
    grpc_port: u16,
    command: Command,
    keeper: Child,
    /// Closing it kills the server.
    lifeline: Option<ChildStdin>,
    log: Log,
}

impl Server {
    /// Starts a server with the configuration in `tests/centrifugo`.
    pub(crate) async fn start(version: Version) -> Self {
        Self::start_with(version, &[]).await
    }

    /// Starts a server with options of its own, given as Centrifugo's environment variables: they win over the
    /// configuration, unless they are empty.
    pub(crate) async fn start_with(version: Version, options: &[(&str, &str)]) -> Self {
        let configuration = format!("{FOLDER}/{}.json", version.number());
        Self::launch(version, &["-c", &configuration], options).await
    }

    /// Starts a server with these options alone.
    pub(crate) async fn start_bare(version: Version, options: &[(&str, &str)]) -> Self {
        Self::launch(version, &[], options).await
    }

    /// # Panics
    ///
    /// When there is no server to be had, or it does not start; the message says what to do.
    async fn launch(version: Version, arguments: &[&str], options: &[(&str, &str)]) -> Self {
        let binary = binary::of(version).unwrap_or_else(|problem| panic!("{problem}"));
        let mut failure = String::new();
        for _ in 0..ATTEMPTS {
            let mut server = Self::spawn(version, &binary, arguments, options)
                .unwrap_or_else(|error| panic!("cannot run {} by /bin/sh: {error}", binary.display()));
            match server.wait_until_healthy().await {
                Ok(()) => return server,
                Err(problem) => failure = format!("{} {problem}:\n{}", binary.display(), server.log.text()),
            }
            server.kill();
            if !PORT_TAKEN.iter().any(|complaint| failure.contains(complaint)) {
                break;
            }
        }
        panic!("{failure}");
    }

    fn spawn(
        version: Version,
        binary: &Path,
        arguments: &[&str],
        options: &[(&str, &str)],
    ) -> io::Result<Self> {
        let [http_port, grpc_port] = free_ports()?;
        let [http_flag, grpc_flag] = version.port_flags();
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", KEEPER, "sh"])
            .arg(binary)
            .args(arguments)
            .args([http_flag, &http_port.to_string(), grpc_flag, &grpc_port.to_string()])
            // Centrifugo takes every CENTRIFUGO_ variable for an option, those of these tests too.
            .env_clear()
            .envs(options.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let (keeper, lifeline, log) = Self::run(&mut command)?;
        Ok(Self { version, http_port, grpc_port, command, keeper, lifeline, log })
    }

    fn run(command: &mut Command) -> io::Result<(Child, Option<ChildStdin>, Log)> {
        let mut keeper = command.spawn()?;
        let lifeline = keeper.stdin.take();
        let log = Log::collect(keeper.stderr.take().ok_or_else(|| io::Error::other("no standard error"))?);
        Ok((keeper, lifeline, log))
    }

    /// Kills the server, and starts it anew on the same ports.
    pub(crate) async fn restart(&mut self) {
        self.kill();
        (self.keeper, self.lifeline, self.log) = Self::run(&mut self.command).expect("/bin/sh runs again");
        if let Err(problem) = self.wait_until_healthy().await {
            panic!("Centrifugo {}, restarted, {problem}:\n{}", self.version.number(), self.log.text());
        }
    }

    async fn wait_until_healthy(&self) -> Result<(), String> {
        let deadline = Instant::now() + START_DEADLINE;
        while Instant::now() < deadline {
            // In this order: whoever else has the port, this server has then ended.
            let probe = tokio::time::timeout(PROBE_DEADLINE, self.is_healthy());
            let healthy = matches!(probe.await, Ok(Ok(true)));
            if self.log.has_ended() {
                return Err("ended while it started".to_owned());
            }
            if healthy {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Err(format!("does not answer on {}/health after {START_DEADLINE:?}", self.origin()))
    }

    async fn is_healthy(&self) -> io::Result<bool> {
        Ok(self.status_of("GET /health HTTP/1.0\r\n\r\n").await? == 200)
    }

    /// Calls a method without the crate's client, and answers the HTTP status.
    pub(crate) async fn post(&self, method: &str, body: &str) -> io::Result<u16> {
        let length = body.len();
        self.status_of(&format!(
            "POST /api/{method} HTTP/1.0\r\nX-API-Key: {HTTP_KEY}\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
        .await
    }

    async fn status_of(&self, request: &str) -> io::Result<u16> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.http_port)).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        status.ok_or_else(|| io::Error::other(format!("no HTTP: {answer}")))
    }

    /// `http://127.0.0.1:PORT`
    pub(crate) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.http_port)
    }

    /// The URL of the server API.
    pub(crate) fn url(&self, transport: Transport) -> String {
        match transport {
            Transport::Http => format!("{}/api", self.origin()),
            Transport::Grpc => format!("grpc://127.0.0.1:{}", self.grpc_port),
        }
    }

    /// Where real-time clients connect.
    pub(crate) fn websocket_url(&self) -> String {
        format!("ws://127.0.0.1:{}/connection/websocket", self.http_port)
    }

    /// A client with the right key.
    pub(crate) fn client(&self, transport: Transport) -> Client {
        let built = self.client_builder(transport).build();
        built.unwrap_or_else(|error| panic!("the client of {}: {error}", self.url(transport)))
    }

    /// A builder with the right key.
    pub(crate) fn client_builder(&self, transport: Transport) -> ClientBuilder {
        let key = match transport {
            Transport::Http => HTTP_KEY,
            Transport::Grpc => GRPC_KEY,
        };
        Client::builder(self.url(transport)).api_key(key)
    }

    /// Kills the server at once, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        self.lifeline = None;
        let _ = self.keeper.wait();
    }
}

impl Drop for Server {
    #[allow(clippy::print_stderr)]
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("log of Centrifugo {}:\n{}", self.version.number(), self.log.text());
        }
    }
}

/// What the server writes to its standard error.
struct Log {
    text: Arc<Mutex<String>>,
    reader: JoinHandle<()>,
}

impl Log {
    fn collect(stderr: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let collected = Arc::clone(&text);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut text = collected.lock().unwrap_or_else(PoisonError::into_inner);
                text.push_str(&line);
                text.push('\n');
            }
        });
        Self { text, reader }
    }

    fn text(&self) -> String {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the server has ended.
    fn has_ended(&self) -> bool {
        self.reader.is_finished()
    }
}

/// Two ports that nobody uses now, and that no other test of this process was given.
fn free_ports() -> io::Result<[u16; 2]> {
    static GIVEN: OnceLock<Mutex<HashSet<u16>>> = OnceLock::new();
    let mut given = GIVEN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let mut free_port = || loop {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        if given.insert(port) {
            return io::Result::Ok(port);
        }
    };
    Ok([free_port()?, free_port()?])
}

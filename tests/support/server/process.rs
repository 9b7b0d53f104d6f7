//! A real Centrifugo server in its own process: started on free ports, killed with the test.

use std::collections::HashSet;
use std::io::{self, BufRead as _, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::exchange::status_of;
use super::{Version, binary};
use crate::keeper;

const START_DEADLINE: Duration = Duration::from_secs(30);
const PROBE_DEADLINE: Duration = Duration::from_secs(2);
const ATTEMPTS: usize = 5;
const PORT_TAKEN: [&str; 2] = ["address already in use", "cannot listen to address"];

pub(crate) struct Process {
    version: Version,
    pub(super) http_port: u16,
    pub(super) grpc_port: u16,
    /// The path of its health check. It is unique, so that no other server on the same port is
    /// taken for this one.
    health_path: String,
    command: Command,
    keeper: Child,
    /// Closing it kills the server.
    lifeline: Option<ChildStdin>,
    log: Log,
}

impl Process {
    /// # Panics
    ///
    /// If there is no binary or the server does not start. The message says what to do.
    pub(super) async fn launch(
        version: Version,
        arguments: &[&str],
        options: &[(&str, &str)],
    ) -> Self {
        let binary = binary::of(version).unwrap_or_else(|problem| panic!("{problem}"));
        let mut failure = String::new();
        for _ in 0..ATTEMPTS {
            let mut server =
                Self::spawn(version, &binary, arguments, options).unwrap_or_else(|error| {
                    panic!("cannot run {} by /bin/sh: {error}", binary.display())
                });
            match server.wait_until_healthy().await {
                Ok(()) => return server,
                Err(problem) => {
                    failure = format!("{} {problem}:\n{}", binary.display(), server.log.text())
                }
            }
            server.kill();
            if !PORT_TAKEN
                .iter()
                .any(|complaint| failure.contains(complaint))
            {
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
        let health_path = format!("/health-{}-{http_port}-{grpc_port}", std::process::id());
        let mut command = keeper::command(binary, "KILL");
        command
            .args(arguments)
            .args([
                http_flag,
                &http_port.to_string(),
                grpc_flag,
                &grpc_port.to_string(),
            ])
            // Centrifugo reads every CENTRIFUGO_ variable as an option, including those of these
            // tests.
            .env_clear()
            .envs(options.iter().copied())
            .env("CENTRIFUGO_HEALTH_HANDLER_PREFIX", &health_path)
            .stderr(Stdio::piped());
        let (keeper, lifeline, log) = Self::run(&mut command)?;
        Ok(Self {
            version,
            http_port,
            grpc_port,
            health_path,
            command,
            keeper,
            lifeline,
            log,
        })
    }

    fn run(command: &mut Command) -> io::Result<(Child, Option<ChildStdin>, Log)> {
        let mut keeper = command.spawn()?;
        let lifeline = keeper.stdin.take();
        let log = Log::collect(
            keeper
                .stderr
                .take()
                .ok_or_else(|| io::Error::other("no standard error"))?,
        );
        Ok((keeper, lifeline, log))
    }

    /// Kills the server and starts it again on the same ports.
    pub(super) async fn restart(&mut self) {
        self.kill();
        (self.keeper, self.lifeline, self.log) =
            Self::run(&mut self.command).expect("/bin/sh runs again");
        if let Err(problem) = self.wait_until_healthy().await {
            panic!(
                "Centrifugo {}, restarted, {problem}:\n{}",
                self.version.number(),
                self.log.text()
            );
        }
    }

    async fn wait_until_healthy(&self) -> Result<(), String> {
        let deadline = Instant::now() + START_DEADLINE;
        while Instant::now() < deadline {
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
        Err(format!(
            "does not answer {} on port {} after {START_DEADLINE:?}",
            self.health_path, self.http_port
        ))
    }

    async fn is_healthy(&self) -> io::Result<bool> {
        // A server that speaks only TLS answers with 400.
        let probe = format!("GET {} HTTP/1.0\r\n\r\n", self.health_path);
        Ok(matches!(
            status_of(self.http_port, &probe).await?,
            200 | 400
        ))
    }

    /// Sends a signal to the server, such as `STOP`.
    #[cfg(target_os = "linux")]
    pub(super) fn signal(&self, signal: &str) -> io::Result<()> {
        keeper::signal(&self.keeper, signal)
    }

    pub(super) fn log(&self) -> String {
        self.log.text()
    }

    /// Kills the server at once and waits until it is gone.
    pub(super) fn kill(&mut self) {
        self.lifeline = None;
        let _ = self.keeper.wait();
    }
}

impl Drop for Process {
    #[allow(clippy::print_stderr)]
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!(
                "log of Centrifugo {}:\n{}",
                self.version.number(),
                self.log.text()
            );
        }
    }
}

/// The server's standard error.
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
        self.text
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether the server has ended.
    fn has_ended(&self) -> bool {
        self.reader.is_finished()
    }
}

/// Returns two ports that are free now and were not given to another test of this process.
pub(super) fn free_ports() -> io::Result<[u16; 2]> {
    static GIVEN: OnceLock<Mutex<HashSet<u16>>> = OnceLock::new();
    let mut given = GIVEN
        .get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let mut free_port = || loop {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        if given.insert(port) {
            return io::Result::Ok(port);
        }
    };
    Ok([free_port()?, free_port()?])
}

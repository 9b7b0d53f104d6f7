//! A real Centrifugo for the run: started on free ports, killed at the end.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Failure;

pub const HTTP_KEY: &str = "http-key";
pub const GRPC_KEY: &str = "grpc-key";

const START_DEADLINE: Duration = Duration::from_secs(30);
/// In place of those of the configuration.
const NAMESPACES: &str = r#"[
    {"name": "bench"},
    {"name": "hist", "history_size": 1000, "history_ttl": "86400s"}
]"#;

/// Runs the server until the standard input closes, which the kernel does however this process ends.
const KEEPER: &str = r#"
trap '' HUP INT TERM
"$@" </dev/null & server=$!
read -r _
kill -KILL "$server"
wait "$server"
"#;

/// The address of a server.
#[derive(Clone, Copy, Debug)]
pub struct Address {
    pub http_port: u16,
    pub grpc_port: u16,
}

impl Address {
    pub fn http_url(self) -> String {
        format!("http://127.0.0.1:{}/api", self.http_port)
    }

    pub fn grpc_url(self) -> String {
        format!("grpc://127.0.0.1:{}", self.grpc_port)
    }
}

pub struct Server {
    pub address: Address,
    keeper: Child,
}

impl Server {
    pub fn start() -> Result<Self, Failure> {
        let binary = binary()?;
        let [http, grpc] = free_ports()?;
        let keeper = Command::new("/bin/sh")
            .args(["-c", KEEPER, "sh"])
            .arg(&binary)
            .args([
                "-c",
                concat!(
                    env!("CARGO_MANIFEST_DIR"),
                    "/../../tests/centrifugo/6.9.1.json"
                ),
            ])
            .args([
                "--http_server.port",
                &http.to_string(),
                "--grpc_api.port",
                &grpc.to_string(),
            ])
            // Centrifugo takes every CENTRIFUGO_ variable for an option.
            .env_clear()
            .env("CENTRIFUGO_CHANNEL_NAMESPACES", NAMESPACES)
            .env("CENTRIFUGO_LOG_LEVEL", "error")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut server = Self {
            address: Address {
                http_port: http,
                grpc_port: grpc,
            },
            keeper,
        };
        server
            .wait_until_healthy()
            .map_err(|problem| format!("{} {problem}", binary.display()))?;
        Ok(server)
    }

    fn wait_until_healthy(&mut self) -> Result<(), Failure> {
        let deadline = Instant::now() + START_DEADLINE;
        while Instant::now() < deadline {
            if is_healthy(self.address.http_port).unwrap_or(false) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.kill();
        let log = self
            .keeper
            .stderr
            .take()
            .map(|log| BufReader::new(log).lines().map_while(Result::ok));
        let log: Vec<_> = log.into_iter().flatten().collect();
        Err(format!(
            "does not answer /health after {START_DEADLINE:?}: {}",
            log.join("\n")
        )
        .into())
    }

    fn kill(&mut self) {
        self.keeper.stdin = None;
        let _ = self.keeper.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `CENTRIFUGO_BIN`, or what the tests build.
fn binary() -> Result<PathBuf, Failure> {
    if let Some(path) = std::env::var_os("CENTRIFUGO_BIN") {
        return Ok(path.into());
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/centrifugo/build");
    let output = Command::new(script)
        .arg("6.9.1")
        .stderr(Stdio::inherit())
        .output()?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?.trim_end().into())
    } else {
        Err(format!("{script} ended with {}: set CENTRIFUGO_BIN", output.status).into())
    }
}

fn free_ports() -> std::io::Result<[u16; 2]> {
    let listeners = [
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?,
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?,
    ];
    Ok([
        listeners[0].local_addr()?.port(),
        listeners[1].local_addr()?.port(),
    ])
}

fn is_healthy(port: u16) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(b"GET /health HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.starts_with("HTTP/1.0 200"))
}

//! A real Redis, usually one per process: in its own folder, listening on a socket there, ended with
//! the process.

#![allow(dead_code)] // each test binary uses a part of it

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::OnceCell;

use crate::keeper;

const START_DEADLINE: Duration = Duration::from_secs(30);

const HELP: &str =
    "the tests with several nodes need redis-server: on Debian, `apt-get install -y redis-server`";

type Problem = Box<dyn std::error::Error>;

/// The server.
#[derive(Debug)]
pub(crate) struct Redis {
    socket: PathBuf,
    keeper: Child,
}

impl Redis {
    /// Returns the server of this process. It lives in a static, which is never dropped: it ends with
    /// the process.
    ///
    /// # Panics
    ///
    /// If Redis is not installed or does not start. The message says what to do.
    pub(crate) async fn shared() -> &'static Self {
        static SHARED: OnceCell<Redis> = OnceCell::const_new();
        let start = async || {
            Self::start()
                .await
                .unwrap_or_else(|problem| panic!("{HELP}: {problem}"))
        };
        SHARED.get_or_init(start).await
    }

    /// Returns its address in Centrifugo's form.
    pub(crate) fn address(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// Stops or resumes the server. While stopped, it keeps its connections and answers nothing.
    #[cfg(target_os = "linux")]
    pub(crate) fn freeze(&self, is_frozen: bool) -> std::io::Result<()> {
        keeper::signal(&self.keeper, if is_frozen { "STOP" } else { "CONT" })
    }

    pub(crate) async fn start() -> Result<Self, Problem> {
        let folder = tempfile::Builder::new().prefix("redis-").tempdir()?;
        let socket = folder.path().join("socket");
        let log = folder.path().join("log");
        let mut command =
            keeper::command_with_folder(Path::new("redis-server"), "KILL", folder.path());
        // Writes nothing to disk and listens on the socket alone.
        command
            .args(["--port", "0", "--save", "", "--appendonly", "no"])
            .arg("--unixsocket")
            .arg(&socket)
            .arg("--logfile")
            .arg(&log)
            .arg("--dir")
            .arg(folder.path())
            .stderr(Stdio::null());
        let server = Self {
            keeper: command.spawn()?,
            socket,
        };
        let started = tokio::time::timeout(START_DEADLINE, server.started()).await;
        if started.is_err() {
            let log = std::fs::read_to_string(log).unwrap_or_default();
            return Err(format!("it does not answer within {START_DEADLINE:?}:\n{log}").into());
        }
        // The keeper removes it.
        let _ = folder.keep();
        Ok(server)
    }

    async fn started(&self) {
        while !ping(&self.socket).await.unwrap_or(false) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn ping(socket: &Path) -> std::io::Result<bool> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(b"PING\r\n").await?;
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).await?;
    Ok(&answer == b"+PONG\r\n")
}

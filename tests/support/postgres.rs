//! A real PostgreSQL per process: in its own folder, listening on a socket there, ended with the
//! process.

use std::fs::File;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

use crate::keeper;

const START_DEADLINE: Duration = Duration::from_secs(30);

const HELP: &str =
    "these tests need PostgreSQL's initdb and postgres: on Debian, `apt-get install -y postgresql`";

type Problem = Box<dyn std::error::Error>;

/// The server. It lives in a static, which is never dropped: it ends with the process.
#[derive(Debug)]
pub(crate) struct Postgres {
    folder: PathBuf,
    _keeper: Child,
}

impl Postgres {
    /// # Panics
    ///
    /// If PostgreSQL is not installed or does not start. The message says what to do.
    pub(crate) async fn shared() -> &'static Self {
        static SHARED: OnceCell<Postgres> = OnceCell::const_new();
        let start = async || {
            Self::start()
                .await
                .unwrap_or_else(|problem| panic!("{HELP}: {problem}"))
        };
        SHARED.get_or_init(start).await
    }

    /// Creates a database of that name, and returns its URL.
    pub(crate) async fn database(&self, name: &str) -> Result<String, Problem> {
        connect(&self.url("postgres"))
            .await?
            .batch_execute(&format!("CREATE DATABASE \"{name}\""))
            .await?;
        Ok(self.url(name))
    }

    /// Returns the URL of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        format!(
            "postgresql:///{database}?user=cent&host={}",
            self.folder.display()
        )
    }

    async fn start() -> Result<Self, Problem> {
        let programs = programs()
            .ok_or("they are neither where `pg_config --bindir` says nor in /usr/lib/postgresql")?;
        let folder = tempfile::Builder::new().prefix("postgres-").tempdir()?;
        let owner = Owner::find()?;
        owner.give(folder.path())?;

        let mut initdb = Command::new(programs.join("initdb"));
        initdb.args([
            "--username=cent",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]);
        let output = owner
            .run(&mut initdb)
            .arg("-D")
            .arg(folder.path().join("data"))
            .current_dir(folder.path())
            .output()?;
        if !output.status.success() {
            return Err(
                format!("initdb failed: {}", String::from_utf8_lossy(&output.stderr)).into(),
            );
        }

        let log = folder.path().join("log");
        // SIGQUIT stops it at once, with all its child processes.
        let mut command =
            keeper::command_with_folder(&programs.join("postgres"), "QUIT", folder.path());
        command
            .arg("-D")
            .arg(folder.path().join("data"))
            .arg("-k")
            .arg(folder.path())
            .args(["-c", "listen_addresses="])
            .args(["-c", "fsync=off"])
            .args(["-c", "max_connections=50"])
            .current_dir(folder.path())
            .stderr(File::create(&log)?);
        let server = Self {
            _keeper: owner.run(&mut command).spawn()?,
            folder: folder.keep(),
        };
        server.wait_until_ready(&log).await?;
        Ok(server)
    }

    async fn wait_until_ready(&self, log: &Path) -> Result<(), Problem> {
        let deadline = Instant::now() + START_DEADLINE;
        while let Err(problem) = connect(&self.url("postgres")).await {
            if Instant::now() > deadline {
                return Err(format!("{problem}:\n{}", std::fs::read_to_string(log)?).into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }
}

pub(crate) async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // It ends with the client, whose calls return its errors too.
    tokio::spawn(connection);
    Ok(client)
}

/// Returns the folder of the server's programs, of the newest version.
fn programs() -> Option<PathBuf> {
    let configured = Command::new("pg_config").arg("--bindir").output().ok();
    let configured =
        configured.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim_end()));
    let mut installed: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|versions| {
            versions
                .flatten()
                .map(|version| version.path().join("bin"))
                .collect()
        })
        .unwrap_or_default();
    installed.sort();
    let mut folders = configured.into_iter().chain(installed.into_iter().rev());
    folders.find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

/// The user who runs the server: PostgreSQL refuses to run as root.
enum Owner {
    Myself,
    Other { user: u32, group: u32 },
}

impl Owner {
    fn find() -> Result<Self, Problem> {
        if id(&["-u"])? != 0 {
            return Ok(Self::Myself);
        }
        let postgres = |flag| {
            id(&[flag, "postgres"]).map_err(|problem| format!("root cannot run it: {problem}"))
        };
        Ok(Self::Other {
            user: postgres("-u")?,
            group: postgres("-g")?,
        })
    }

    fn give(&self, folder: &Path) -> std::io::Result<()> {
        match *self {
            Self::Myself => Ok(()),
            Self::Other { user, group } => chown(folder, Some(user), Some(group)),
        }
    }

    fn run<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        match *self {
            Self::Myself => command,
            Self::Other { user, group } => command.uid(user).gid(group),
        }
    }
}

fn id(arguments: &[&str]) -> Result<u32, Problem> {
    let output = Command::new("id").args(arguments).output()?;
    let number = String::from_utf8_lossy(&output.stdout).trim_end().parse();
    number.map_err(|_| String::from_utf8_lossy(&output.stderr).trim_end().into())
}

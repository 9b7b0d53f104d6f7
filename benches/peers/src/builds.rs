//! The cost of a crate for its users: the time of a clean debug build, and the number of crates built.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Failure;
use crate::results::median;

const PEERS: &str = env!("CARGO_MANIFEST_DIR");

/// A name for the table, and the dependency of a crate that has no other.
fn dependencies() -> [(&'static str, String); 3] {
    let this = |options: &str| format!("centrifugo-api = {{ path = \"{PEERS}/../..\"{options} }}");
    [
        ("cent", "cent = \"=0.1.0\"".to_owned()),
        ("this, default features", this("")),
        (
            "this, `grpc` alone",
            this(", default-features = false, features = [\"grpc\"]"),
        ),
    ]
}

pub fn table(rounds: usize) -> Result<String, Failure> {
    let scratch = Scratch::new()?;
    let dependencies = dependencies();
    let mut times = vec![Vec::new(); dependencies.len()];
    let mut crates = Vec::new();
    for (_, dependency) in &dependencies {
        scratch.depend_on(dependency)?;
        scratch.cargo(&["fetch"])?;
        crates.push(scratch.crates()?);
    }
    for round in 0..rounds {
        for ((name, dependency), times) in dependencies.iter().zip(&mut times) {
            scratch.depend_on(dependency)?;
            let took = scratch.build()?;
            eprintln!("round {}, {name}: {:.1} s", round + 1, took.as_secs_f64());
            times.push(took);
        }
    }
    let medians: Vec<_> = times
        .into_iter()
        .filter_map(|times| median(times.into_iter()))
        .collect();
    let mut text = "| clean debug build | s | crates | × cent |\n|---|---|---|---|\n".to_owned();
    for (((name, _), time), crates) in dependencies.iter().zip(&medians).zip(crates) {
        let ratio = time.div_duration_f64(medians[0]);
        let _ = writeln!(
            text,
            "| {name} | {:.1} | {crates} | {ratio:.2} |",
            time.as_secs_f64()
        );
    }
    Ok(text)
}

/// A crate that is empty but for its dependency, in a folder that goes with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, Failure> {
        let folder =
            std::env::temp_dir().join(format!("centrifugo-api-builds-{}", std::process::id()));
        fs::create_dir_all(folder.join("src"))?;
        fs::write(folder.join("src/main.rs"), "fn main() {}\n")?;
        Ok(Self(folder))
    }

    fn depend_on(&self, dependency: &str) -> Result<(), Failure> {
        let manifest = format!(
            "[package]\nname = \"scratch\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
             [dependencies]\n{dependency}\n"
        );
        fs::write(self.0.join("Cargo.toml"), manifest)?;
        // The versions that the calls are measured with.
        fs::copy(
            Path::new(PEERS).join("Cargo.lock"),
            self.0.join("Cargo.lock"),
        )?;
        Ok(())
    }

    fn build(&self) -> Result<Duration, Failure> {
        let target = self.0.join("target");
        if target.exists() {
            fs::remove_dir_all(target)?;
        }
        let begin = Instant::now();
        self.cargo(&["build", "--offline", "--quiet"])?;
        Ok(begin.elapsed())
    }

    /// The number of crates that are built on this system.
    fn crates(&self) -> Result<usize, Failure> {
        let tree = self.cargo(&[
            "tree",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--no-dedupe",
        ])?;
        let mut crates: Vec<_> = tree.lines().filter_map(package).collect();
        crates.sort_unstable();
        crates.dedup();
        Ok(crates.len() - 1)
    }

    fn cargo(&self, arguments: &[&str]) -> Result<String, Failure> {
        let mut command = Command::new("cargo");
        command
            .args(arguments)
            .current_dir(&self.0)
            .env("CARGO_TARGET_DIR", self.0.join("target"));
        let output = command.stderr(Stdio::inherit()).output()?;
        if output.status.success() {
            Ok(String::from_utf8(output.stdout)?)
        } else {
            Err(format!("cargo {}: {}", arguments.join(" "), output.status).into())
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Name and version, of `tokio v1.54.1 (proc-macro)`.
fn package(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split(' ');
    Some((words.next()?, words.next()?))
}

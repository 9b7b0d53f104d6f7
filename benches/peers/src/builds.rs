//! The cost of a crate for its users: the time of a clean debug build, and the number of crates built.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Failure;
use crate::report;
use crate::results::Quartiles;

const PEERS: &str = env!("CARGO_MANIFEST_DIR");

/// A crate that is built as the only dependency of another one.
struct Build {
    name: &'static str,
    dependency: String,
    /// The target: at most so many times the time of `cent`.
    at_most: Option<f64>,
}

/// Returns all builds; that of `cent` is the first.
fn builds() -> [Build; 4] {
    let this = |name, options: &str, at_most| Build {
        name,
        dependency: format!("centrifugo-api = {{ path = \"{PEERS}/../..\"{options} }}"),
        at_most: Some(at_most),
    };
    let features = |list| format!(", default-features = false, features = [{list}]");
    [
        Build {
            name: "cent",
            dependency: "cent = \"=0.1.0\"".to_owned(),
            at_most: None,
        },
        this("this, default features", "", 1.15),
        this("this, `hyper,tls`", &features(r#""hyper", "tls""#), 0.95),
        this("this, `grpc` alone", &features(r#""grpc""#), 0.9),
    ]
}

pub fn table(rounds: usize) -> Result<String, Failure> {
    let scratch = Scratch::new()?;
    let builds = builds();
    let mut times = vec![Vec::new(); builds.len()];
    let mut crates = Vec::new();
    for build in &builds {
        scratch.depend_on(&build.dependency)?;
        scratch.cargo(&["fetch"])?;
        crates.push(scratch.crates()?);
    }
    for round in 0..rounds {
        for (build, times) in builds.iter().zip(&mut times) {
            scratch.depend_on(&build.dependency)?;
            let seconds = scratch.build()?.as_secs_f64();
            eprintln!("round {}, {}: {seconds:.1} s", round + 1, build.name);
            times.push(seconds);
        }
    }
    let mut text = "| clean debug build | s | crates | × cent: median (quartiles) | target |\n\
                    |---|---|---|---|---|\n"
        .to_owned();
    for ((build, seconds), crates) in builds.iter().zip(&times).zip(crates) {
        let ratios = seconds.iter().zip(&times[0]);
        let ratio = Quartiles::of(ratios.map(|(seconds, cents)| seconds / cents));
        let median = Quartiles::of(seconds.iter().copied());
        let (Some(ratio), Some(seconds)) = (ratio, median) else {
            continue;
        };
        let target = build.at_most.map_or_else(String::new, |at_most| {
            format!(
                "at most {at_most:.2}: {}",
                report::outcome(ratio.median, at_most)
            )
        });
        let _ = writeln!(
            text,
            "| {} | {:.1} | {crates} | {} | {target} |",
            build.name,
            seconds.median,
            report::ratio(ratio)
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

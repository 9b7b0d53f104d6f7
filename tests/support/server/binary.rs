//! The server's binary: from `CENTRIFUGO_BIN` and similar variables, the PATH, or
//! `tests/centrifugo/build`.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::{Version, folder};

/// Returns the server's binary, found or built once per process.
pub(super) fn of(version: Version) -> Result<PathBuf, String> {
    static V6: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    static V5: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    static V3: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let found = match version {
        Version::V6 => &V6,
        Version::V5 => &V5,
        Version::V3 => &V3,
    };
    found.get_or_init(|| find_binary(version)).clone()
}

fn find_binary(version: Version) -> Result<PathBuf, String> {
    if let Some(path) = std::env::var_os(variable(version)) {
        return Ok(path.into());
    }
    match on_path(version) {
        Some(path) => Ok(path),
        None => build(version),
    }
}

/// Returns the `centrifugo` on the PATH if it has this version: it prints `Centrifugo v6.9.1 (Go
/// version: go1.26.8)`.
fn on_path(version: Version) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let binary = std::env::split_paths(&folders)
        .map(|folder| folder.join("centrifugo"))
        .find(|p| p.is_file())?;
    let output = Command::new(&binary).arg("version").output().ok()?;
    let says = String::from_utf8_lossy(&output.stdout).contains(&format!("v{} ", version.number()));
    says.then_some(binary)
}

fn build(version: Version) -> Result<PathBuf, String> {
    let script = format!("{}/build", folder());
    let help = format!(
        "these tests need Centrifugo {}: set {} to its path, or install Go 1.26 so that {script} can build it \
         (tests/centrifugo/README.md)",
        version.number(),
        variable(version)
    );
    let output = Command::new(&script)
        .arg(version.number())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("{help}: {script}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().into())
    } else {
        Err(format!("{help}: {script} ended with {}", output.status))
    }
}

/// Returns the environment variable that names the binary.
fn variable(version: Version) -> &'static str {
    match version {
        Version::V6 => "CENTRIFUGO_BIN",
        Version::V5 => "CENTRIFUGO_V5_BIN",
        Version::V3 => "CENTRIFUGO_V3_BIN",
    }
}

//! Servers as child processes that end together with the test process, even if that is killed.

#![allow(dead_code)] // each test binary uses a part of it

use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Runs a program until the standard input closes: the kernel closes it when the parent process
/// ends. Then the shell
/// sends the program a signal, waits for its end, and removes its folder. The shell closes its own
/// standard error, so
/// that the pipe ends with the program.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
signal=$1
folder=$2
shift 2
"$@" </dev/null & program=$!
exec 2>/dev/null
read -r _
kill -"$signal" "$program"
wait "$program"
[ -z "$folder" ] || rm -rf "$folder"
"#;

/// Returns a command that runs `program`. The caller adds the arguments.
///
/// The program gets `signal` when the standard input of the command closes.
pub(crate) fn command(program: &Path, signal: &str) -> Command {
    build(program, signal, Path::new(""))
}

/// Returns a command that runs `program` and removes `folder` after it.
pub(crate) fn command_with_folder(program: &Path, signal: &str, folder: &Path) -> Command {
    build(program, signal, folder)
}

/// Sends a signal to the program that a command of this module runs.
#[cfg(target_os = "linux")]
pub(crate) fn signal(keeper: &Child, signal: &str) -> io::Result<()> {
    let keeper = keeper.id();
    let programs = std::fs::read_to_string(format!("/proc/{keeper}/task/{keeper}/children"))?;
    let sent = Command::new("kill")
        .arg(format!("-{signal}"))
        .args(programs.split_whitespace())
        .status()?;
    sent.success()
        .then_some(())
        .ok_or_else(|| io::Error::other(format!("kill: {sent}")))
}

fn build(program: &Path, signal: &str, folder: &Path) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", SCRIPT, "sh", signal])
        .arg(folder)
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::null());
    command
}

//! Compiles `proto/api.proto`, or the schema that `CENTRIFUGO_API_PROTO` names, into the crate's messages,
//! their JSON, the method table and the client's methods. Needs neither protoc nor a network; writes to
//! `OUT_DIR` only.

// Nothing can reach into a build script.
#![allow(unreachable_pub)]

use std::path::PathBuf;

#[path = "build/mod.rs"]
mod build;

const SCHEMA_VARIABLE: &str = "CENTRIFUGO_API_PROTO";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-env-changed={SCHEMA_VARIABLE}");
    if let Err(message) = run() {
        for line in message.lines() {
            println!("cargo::error={line}");
        }
        std::process::exit(1);
    }
}

fn run() -> Result<(), String> {
    let path = match std::env::var_os(SCHEMA_VARIABLE) {
        Some(path) => named_schema(PathBuf::from(path))?,
        None => PathBuf::from("proto/api.proto"),
    };
    println!("cargo::rerun-if-changed={}", path.display());
    let generated = build::generate(&path)?;
    for source in &generated.sources {
        println!("cargo::rerun-if-changed={}", source.display());
    }
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR for a build script")?);
    let mut files = vec![
        ("api.rs", generated.messages),
        ("client.rs", generated.client),
        ("blocking.rs", generated.blocking),
        ("messages.rs", generated.list),
    ];
    if std::env::var_os("CARGO_FEATURE_TESTING").is_some() {
        files.extend([("served.rs", generated.served?), ("descriptors.rs", generated.descriptors)]);
    }
    for (name, code) in files {
        let file = out.join(name);
        std::fs::write(&file, code).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    }
    Ok(())
}

/// A dependency's build script runs in the dependency's folder, so a relative path would not mean what its
/// author meant.
fn named_schema(path: PathBuf) -> Result<PathBuf, String> {
    if path.is_absolute() {
        return Ok(path);
    }
    Err(format!(
        "{SCHEMA_VARIABLE} is `{}`: give the absolute path of a Centrifugo api.proto, \
         or unset it to build from the schema that the crate ships",
        path.display()
    ))
}

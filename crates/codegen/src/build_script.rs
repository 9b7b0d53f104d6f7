//! The build scripts of the SDK, of the proxy's messages and of the test server.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::profile::{API, PROXY, Profile};
use crate::{Generated, handled, proxy};

/// The variable in which cargo passes the SDK's schema to the build scripts of crates that depend
/// on the SDK.
const SDK_SCHEMA_VARIABLE: &str = "DEP_CENTRIFUGO_API_SCHEMA";

/// The variable in which cargo passes the schema that the SDK ships to the same build scripts.
const SHIPPED_SCHEMA_VARIABLE: &str = "DEP_CENTRIFUGO_API_SHIPPED";

/// Generates the SDK into `OUT_DIR`, from the schema that `CENTRIFUGO_API_PROTO` names, or else
/// from the one at `shipped`, a path relative to the SDK's `Cargo.toml`.
///
/// Passes the paths of both to the build scripts of dependents, as the metadata `schema` and `shipped`.
pub fn build_sdk(shipped: &str) {
    finish(sdk(shipped));
}

/// Generates the messages of the proxy protocol into `OUT_DIR`, from the schema that `CENTRIFUGO_PROXY_PROTO` names, or
/// else from the one at `shipped`, a path relative to the crate's `Cargo.toml`.
///
/// Messages that are the same in the schema that the SDK was built from are the SDK's.
pub fn build_proxy(shipped: &str) {
    finish(proxy_messages(shipped));
}

/// Generates the test server's tables into `OUT_DIR`, from the schema that the SDK was built from, and the messages of
/// its handlers, from the schema that the SDK ships.
pub fn build_test_server() {
    finish(test_server());
}

/// Generates into `OUT_DIR` the macros over all messages of the schema that the SDK was built from, for tests of a
/// package that depends on the SDK.
pub fn build_message_tests() {
    finish(message_tests());
}

/// Reports each line of an error as an error of cargo, and ends the build.
fn finish(result: Result<(), String>) {
    if let Err(message) = result {
        for line in message.lines() {
            println!("cargo::error={line}");
        }
        std::process::exit(1);
    }
}

fn sdk(shipped: &str) -> Result<(), String> {
    println!("cargo::rerun-if-changed=build.rs");
    let shipped = folder_in("CARGO_MANIFEST_DIR")?.join(shipped);
    let path = chosen_schema(&API)?.unwrap_or_else(|| shipped.clone());
    println!("cargo::metadata=schema={}", path.display());
    println!("cargo::metadata=shipped={}", shipped.display());
    let generated = load(&path)?;
    write("api.rs", &generated.messages)?;
    write("requests.rs", &generated.requests)?;
    write("consumers.rs", &generated.consumers)?;
    write("client.rs", &generated.client)?;
    write("blocking.rs", &generated.blocking)?;
    write_message_tests(&API, &path, &generated.macros)
}

fn proxy_messages(shipped: &str) -> Result<(), String> {
    println!("cargo::rerun-if-changed=build.rs");
    let shipped = folder_in("CARGO_MANIFEST_DIR")?.join(shipped);
    let path = chosen_schema(&PROXY)?.unwrap_or_else(|| shipped.clone());
    let sdk = passed(SDK_SCHEMA_VARIABLE)?;
    for schema in [&path, &shipped, &sdk] {
        println!("cargo::rerun-if-changed={}", schema.display());
    }
    let generated = proxy::generate(&path, &shipped, &sdk)?;
    watch(&generated.sources);
    write("proxy.rs", &generated.messages)?;
    write_message_tests(&PROXY, &path, &generated.macros)
}

fn test_server() -> Result<(), String> {
    println!("cargo::rerun-if-changed=build.rs");
    let generated = load(&passed(SDK_SCHEMA_VARIABLE)?)?;
    write("served.rs", &generated.served?)?;
    write("descriptors.rs", &generated.descriptors)?;
    let shipped = passed(SHIPPED_SCHEMA_VARIABLE)?;
    println!("cargo::rerun-if-changed={}", shipped.display());
    write("messages.rs", &handled::generate(&shipped)?)
}

fn message_tests() -> Result<(), String> {
    println!("cargo::rerun-if-changed=build.rs");
    let path = passed(SDK_SCHEMA_VARIABLE)?;
    write_message_tests(&API, &path, &load(&path)?.macros)
}

/// Writes the macros over all messages, and passes the schema's path to the tests.
fn write_message_tests(profile: &Profile, path: &Path, macros: &str) -> Result<(), String> {
    let variable = profile.tested_variable;
    println!("cargo::rustc-env={variable}={}", path.display());
    write("messages.rs", macros)
}

/// Returns the path in a variable that cargo sets from the SDK's metadata.
fn passed(variable: &str) -> Result<PathBuf, String> {
    println!("cargo::rerun-if-env-changed={variable}");
    let path = env::var_os(variable).ok_or_else(|| {
        format!("{variable} is not set: cargo sets it if centrifugo-api is a direct dependency")
    })?;
    Ok(path.into())
}

/// Generates from the schema at `path`, and tells cargo which files to watch.
fn load(path: &Path) -> Result<Generated, String> {
    println!("cargo::rerun-if-changed={}", path.display());
    let generated = crate::generate(path)?;
    watch(&generated.sources);
    Ok(generated)
}

/// Tells cargo to build again when one of the files changes.
fn watch(files: &[PathBuf]) {
    for file in files {
        println!("cargo::rerun-if-changed={}", file.display());
    }
}

/// Returns the schema to build from that the user names.
fn chosen_schema(profile: &Profile) -> Result<Option<PathBuf>, String> {
    let variable = profile.variable;
    println!("cargo::rerun-if-env-changed={variable}");
    named_schema(env::var_os(variable), profile)
}

/// Returns the schema that a variable names. An empty variable counts as unset.
///
/// Relative paths are refused: cargo runs the build script of a dependency in the dependency's
/// folder, not in the folder of the project that sets the variable.
fn named_schema(value: Option<OsString>, profile: &Profile) -> Result<Option<PathBuf>, String> {
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let path = PathBuf::from(value);
    if path.is_absolute() {
        return Ok(Some(path));
    }
    Err(format!(
        "{} is `{}`: give the absolute path of a Centrifugo {}, \
         or unset it to build from the schema that the crate ships",
        profile.variable,
        path.display(),
        profile.file
    ))
}

fn write(name: &str, code: &str) -> Result<(), String> {
    let file = folder_in("OUT_DIR")?.join(name);
    std::fs::write(&file, code).map_err(|error| format!("cannot write {}: {error}", file.display()))
}

/// Returns the folder that cargo passes to build scripts in a variable.
fn folder_in(variable: &str) -> Result<PathBuf, String> {
    let folder = env::var_os(variable)
        .ok_or_else(|| format!("{variable} is not set: cargo sets it for build scripts"))?;
    Ok(folder.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unset_or_empty_variable_names_no_schema() {
        assert_eq!(named_schema(None, &API), Ok(None));
        assert_eq!(named_schema(Some(OsString::new()), &API), Ok(None));
    }

    #[test]
    fn absolute_path_is_taken() {
        assert_eq!(
            named_schema(Some("/x/api.proto".into()), &API),
            Ok(Some("/x/api.proto".into()))
        );
    }

    #[test]
    fn relative_path_is_refused() {
        for (profile, expected) in [
            (
                &API,
                "CENTRIFUGO_API_PROTO is `x.proto`: give the absolute path of a Centrifugo api.proto, ",
            ),
            (
                &PROXY,
                "CENTRIFUGO_PROXY_PROTO is `x.proto`: give the absolute path of a Centrifugo proxy.proto, ",
            ),
        ] {
            let problem = named_schema(Some("x.proto".into()), profile).unwrap_err();
            assert!(problem.starts_with(expected), "{problem}");
        }
    }
}

//! The crate built from other schemas: two packages in `tests/schemas/` use it, `crates/proxy` is built beside it, and
//! invalid schemas are refused.
// The packages choose their own features, so these tests run with one set of features only.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

fn in_crate(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs one cargo at a time: the lock files of the packages are replaced, and cargo locks the
/// target directory anyway.
static TURN: Mutex<()> = Mutex::new(());

/// Runs cargo on one of the packages, with the crate built from `schema`.
///
/// All runs share one target directory, so that dependencies are built once. The number of codegen
/// units, which differs
/// per `variant`, keeps the builds of the crate itself apart, so that a later run finds all of
/// them.
fn cargo(variant: u8, package: &str, schema: &Path, arguments: &[&str]) -> std::io::Result<Output> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = in_crate("tests/schemas").join(package);
    std::fs::copy(in_crate("Cargo.lock"), folder.join("Cargo.lock"))?;
    command(variant, &folder.join("Cargo.toml"), schema, arguments).output()
}

/// Runs the tests of `crates/proxy` that do not depend on the schema, with the crate built from `proxy`, and the SDK
/// from `sdk`.
fn cargo_proxy(sdk: &Path, proxy: &Path) -> std::io::Result<Output> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let arguments = ["test", "--test", "messages", "--all-features"];
    command(0, &in_crate("crates/proxy/Cargo.toml"), sdk, &arguments)
        .env("CENTRIFUGO_PROXY_PROTO", proxy)
        .output()
}

fn command(variant: u8, manifest: &Path, schema: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command
        .args(arguments)
        .arg("--manifest-path")
        .arg(manifest)
        .arg("--target-dir")
        .arg(in_crate("target/schemas"))
        .arg("--config")
        .arg(format!(
            "profile.dev.package.centrifugo-api.codegen-units={}",
            200 + u32::from(variant)
        ))
        .env("CENTRIFUGO_API_PROTO", schema)
        // Hand-written documentation may link to methods that a schema lacks. The generator's tests
        // check the generated links.
        .env(
            "RUSTDOCFLAGS",
            "-D warnings -A rustdoc::broken_intra_doc_links",
        );
    command
}

/// Writes the schema of the proxy protocol with one part replaced, and returns its path.
fn proxy_schema(name: &str, part: &str, replacement: &str) -> std::io::Result<PathBuf> {
    let schema = std::fs::read_to_string(in_crate("crates/proxy/proto/proxy.proto"))?;
    assert!(schema.contains(part), "the schema lacks `{part}`");
    let folder = in_crate("target/schemas");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(name);
    std::fs::write(&path, schema.replacen(part, replacement, 1))?;
    Ok(path)
}

/// An rpc and messages that Centrifugo's proxy protocol does not have, under names that are already used.
const MORE: &str = r#"
message MoreRequest {
  enum Color { NONE = 0; RED = 1; }
  message Inner { bytes data = 1; string b64data = 2; int64 fn = 3; }
  Color color = 1;
  oneof one { bytes payload = 2; FilterNode filter = 3; }
  map<string, bytes> payloads = 4;
  repeated bytes list = 5;
  optional bool self = 6;
  Inner inner = 7;
  String new = 8;
}
message String { Option value = 1; }
message Option { repeated Error errors = 1; map<int32, Disconnect> disconnects = 2; }
service CentrifugoProxy {
  rpc More(stream MoreRequest) returns (stream Option);
  rpc Again(MoreRequest) returns (Option);
"#;

fn text(output: &Output) -> String {
    [&output.stdout[..], &output.stderr]
        .map(String::from_utf8_lossy)
        .join("\n")
}

#[test]
fn crate_builds_from_older_schema() -> std::io::Result<()> {
    let schema = in_crate("tests/data/schemas/older.proto");
    let output = cargo(0, "older", &schema, &["test", "--lib"])?;
    assert!(output.status.success(), "{}", text(&output));
    let output = cargo(0, "older", &schema, &["build", "--example", "parallel"])?;
    assert!(!output.status.success(), "a parallel batch was built");
    for part in [
        "`Parallel` needs the field `BatchRequest.parallel`, which this schema does not have",
        "Centrifugo 5.2",
        "pass the batch without `Parallel`",
    ] {
        assert!(text(&output).contains(part), "{}", text(&output));
    }
    Ok(())
}

#[test]
fn crate_builds_from_nasty_schema() -> std::io::Result<()> {
    let output = cargo(
        1,
        "nasty",
        &in_crate("tests/data/schemas/nasty.proto"),
        &["test"],
    )?;
    assert!(output.status.success(), "{}", text(&output));
    Ok(())
}

#[test]
fn documentation_of_nasty_schema_has_no_warnings() -> std::io::Result<()> {
    let schema = in_crate("tests/data/schemas/nasty.proto");
    let output = cargo(
        1,
        "nasty",
        &schema,
        &["doc", "--no-deps", "--package", "centrifugo-api"],
    )?;
    assert!(output.status.success(), "{}", text(&output));
    Ok(())
}

#[test]
fn unreadable_schema_stops_the_build() -> std::io::Result<()> {
    for (schema, problem) in [
        (
            "/nowhere/api.proto",
            "cannot read the schema /nowhere/api.proto: No such file or directory (os error 2); \
             is it the path of Centrifugo's api.proto?",
        ),
        (
            "proto/api.proto",
            "CENTRIFUGO_API_PROTO is `proto/api.proto`: give the absolute path of a Centrifugo api.proto, \
             or unset it to build from the schema that the crate ships",
        ),
    ] {
        let output = cargo(
            2,
            "nasty",
            Path::new(schema),
            &["check", "--package", "centrifugo-api"],
        )?;
        assert!(!output.status.success(), "it was built from {schema}");
        assert!(text(&output).contains(problem), "{}", text(&output));
    }
    let output = cargo(
        2,
        "nasty",
        &in_crate("README.md"),
        &["check", "--package", "centrifugo-api"],
    )?;
    assert!(
        text(&output).contains("README.md:1:1: "),
        "{}",
        text(&output)
    );
    assert!(text(&output).contains("It must be a proto3 file such as Centrifugo's api.proto."));
    Ok(())
}

#[test]
fn empty_path_of_schema_means_unset() -> std::io::Result<()> {
    let output = cargo(
        2,
        "nasty",
        Path::new(""),
        &["check", "--package", "centrifugo-api"],
    )?;
    assert!(output.status.success(), "{}", text(&output));
    Ok(())
}

#[test]
fn proxy_builds_from_newer_schema_beside_older_sdk() -> std::io::Result<()> {
    let sdk = in_crate("tests/data/schemas/older.proto");
    let proxy = proxy_schema("newer_proxy.proto", "service CentrifugoProxy {", MORE)?;
    let output = cargo_proxy(&sdk, &proxy)?;
    assert!(output.status.success(), "{}", text(&output));
    Ok(())
}

#[test]
fn proxy_without_what_it_needs_stops_the_build() -> std::io::Result<()> {
    let sdk = in_crate("tests/data/schemas/older.proto");
    let proxy = proxy_schema("refused_proxy.proto", "  bool expired = 1;", "")?;
    for (proxy, problem) in [
        (
            proxy.as_path(),
            "its message `RefreshResult` lacks the field `expired`",
        ),
        (
            Path::new("proto/proxy.proto"),
            "CENTRIFUGO_PROXY_PROTO is `proto/proxy.proto`: give the absolute path of a Centrifugo proxy.proto, \
             or unset it to build from the schema that the crate ships",
        ),
    ] {
        let output = cargo_proxy(&sdk, proxy)?;
        assert!(!output.status.success(), "it was built from {proxy:?}");
        assert!(text(&output).contains(problem), "{}", text(&output));
    }
    Ok(())
}

//! The generator: schemas that it refuses and its errors, comments, names, and tables that agree
//! with the schema and with hand-written code.

mod client;
mod comments;
mod declared;
mod proxy;
mod refusals;
mod setters;
mod tables;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use centrifugo_api_codegen::Generated;

type Tested = Result<(), Box<dyn Error>>;

/// The smallest schema that is accepted.
const CORE: &str = r#"syntax = "proto3";
package test.api;
service Api {
  rpc Publish(PublishRequest) returns (PublishResponse);
  rpc Broadcast(BroadcastRequest) returns (BroadcastResponse);
  rpc Batch(BatchRequest) returns (BatchResponse);
  rpc History(HistoryRequest) returns (HistoryResponse);
}
message Error { uint32 code = 1; string message = 2; }
message Command { PublishRequest publish = 1; BroadcastRequest broadcast = 2; }
message Reply { Error error = 1; PublishResult publish = 2; BroadcastResult broadcast = 3; }
message BatchRequest { repeated Command commands = 1; }
message BatchResponse { repeated Reply replies = 1; }
message PublishRequest { string channel = 1; bytes data = 2; }
message PublishResponse { Error error = 1; PublishResult result = 2; }
message PublishResult {}
message BroadcastRequest { repeated string channels = 1; }
message BroadcastResponse { Error error = 1; BroadcastResult result = 2; }
message BroadcastResult { repeated PublishResponse responses = 1; }
message HistoryRequest { string channel = 1; int32 limit = 2; StreamPosition since = 3; bool reverse = 4; }
message HistoryResponse { Error error = 1; HistoryResult result = 2; }
message HistoryResult { repeated Publication publications = 1; string epoch = 2; uint64 offset = 3; }
message Publication { bytes data = 2; uint64 offset = 4; }
message StreamPosition { uint64 offset = 1; string epoch = 2; }
"#;

/// Returns the path of a file of the SDK.
fn in_crate(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// Generates from a schema in a folder that also has the files `imports`.
fn generate_beside(schema: &str, imports: &[(&str, &str)]) -> Result<Generated, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    for (name, text) in imports.iter().chain([&("api.proto", schema)]) {
        std::fs::write(folder.path().join(name), text).map_err(|error| error.to_string())?;
    }
    centrifugo_api_codegen::generate(&folder.path().join("api.proto"))
}

fn generate(schema: &str) -> Result<Generated, String> {
    generate_beside(schema, &[])
}

/// Returns the core with one part replaced.
fn core_with(part: &str, replacement: &str) -> String {
    assert!(CORE.contains(part), "the core lacks `{part}`");
    CORE.replacen(part, replacement, 1)
}

/// Returns the core with one more rpc and the messages that it needs.
fn core_and(rpc: &str, messages: &str) -> String {
    core_with(
        "service Api {",
        &format!("{messages}\nservice Api {{\n{rpc}"),
    )
}

/// The generated code of whole schemas: the shipped one, an older one, and one with difficult
/// names.
static WHOLE: LazyLock<Vec<(&str, Generated)>> = LazyLock::new(|| {
    [
        "proto/api.proto",
        "tests/data/schemas/older.proto",
        "tests/data/schemas/nasty.proto",
    ]
    .map(|path| {
        (
            path,
            centrifugo_api_codegen::generate(&in_crate(path)).expect(path),
        )
    })
    .into()
});

#[test]
fn same_schema_gives_same_code() -> Tested {
    let (path, once) = &WHOLE[2];
    let again = centrifugo_api_codegen::generate(&in_crate(path))?;
    assert_eq!(once.messages, again.messages);
    assert_eq!(once.requests, again.requests);
    assert_eq!(once.client, again.client);
    assert_eq!(once.blocking, again.blocking);
    assert_eq!(once.macros, again.macros);
    assert_eq!(once.descriptors, again.descriptors);
    Ok(())
}

#[test]
fn schema_may_have_several_files_of_one_package() -> Tested {
    let schema =
        core_with("message PublishResult {}", "").replacen(';', "; import \"result.proto\";", 1);
    let result = "syntax = \"proto3\"; package test.api; message PublishResult { bytes data = 1; }";
    let generated = generate_beside(&schema, &[("result.proto", result)])?;
    assert!(generated.messages.contains("pub struct PublishResult"));
    let names: Vec<_> = generated
        .sources
        .iter()
        .filter_map(|path| path.file_name())
        .collect();
    assert_eq!(names, ["result.proto", "api.proto"]);
    Ok(())
}

//! Schemas that the generator refuses, and its errors.

use super::{CORE, Tested, WHOLE, core_and, core_with, generate, generate_beside};

fn refusal(schema: &str) -> String {
    generate(schema)
        .err()
        .unwrap_or_else(|| panic!("the schema was accepted: {schema}"))
}

fn assert_refused(schema: &str, reason: &str) {
    let error = refusal(schema);
    let (first, last) = error.split_once('\n').unwrap_or_default();
    assert!(
        first.starts_with("cannot build from the schema /"),
        "{error}"
    );
    assert!(first.ends_with(&format!("api.proto: {reason}")), "{error}");
    assert_eq!(
        last,
        "The crate needs a schema of Centrifugo's server API, v5.0 or newer."
    );
}

#[test]
fn unreadable_file_is_named() -> Tested {
    let folder = tempfile::tempdir()?;
    let missing = folder.path().join("missing.proto");
    for path in [missing.as_path(), folder.path()] {
        let error = centrifugo_api_codegen::generate(path)
            .err()
            .ok_or("it was accepted")?;
        assert!(
            error.starts_with(&format!("cannot read the schema {}: ", path.display())),
            "{error}"
        );
        assert!(
            error.ends_with("is it the path of Centrifugo's api.proto?"),
            "{error}"
        );
    }
    std::fs::write(&missing, [0xff, 0xfe])?;
    let error = centrifugo_api_codegen::generate(&missing)
        .err()
        .ok_or("it was accepted")?;
    assert!(error.contains("valid UTF-8"), "{error}");
    Ok(())
}

#[test]
fn mistake_is_reported_with_its_path() {
    for (schema, place) in [
        ("edition = \"2023\";\npackage a;", "api.proto:1:1: "),
        ("{\"openapi\": \"3.0.0\"}", "api.proto:1:1: "),
        (
            "syntax = \"proto3\";\npackage a;\nmessage M {\n  string = 1;\n}\n",
            "api.proto:4:10: ",
        ),
        (
            &core_with("string channel = 1;", "string channel = 0;"),
            "api.proto:14:43: ",
        ),
        (
            &core_with("string channel = 1;", "Unknown channel = 1;"),
            "api.proto:14:26: ",
        ),
        (
            &core_with("string channel = 1;", "string a = 1; string a = 2;"),
            "api.proto:14:47: ",
        ),
        (
            &core_with("string channel = 1;", "string a_1 = 1; string a1 = 2;"),
            "api.proto:14:49: ",
        ),
        (
            &core_with("service Api", "import \"missing.proto\"; service Api"),
            "api.proto:3:1: ",
        ),
    ] {
        let error = refusal(schema);
        assert!(error.starts_with("cannot compile the schema /"), "{error}");
        assert!(error.contains(place), "{error}");
        assert!(
            error.ends_with("It must be a proto3 file such as Centrifugo's api.proto."),
            "{error}"
        );
    }
}

#[test]
fn schema_of_other_service_is_refused_with_what_it_lacks() {
    let no_package = "it names no package; Centrifugo's is `centrifugal.centrifugo.api`";
    assert_refused("", no_package);
    assert_refused(&core_with("package test.api;", ""), no_package);
    assert_refused(
        "syntax = \"proto2\"; package a; message A { required string b = 1; }",
        "`api.proto` is not proto3; begin it with `syntax = \"proto3\";`",
    );
    assert_refused(
        "syntax = \"proto3\"; package a;",
        "it lacks the message `BatchRequest`",
    );
    assert_refused(
        "syntax = \"proto3\"; package a; message BatchRequest {}",
        "its message `BatchRequest` lacks the field `commands`",
    );
    assert_refused(
        &core_with("uint32 code = 1; ", ""),
        "its message `Error` lacks the field `code`",
    );
    assert_refused(
        &CORE
            .replace("service Api", "message Api")
            .replace("  rpc ", "  // rpc "),
        "it has no service; Centrifugo's is `CentrifugoApi`",
    );
    assert_refused(
        &format!("{CORE}service Other {{}}"),
        "it has two services, `Api` and `Other`; keep one",
    );
}

#[test]
fn fields_that_hand_written_code_needs_must_have_their_type() {
    for (part, replacement, reason) in [
        (
            "uint32 code",
            "int32 code",
            "its field `Error.code` is `int32` and must be `uint32`",
        ),
        (
            "string message = 2;",
            "optional string message = 2;",
            "its field `Error.message` is `optional string` and must be `string`",
        ),
        (
            "BroadcastRequest broadcast = 2;",
            "oneof one { BroadcastRequest broadcast = 2; }",
            "its field `Command.broadcast` is `oneof BroadcastRequest` and must be `BroadcastRequest`",
        ),
        (
            "repeated Reply replies",
            "Reply replies",
            "its field `BatchResponse.replies` is `Reply` and must be `repeated Reply`",
        ),
        (
            "  rpc Batch(BatchRequest) returns (BatchResponse);",
            "",
            "its service `Api` lacks `rpc Batch(BatchRequest) returns (BatchResponse)`",
        ),
        (
            "returns (BroadcastResponse)",
            "returns (PublishResponse)",
            "its service `Api` lacks `rpc Broadcast(BroadcastRequest) returns (BroadcastResponse)`",
        ),
    ] {
        assert_refused(&core_with(part, replacement), reason);
    }
}

#[test]
fn rpc_that_cannot_become_method_is_named() {
    let streams = "its rpc `More` streams, which the crate does not support; remove it";
    let messages = "message MoreRequest {} message MoreResponse {}";
    assert_refused(
        &core_and(
            "rpc More(stream MoreRequest) returns (MoreResponse);",
            messages,
        ),
        streams,
    );
    assert_refused(
        &core_and(
            "rpc More(MoreRequest) returns (stream MoreResponse);",
            messages,
        ),
        streams,
    );
    assert_refused(
        &core_and("rpc More(PublishRequest) returns (MoreResponse);", messages),
        "its rpcs `More` and `Publish` share the request `PublishRequest`; give each a message of its own",
    );
    assert_eq!(
        refusal(&core_and(
            "rpc PUBLISH(MoreRequest) returns (MoreResponse);",
            messages
        )),
        "two rpcs in the schema are both the method `publish`; rename one"
    );
}

#[test]
fn messages_of_other_packages_are_refused() -> Tested {
    let other = "syntax = \"proto3\"; package other; message Thing {}";
    for (import, message) in [
        ("other.proto", "other.Thing"),
        (
            "google/protobuf/timestamp.proto",
            "google.protobuf.Timestamp",
        ),
    ] {
        let schema = core_with(
            "service Api",
            &format!("import \"{import}\"; message Uses {{ {message} it = 1; }} service Api"),
        );
        let error = generate_beside(&schema, &[("other.proto", other)])
            .err()
            .ok_or("it was accepted")?;
        let package = message.rsplit_once('.').map_or("", |(package, _)| package);
        let reason = format!(
            "it imports `{import}` of the package `{package}`; copy the messages that it uses into the schema itself\n"
        );
        assert!(error.contains(&reason), "{error}");
    }
    Ok(())
}

#[test]
fn names_that_rust_cannot_tell_apart_are_refused() {
    for (messages, reason) in [
        (
            "message RPCThing {} message RpcThing {}",
            "two types in the schema are both `RpcThing` in Rust; rename one",
        ),
        (
            "message A { message URL {} message Url {} }",
            "two types in the schema are both `Url` in Rust; rename one",
        ),
        (
            "message A { oneof ID { string a = 1; } string id = 2; }",
            "two fields of `A` in the schema are both `id` in Rust; rename one",
        ),
    ] {
        assert_eq!(refusal(&core_and("", messages)), reason);
    }
    assert_refused(
        &core_and("", "message Outer { message Inner { string _1 = 1; } }"),
        "in its message `Inner`, rename `_1` to begin with a letter",
    );
}

#[test]
fn test_server_serves_what_schema_has() -> Tested {
    for (path, generated) in WHOLE.iter() {
        let served = generated.served.as_ref();
        let served = served.map_err(|problem| format!("{path}: {problem}"))?;
        let has_maps = served.contains("impl Runnable for api::MapPublishRequest");
        assert_eq!(has_maps, *path == "proto/api.proto", "{path}");
        assert!(
            served.contains("impl Runnable for api::PresenceStatsRequest"),
            "{path}"
        );
    }
    Ok(())
}

#[test]
fn test_server_needs_messages_that_it_shows() -> Tested {
    let problem = generate(CORE)?.served.unwrap_err();
    assert!(
        problem.contains("needs `ClientInfo.user`, which this schema lacks"),
        "{problem}"
    );
    assert!(
        problem.contains("add the field as Centrifugo's api.proto has it"),
        "{problem}"
    );
    Ok(())
}

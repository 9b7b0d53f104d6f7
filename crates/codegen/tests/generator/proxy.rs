//! The messages of the proxy protocol: what a schema must have, and which messages are the SDK's.

use std::path::Path;
use std::sync::LazyLock;

use super::{Tested, core_and, in_crate};

/// The shipped schema.
static SHIPPED: LazyLock<String> =
    LazyLock::new(|| std::fs::read_to_string(shipped()).expect("the schema can be read"));

fn shipped() -> std::path::PathBuf {
    in_crate("crates/proxy/proto/proxy.proto")
}

/// Generates from a schema, for an SDK that was built from the schema at `sdk`.
fn generate_for(schema: &str, sdk: &Path) -> Result<String, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = folder.path().join("proxy.proto");
    std::fs::write(&path, schema).map_err(|error| error.to_string())?;
    let generated = centrifugo_api_codegen::generate_proxy(&path, &shipped(), sdk)?;
    Ok(generated.messages)
}

/// Generates from a schema, for an SDK that was built from its own.
fn generate(schema: &str) -> Result<String, String> {
    generate_for(schema, &in_crate("proto/api.proto"))
}

/// Generates from the shipped schema with these messages added, for an SDK whose schema has the others.
fn generate_beside(sdk: &str, messages: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = folder.path().join("api.proto");
    std::fs::write(&path, core_and("", sdk)).map_err(|error| error.to_string())?;
    generate_for(&with_more("", messages), &path)
}

/// Returns the shipped schema with one part replaced.
fn with(part: &str, replacement: &str) -> String {
    assert!(SHIPPED.contains(part), "the schema lacks `{part}`");
    SHIPPED.replacen(part, replacement, 1)
}

/// Returns the shipped schema with more rpcs and more messages.
fn with_more(rpcs: &str, messages: &str) -> String {
    let service = "service CentrifugoProxy {";
    with(service, &format!("{messages}\n{service}\n{rpcs}"))
}

fn assert_refused(schema: &str, reason: &str) {
    let error = generate(schema).expect_err("it is refused");
    let (first, last) = error.split_once('\n').unwrap_or_default();
    assert!(
        first.starts_with("cannot build from the schema /"),
        "{error}"
    );
    assert!(
        first.ends_with(&format!("proxy.proto: {reason}")),
        "{error}"
    );
    assert_eq!(
        last,
        "The crate needs a schema of Centrifugo's proxy protocol, v6.9 or newer."
    );
}

fn is_sdks(code: &str, message: &str) -> bool {
    let is_reexported = code.contains(&format!("pub use ::centrifugo_api::api::{message};"));
    let is_generated = code.contains(&format!("pub struct {message} {{"));
    let has_setters = code.contains(&format!("impl {message} {{"));
    let has_json = code.contains(&format!(" for crate::api::messages::{message} {{"));
    assert_ne!(is_reexported, is_generated, "{message}");
    assert_ne!(is_reexported, has_setters, "{message}");
    assert_ne!(is_reexported, has_json, "{message}");
    is_reexported
}

fn is_converted(code: &str, message: &str) -> bool {
    code.contains(&format!("From<::centrifugo_api::api::{message}>"))
}

#[test]
fn shipped_schema_gives_messages_and_name_of_service() -> Tested {
    let code = generate(&SHIPPED)?;
    for message in ["ConnectRequest", "RpcResult", "StreamSubscribeResponse"] {
        assert!(!is_sdks(&code, message), "{message}");
    }
    let name = "SERVICE_NAME: &str = \"centrifugal.centrifugo.proxy.CentrifugoProxy\";";
    assert!(code.contains(name));
    assert_eq!(code, generate(&SHIPPED)?);
    Ok(())
}

#[test]
fn messages_that_sdk_has_too_are_those_of_sdk() -> Tested {
    let code = generate(&SHIPPED)?;
    let shared: Vec<&str> = code
        .lines()
        .filter_map(|line| line.strip_prefix("pub use ::centrifugo_api::api::"))
        .collect();
    assert_eq!(
        shared,
        [
            "FilterNode;",
            "Disconnect;",
            "Error;",
            "BoolValue;",
            "Int32Value;",
            "SubscribeOptionOverride;"
        ]
    );
    assert!(!code.contains("From<::centrifugo_api"));
    Ok(())
}

#[test]
fn unknown_messages_fields_and_rpcs_are_accepted() -> Tested {
    let schema = with_more(
        "rpc More(MoreRequest) returns (stream ConnectResponse); rpc Connect2(ConnectRequest) returns (ConnectResponse);",
        "message MoreRequest { enum Color { RED = 0; } Color color = 1; oneof one { bytes data = 2; } }",
    );
    let schema = schema.replace(
        "message NotifyChannelStateResult {}",
        "message NotifyChannelStateResult { string seen = 1; }",
    );
    let code = generate(&schema)?;
    assert!(code.contains("pub struct MoreRequest {"));
    assert!(code.contains("pub fn seen("));
    Ok(())
}

#[test]
fn what_shipped_schema_has_is_required() {
    for (part, replacement, reason) in [
        (
            "repeated ChannelEvent events = 1;",
            "",
            "its message `NotifyChannelStateRequest` lacks the field `events`",
        ),
        (
            "uint64 version = 2;",
            "int64 version = 2;",
            "its field `SharedPollRefreshItem.version` is `int64` and must be `uint64`",
        ),
        (
            "map<string, SubscribeOptions> subs = 8;",
            "map<string, string> subs = 8;",
            "its field `ConnectResult.subs` is `map<string, string>` and must be `map<string, SubscribeOptions>`",
        ),
        (
            "  rpc Connect(ConnectRequest) returns (ConnectResponse);",
            "",
            "its service `CentrifugoProxy` lacks `rpc Connect(ConnectRequest) returns (ConnectResponse)`",
        ),
        (
            "(stream StreamSubscribeRequest)",
            "(StreamSubscribeRequest)",
            "its service `CentrifugoProxy` lacks `rpc SubscribeBidirectional(stream StreamSubscribeRequest) returns \
             (stream StreamSubscribeResponse)`",
        ),
        (
            "service CentrifugoProxy {",
            "service Other {} service CentrifugoProxy {",
            "it has two services, `Other` and `CentrifugoProxy`; keep one",
        ),
        (
            "package centrifugal.centrifugo.proxy;",
            "",
            "it names no package; Centrifugo's is `centrifugal.centrifugo.proxy`",
        ),
    ] {
        assert_refused(&with(part, replacement), reason);
    }
    let messages = "message ChannelEvent { string kind = 1; }";
    assert_refused(
        &format!("syntax = \"proto3\"; package a; service A {{}} {messages}"),
        "it lacks the message `FilterNode`",
    );
    assert_refused(
        "syntax = \"proto3\"; package a;",
        "it has no service; Centrifugo's is `CentrifugoProxy`",
    );
}

#[test]
fn each_field_is_required_but_that_of_newer_centrifugo() {
    let mut message = "";
    let mut optional = Vec::new();
    for line in SHIPPED.lines() {
        if let Some(rest) = line.strip_prefix("message ") {
            message = rest.split(' ').next().unwrap_or_default();
        }
        let declaration = line.trim_start().split_once(" = ");
        let Some((declaration, _)) = declaration.filter(|_| line.starts_with("  ")) else {
            continue;
        };
        let (start, rest) = SHIPPED
            .split_once(&format!("message {message} {{"))
            .expect("the message is there");
        let without = rest.replacen(line, "", 1);
        let name = declaration.rsplit(' ').next().unwrap_or_default();
        match generate(&format!("{start}message {message} {{{without}")) {
            Ok(_) => optional.push(format!("{message}.{name}")),
            Err(error) => assert!(
                error.contains(&format!("`{message}` lacks the field `{name}`")),
                "{error}"
            ),
        }
    }
    assert_eq!(optional, ["SubRefreshResult.server_tags_filter"]);
}

#[test]
fn other_file_is_refused_as_no_schema_of_proxy() -> Tested {
    let missing = Path::new("/nowhere/proxy.proto");
    let sdk = in_crate("proto/api.proto");
    let error = centrifugo_api_codegen::generate_proxy(missing, &shipped(), &sdk).unwrap_err();
    assert!(
        error.ends_with("is it the path of Centrifugo's proxy.proto?"),
        "{error}"
    );
    let error = generate("{}").unwrap_err();
    assert!(
        error.ends_with("It must be a proto3 file such as Centrifugo's proxy.proto."),
        "{error}"
    );
    let api = std::fs::read_to_string(sdk)?;
    assert_refused(&api, "it lacks the message `ConnectRequest`");
    Ok(())
}

#[test]
fn similar_message_is_converted_from_that_of_sdk() -> Tested {
    let code = generate_for(&SHIPPED, &in_crate("tests/data/schemas/older.proto"))?;
    assert!(!is_sdks(&code, "Error") && is_converted(&code, "Error"));
    assert!(is_sdks(&code, "Disconnect") && is_sdks(&code, "SubscribeOptionOverride"));
    // Centrifugo 5.0 does not have it.
    assert!(!is_sdks(&code, "FilterNode") && !is_converted(&code, "FilterNode"));
    Ok(())
}

#[test]
fn message_that_holds_other_message_is_other_message_too() -> Tested {
    let code = generate_beside(
        "message Held { bool value = 1; string note = 2; }
         message Fewer { Held one = 1; }
         message All { Held one = 1; map<string, Held> two = 2; }",
        "message Held { bool value = 1; }
         message Fewer { Held one = 1; map<string, Held> two = 2; }
         message All { Held one = 1; map<string, Held> two = 2; }",
    )?;
    for message in ["Held", "Fewer", "All"] {
        assert!(!is_sdks(&code, message), "{message}");
        assert!(is_converted(&code, message), "{message}");
    }
    Ok(())
}

/// Returns one message per list of fields, named `Extra0` and so on.
fn numbered(fields: &[&str]) -> String {
    let fields = fields.iter().enumerate();
    fields
        .map(|(index, fields)| format!("message Extra{index} {{ {fields} }}\n"))
        .collect()
}

#[test]
fn message_with_types_of_its_own_is_not_shared() -> Tested {
    let messages = numbered(&[
        "map<string, int64> counts = 1; optional bool on = 2;",
        "oneof one { string text = 1; }",
        "message Inner {} Inner inner = 1;",
        "message Inner {} string text = 1;",
        "enum Color { NONE = 0; }",
        "Outer color = 1;",
        "map<string, Outer> colors = 1;",
    ]);
    let messages = format!("enum Outer {{ OUTER = 0; }} {messages}");
    let code = generate_beside(&messages, &messages)?;
    for index in 0..7 {
        let message = format!("Extra{index}");
        assert_eq!(is_sdks(&code, &message), index == 0, "{message}");
        assert!(!is_converted(&code, &message), "{message}");
    }
    Ok(())
}

#[test]
fn conflicting_message_is_not_converted() -> Tested {
    let sdk = [
        "uint32 code = 1; string reason = 3;",
        "uint32 code = 1; string text = 2;",
        "uint32 code = 1; bytes reason = 2;",
        "uint32 code = 1; optional string reason = 2;",
        "uint32 code = 1; oneof one { string reason = 2; }",
    ];
    let own = ["uint32 code = 1; string reason = 2;"; 5];
    let code = generate_beside(&numbered(&sdk), &numbered(&own))?;
    for (index, fields) in sdk.iter().enumerate() {
        let message = format!("Extra{index}");
        assert!(!is_sdks(&code, &message), "{fields}");
        assert!(!is_converted(&code, &message), "{fields}");
    }
    Ok(())
}

#[test]
fn message_that_contains_itself_is_same_or_not_converted() -> Tested {
    let code = generate_beside(
        "message Same { repeated Same nodes = 1; } message Other { repeated Other nodes = 1; }",
        "message Same { repeated Same nodes = 1; }
         message Other { repeated Other nodes = 1; bool more = 2; }",
    )?;
    assert!(is_sdks(&code, "Same"));
    assert!(!is_sdks(&code, "Other") && !is_converted(&code, "Other"));
    Ok(())
}

#[test]
fn messages_of_events_are_never_those_of_sdk() -> Tested {
    let code = generate_beside(
        "message RPCResult { bytes data = 1; string b64data = 2; }",
        "",
    )?;
    assert!(!is_sdks(&code, "RpcResult") && !is_converted(&code, "RpcResult"));
    Ok(())
}

//! The client's methods: names, headings, and what they return.

use std::collections::BTreeSet;
use std::path::Path;

use super::declared::{Block, Declared, texts};
use super::{CORE, Tested, WHOLE, core_and, generate, in_crate};

/// Adds the functions of the type `Client` in all files of a folder.
fn add_hand_written(folder: &Path, functions: &mut BTreeSet<String>) -> Tested {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            add_hand_written(&path, functions)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let declared = Declared::by(&std::fs::read_to_string(path)?)?;
            functions.extend(
                declared
                    .functions
                    .get("Client")
                    .into_iter()
                    .flatten()
                    .cloned(),
            );
        }
    }
    Ok(())
}

/// Returns the functions of the two clients that are hand-written.
fn hand_written() -> Result<BTreeSet<String>, Box<dyn std::error::Error>> {
    let mut functions = BTreeSet::from(["clone".to_owned()]);
    add_hand_written(&in_crate("src"), &mut functions)?;
    assert!(functions.contains("with_timeout") && functions.contains("exchange"));
    // The schema has rpcs of these names, and the functions belong to them.
    for own in ["batch", "broadcast"] {
        assert!(functions.remove(own));
    }
    Ok(functions)
}

#[test]
fn list_of_taken_names_agrees_with_hand_written_functions() -> Tested {
    let code = std::fs::read_to_string(in_crate("crates/codegen/src/client.rs"))?;
    let taken = syn::parse_file(&code)?
        .items
        .into_iter()
        .find_map(|item| match item {
            syn::Item::Const(item) if item.ident == "TAKEN" => Some(texts(&item.expr)),
            _ => None,
        })
        .ok_or("there is no TAKEN")?;
    assert_eq!(
        taken.into_iter().collect::<BTreeSet<_>>(),
        hand_written()?,
        "correct TAKEN in crates/codegen/src/client.rs"
    );
    Ok(())
}

#[test]
fn rpc_never_has_name_of_hand_written_function() -> Tested {
    let mut rpcs = String::new();
    let mut messages = String::new();
    let mut expected = Vec::new();
    for name in hand_written()? {
        let words = name.split('_');
        let rpc: String = words
            .map(|word| [&word[..1].to_uppercase(), &word[1..]].concat())
            .collect();
        rpcs += &format!("rpc {rpc}({rpc}Request) returns ({rpc}Response);");
        messages += &format!("message {rpc}Request {{}} message {rpc}Response {{}}");
        expected.push((
            format!("{rpc}Request"),
            name,
            format!("/test.api.Api/{rpc}"),
        ));
    }
    let generated = generate(&core_and(&rpcs, &messages))?;
    let methods = Declared::by(&generated.requests)?.methods;
    for client in [&generated.client, &generated.blocking] {
        let functions = &Declared::by(client)?.functions["Client"];
        for (request, name, path) in &expected {
            assert!(functions.contains(&format!("{name}_")), "{name}");
            assert_eq!(methods[request], (name.clone(), path.clone()));
        }
    }
    Ok(())
}

/// Returns the headings in the service of a schema: comments of one line between blank lines.
fn headings(schema: &str) -> Vec<&str> {
    let service = schema
        .split_once("\nservice ")
        .map_or("", |(_, service)| service);
    let service = service.split_once("\n}").map_or("", |(service, _)| service);
    let paragraphs = service
        .split("\n\n")
        .filter(|paragraph| !paragraph.contains('\n'));
    paragraphs
        .filter_map(|line| line.trim().strip_prefix("// "))
        .collect()
}

#[test]
fn shipped_headings_are_those_of_schema_in_its_order() -> Tested {
    let schema = std::fs::read_to_string(in_crate("proto/api.proto"))?;
    let mut expected: Vec<String> = headings(&schema)
        .into_iter()
        // Its only method is hand-written.
        .filter(|heading| *heading != "Batch")
        .map(|heading| format!("# {heading}"))
        .collect();
    assert!(expected.len() > 10, "{expected:?}");
    expected.push("# Page by page".to_owned());
    let (_, shipped) = &WHOLE[0];
    for client in [&shipped.client, &shipped.blocking] {
        let blocks = Declared::by(client)?.client_blocks;
        let headings: Vec<&str> = blocks.iter().map(|(docs, _)| docs.as_str()).collect();
        assert_eq!(headings, expected);
        assert_eq!(blocks[0].1, ["publish"]);
        assert_eq!(blocks[2].1, ["presence", "presence_stats"]);
    }
    Ok(())
}

/// Returns the headings and methods of the client generated from the core with this service.
fn blocks(service: &str) -> Result<Vec<Block>, Box<dyn std::error::Error>> {
    let (before, rest) = CORE.split_once("service Api {").ok_or("no service")?;
    let (_, after) = rest.split_once('}').ok_or("no end of the service")?;
    let messages = "message ARequest {} message BRequest {} message Answer {}";
    let schema = format!("{before}service Api {{{service}}}{messages}{after}");
    Ok(Declared::by(&generate(&schema)?.client)?.client_blocks)
}

/// The rpcs of the core.
const PUBLISH: &str = "rpc Publish(PublishRequest) returns (PublishResponse);";
const BROADCAST: &str = "rpc Broadcast(BroadcastRequest) returns (BroadcastResponse);";
const BATCH: &str = "rpc Batch(BatchRequest) returns (BatchResponse);";
const HISTORY: &str = "rpc History(HistoryRequest) returns (HistoryResponse);";

/// Two more rpcs.
const A: &str = "rpc A(ARequest) returns (Answer);";
const B: &str = "rpc B(BRequest) returns (Answer);";

fn block(heading: &str, functions: &[&str]) -> Block {
    let functions = functions.iter().map(|name| String::from(*name)).collect();
    (format!("# {heading}"), functions)
}

/// Returns the block of the method for pages, which comes last.
fn pages() -> Block {
    block("Page by page", &["history_pages"])
}

#[test]
fn schema_without_headings_has_one_block() -> Tested {
    let service = format!("\n\n// Publishes.\n{PUBLISH}\n{BROADCAST}\n\n{BATCH}\n{A}\n{HISTORY}\n");
    assert_eq!(
        blocks(&service)?,
        [
            block("Centrifugo's methods", &["publish", "a", "history"]),
            pages()
        ]
    );
    Ok(())
}

#[test]
fn rpcs_are_below_their_headings() -> Tested {
    let service = format!(
        "\n{B}\n\n// First <b>\n\n// Publishes.\n{PUBLISH}\n{BROADCAST}\n\n/* Batches */\n\n{BATCH}\n\n// Last\n\n{A}\n{HISTORY}\n"
    );
    assert_eq!(
        blocks(&service)?,
        [
            block("Centrifugo's methods", &["b"]),
            block("First \\<b\\>", &["publish"]),
            block("Last", &["a", "history"]),
            pages(),
        ]
    );
    Ok(())
}

#[test]
fn comment_of_several_lines_is_not_heading() -> Tested {
    let service = format!(
        "\n\n// Old\n\n// rpc Gone(A)\n// returns (B);\n\n// Publishes.\n{PUBLISH}\n\n//\n\n{BROADCAST}{BATCH}{HISTORY}\n\n// Gone\n\n// A\n\n{A}\n"
    );
    assert_eq!(
        blocks(&service)?,
        [
            block("Centrifugo's methods", &["publish", "history"]),
            block("A", &["a"]),
            pages(),
        ]
    );
    Ok(())
}

#[test]
fn pages_are_in_block_of_their_own() -> Tested {
    let pages = [
        "history_pages",
        "map_read_state_pages",
        "map_read_stream_pages",
        "device_list_pages",
        "device_topic_list_pages",
        "user_topic_list_pages",
    ];
    let (_, shipped) = &WHOLE[0];
    for client in [&shipped.client, &shipped.blocking] {
        let blocks = Declared::by(client)?.client_blocks;
        assert_eq!(blocks.last(), Some(&block("Page by page", &pages)));
    }
    Ok(())
}

#[test]
fn call_returns_what_response_contains() -> Tested {
    for (response, result) in [
        (
            "Answer { Error error = 1; Found result = 2; } message Found {}",
            "Found",
        ),
        (
            "Answer { Error error = 1; Found result = 2; message Found {} }",
            "answer::Found",
        ),
        (
            "Answer { Error error = 1; oneof result { string a = 2; } }",
            "answer::Result",
        ),
        ("Answer { Error error = 1; string text = 2; }", "Answer"),
        ("Answer { Error error = 1; string result = 2; }", "Answer"),
        (
            "Answer { Error error = 1; optional uint32 result = 2; }",
            "Answer",
        ),
        (
            "Answer { Error error = 1; repeated Error result = 2; }",
            "Answer",
        ),
        ("Answer { string error = 1; Error result = 2; }", "Answer"),
        ("Answer { Error result = 2; message Error {} }", "Answer"),
        ("Answer {}", "Answer"),
    ] {
        let schema = core_and(
            "rpc Ask(AskRequest) returns (Answer);",
            &format!("message AskRequest {{}} message {response}"),
        );
        let expected = format!("Result<crate::api::messages::{result},crate::error::Error>");
        assert_ask(&schema, &expected)?;
    }
    let nested =
        "message Outer { message Ask {} message Answer { Error error = 1; Found result = 2; } }
        message Found {}";
    let schema = core_and("rpc Ask(Outer.Ask) returns (Outer.Answer);", nested);
    assert_ask(&schema, "request:crate::api::messages::outer::Ask")?;
    assert_ask(
        &schema,
        "Result<crate::api::messages::Found,crate::error::Error>",
    )
}

/// Checks that the signature of the function `ask` contains a text, without regard to white space.
fn assert_ask(schema: &str, expected: &str) -> Tested {
    let client: String = generate(schema)?.client.split_whitespace().collect();
    let (_, ask) = client.split_once("fnask(").ok_or("no function")?;
    let (ask, _) = ask.split_once('{').ok_or("no body")?;
    // prettyplease adds commas where it breaks lines.
    let ask = ask.replace(",>", ">").replace(",)", ")");
    assert!(ask.contains(expected), "{schema}: {ask}");
    Ok(())
}

#[test]
fn deprecated_parts_are_deprecated() -> Tested {
    let schema = core_and(
        "rpc Ask(AskRequest) returns (Answer) { option deprecated = true; }",
        "message AskRequest { string old = 1 [deprecated = true]; } message Answer {}",
    );
    let generated = generate(&schema)?;
    assert!(
        generated
            .client
            .contains("#[deprecated]\n    pub async fn ask("),
        "{}",
        generated.client
    );
    let setter = "#[deprecated]\n    #[must_use]\n    pub fn old(";
    assert!(generated.messages.contains(setter));
    Ok(())
}

//! The generated tables agree with the schema.

use std::collections::BTreeSet;

use prost_types::FileDescriptorProto;

use super::declared::Declared;
use super::{CORE, Tested, WHOLE, core_and, generate, in_crate};

fn compile(schema: &str) -> Result<FileDescriptorProto, Box<dyn std::error::Error>> {
    let path = in_crate(schema);
    let folder = path.parent().ok_or("no folder")?;
    let mut files = protox::compile([&path], [folder])?.file;
    Ok(files.remove(0))
}

/// Returns `batch` and the names of the methods that a batch can carry: those of the fields of
/// `Command`. Older schemas have three other fields in it, which come first.
fn names_of_methods(file: &FileDescriptorProto) -> BTreeSet<String> {
    let mut messages = file.message_type.iter();
    let command = messages.find(|message| message.name() == "Command");
    let fields = command.into_iter().flat_map(|command| &command.field);
    fields
        .filter(|field| field.number() > 3)
        .map(|field| field.name().to_owned())
        .chain(["batch".to_owned()])
        .collect()
}

#[test]
fn method_table_agrees_with_service() -> Tested {
    for (schema, generated) in &WHOLE[..2] {
        let file = compile(schema)?;
        let rpcs = &file.service[0].method;
        let methods = Declared::by(&generated.requests)?.methods;
        assert_eq!(methods.len(), rpcs.len());
        for rpc in rpcs {
            let path = format!("/centrifugal.centrifugo.api.CentrifugoApi/{}", rpc.name());
            let (name, _) = methods
                .values()
                .find(|(_, of)| *of == path)
                .ok_or("the request has no method")?;
            assert_eq!(name.replace('_', ""), rpc.name().to_lowercase());
        }
        let names: BTreeSet<String> = methods.into_values().map(|(name, _)| name).collect();
        assert_eq!(names, names_of_methods(&file));
    }
    Ok(())
}

#[test]
fn list_of_methods_agrees_with_service() -> Tested {
    for (schema, generated) in &WHOLE[..2] {
        let listed = Declared::by(&generated.messages)?.names;
        let names = names_of_methods(&compile(schema)?);
        assert_eq!(listed.len(), names.len());
        assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), names);
    }
    Ok(())
}

/// Returns the generated list of releases, without white space.
fn releases(messages: &str) -> Result<String, Box<dyn std::error::Error>> {
    let text: String = messages.split_whitespace().collect();
    let (_, list) = text
        .split_once("RELEASES:&[(&str,&str,bool)]=&[")
        .ok_or("no list")?;
    let (list, _) = list.split_once("];").ok_or("the list has no end")?;
    Ok(list.to_owned())
}

#[test]
fn releases_are_those_of_comments_and_facts() -> Tested {
    let (_, shipped) = &WHOLE[0];
    let list = releases(&shipped.messages)?;
    for entry in [
        r#"("map_publish","6.8",false)"#,
        r#"("map_clear","6.8",false)"#,
        r#"("shared_poll_publish","6.8",false)"#,
        r#"("batch","4.1.3",false)"#,
        r#"("block_user","",true)"#,
        r#"("cancel_push","5.0.3",true)"#,
    ] {
        assert!(list.contains(entry), "{entry} is not in {list}");
    }
    for method in ["publish", "subscribe", "info", "history"] {
        assert!(!list.contains(&format!("(\"{method}\"")), "{list}");
    }
    let rpc = "// Does more since v9.9.\n//\n// Since v7.1.\nrpc More(MoreRequest) returns (PublishResponse);";
    let generated = generate(&core_and(rpc, "message MoreRequest {}"))?;
    assert!(releases(&generated.messages)?.contains(r#"("more","7.1",false)"#));
    Ok(())
}

#[test]
fn clients_have_function_per_method() -> Tested {
    for (schema, generated) in &WHOLE[..2] {
        for client in [&generated.client, &generated.blocking] {
            let functions = &Declared::by(client)?.functions["Client"];
            let functions = functions.iter().filter(|name| !name.ends_with("_pages"));
            let mut functions: BTreeSet<String> = functions.cloned().collect();
            // These two are hand-written.
            assert!(functions.insert("batch".to_owned()));
            assert!(functions.insert("broadcast".to_owned()));
            assert_eq!(functions, names_of_methods(&compile(schema)?));
        }
    }
    Ok(())
}

#[test]
fn rpc_named_like_keyword_keeps_its_name_over_http() -> Tested {
    for (rpc, function, name) in [
        ("Move", "r#move", "move"),
        ("Self", "self_", "self"),
        ("RPC2Go", "rpc2_go", "rpc2_go"),
    ] {
        let schema = core_and(
            &format!("rpc {rpc}(Ask) returns (Answer);"),
            "message Ask {} message Answer {}",
        );
        let generated = generate(&schema)?;
        assert!(
            generated
                .client
                .contains(&format!("pub async fn {function}(")),
            "{}",
            generated.client
        );
        let declared = Declared::by(&generated.requests)?;
        assert_eq!(
            declared.methods["Ask"],
            (name.to_owned(), format!("/test.api.Api/{rpc}"))
        );
    }
    Ok(())
}

#[test]
fn field_of_command_names_its_method() -> Tested {
    let messages = "message AskRequest {} message Answer {}";
    for (fields, name) in [
        ("", "o_auth2"),
        ("AskRequest oauth_2 = 9;", "oauth_2"),
        ("AskRequest a = 8; AskRequest o_auth2 = 9;", "o_auth2"),
    ] {
        let schema = core_and("rpc OAuth2(AskRequest) returns (Answer);", messages);
        let schema = schema.replace("message Command {", &format!("message Command {{ {fields}"));
        let generated = generate(&schema)?;
        let declared = Declared::by(&generated.requests)?;
        assert_eq!(
            declared.methods["AskRequest"],
            (name.to_owned(), "/test.api.Api/OAuth2".to_owned())
        );
        assert!(generated.client.contains(&format!("pub async fn {name}(")));
    }
    Ok(())
}

#[test]
fn only_flag_says_that_error_is_temporary() -> Tested {
    for (field, flag) in [
        ("bool temporary = 3;", "self.temporary\n"),
        (
            "optional bool temporary = 3;",
            "self.temporary == Some(true)",
        ),
        ("string temporary = 3;", "false\n"),
        ("", "false\n"),
    ] {
        let schema = CORE.replace("uint32 code = 1;", &format!("uint32 code = 1; {field}"));
        let messages = generate(&schema)?.messages;
        let (_, function) = messages
            .split_once("fn says_temporary(&self) -> bool {")
            .ok_or("no function")?;
        assert!(
            function.trim_start().starts_with(flag),
            "{field}: {}",
            &function[..50]
        );
    }
    Ok(())
}

#[test]
fn parallel_batches_need_flag_of_schema() -> Tested {
    for (field, is_parallel) in [
        ("bool parallel = 2;", true),
        ("string parallel = 2;", false),
        ("", false),
    ] {
        let schema = CORE.replace(
            "message BatchRequest {",
            &format!("message BatchRequest {{ {field}"),
        );
        let generated = generate(&schema)?;
        assert_eq!(
            generated.requests.contains("InSchema for"),
            is_parallel,
            "{field}"
        );
        assert_eq!(
            generated.messages.contains("self.parallel = true"),
            is_parallel,
            "{field}"
        );
    }
    Ok(())
}

#[test]
fn fields_that_are_always_written_are_in_shipped_schema() {
    let (_, shipped) = &WHOLE[0];
    assert_eq!(shipped.descriptors.matches("always: true").count(), 21);
}

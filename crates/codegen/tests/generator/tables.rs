//! The agreement between the schema, the generated tables and hand-written code.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::Visit;
use syn::{Expr, FnArg, ImplItem, ItemConst, ItemImpl, Lit, Pat, PatType, Signature, Type};

use super::{CORE, Generated, Tested, WHOLE, core_and, generate, in_crate};

/// The declarations in generated or hand-written code.
#[derive(Default)]
pub(crate) struct Declared {
    /// The name of each request's method and its gRPC path.
    pub(crate) methods: BTreeMap<String, (String, String)>,
    /// The names in `METHODS`.
    pub(crate) names: Vec<String>,
    /// The functions of each type.
    pub(crate) functions: BTreeMap<String, BTreeSet<String>>,
    /// The arguments of `new` of each type.
    pub(crate) required: BTreeMap<String, Vec<String>>,
}

impl Declared {
    pub(crate) fn by(code: &str) -> Result<Self, syn::Error> {
        let mut declared = Self::default();
        declared.visit_file(&syn::parse_file(code)?);
        Ok(declared)
    }
}

impl<'ast> Visit<'ast> for Declared {
    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        let Type::Path(ty) = &*item.self_ty else {
            return;
        };
        let ty: Vec<_> = ty
            .path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        let ty = ty.join("::");
        let trait_name = item
            .trait_
            .as_ref()
            .and_then(|(_, path, _)| path.segments.last());
        match trait_name
            .map(|segment| segment.ident.to_string())
            .as_deref()
        {
            Some("Method") => {
                let constant = |name: &str| {
                    item.items.iter().find_map(|item| match item {
                        ImplItem::Const(constant) if constant.ident == name => text(&constant.expr),
                        _ => None,
                    })
                };
                let consts = constant("NAME").zip(constant("GRPC_PATH"));
                self.methods.extend(consts.map(|consts| (ty, consts)));
            }
            None => {
                for item in &item.items {
                    let ImplItem::Fn(function) = item else {
                        continue;
                    };
                    let name = function.sig.ident.to_string();
                    if name == "new" && !function.sig.inputs.is_empty() {
                        self.required.insert(ty.clone(), arguments(&function.sig));
                    }
                    self.functions.entry(ty.clone()).or_default().insert(name);
                }
            }
            _ => {}
        }
    }

    fn visit_item_const(&mut self, item: &'ast ItemConst) {
        if let (true, Expr::Reference(list)) = (item.ident == "METHODS", &*item.expr)
            && let Expr::Array(list) = &*list.expr
        {
            self.names.extend(list.elems.iter().filter_map(text));
        }
    }
}

fn arguments(signature: &Signature) -> Vec<String> {
    let name = |argument: &FnArg| match argument {
        FnArg::Typed(PatType { pat, .. }) => match &**pat {
            Pat::Ident(name) => Some(name.ident.to_string()),
            _ => None,
        },
        FnArg::Receiver(_) => None,
    };
    signature.inputs.iter().filter_map(name).collect()
}

fn text(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Lit(syn::ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Some(text.value()),
        _ => None,
    }
}

#[test]
fn method_table_agrees_with_the_service() -> Tested {
    for (schema, generated) in &WHOLE[..2] {
        let declared = Declared::by(&generated.messages)?;
        let files = protox::compile(
            [in_crate(schema)],
            [in_crate(schema).parent().ok_or("no folder")?],
        )?
        .file;
        let service = &files[0].service[0];
        assert_eq!(declared.methods.len(), service.method.len());
        for rpc in &service.method {
            let path = format!("/centrifugal.centrifugo.api.CentrifugoApi/{}", rpc.name());
            let (name, _) = declared
                .methods
                .values()
                .find(|(_, of)| *of == path)
                .ok_or("the request has no method")?;
            assert_eq!(name.replace('_', ""), rpc.name().to_lowercase());
        }
        // `Command` has a field for each method that a batch can hold, named after it.
        let command = files[0]
            .message_type
            .iter()
            .find(|message| message.name() == "Command");
        let fields = command
            .into_iter()
            .flat_map(|command| &command.field)
            .filter(|field| field.number() > 3);
        let parts: BTreeSet<_> = fields.map(|field| field.name()).chain(["batch"]).collect();
        let names: BTreeSet<_> = declared
            .methods
            .values()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(names, parts);
        assert_eq!(
            declared
                .names
                .iter()
                .map(String::as_str)
                .collect::<BTreeSet<_>>(),
            parts
        );
        assert_eq!(declared.names.len(), service.method.len());
        // The methods for a batch and a broadcast are hand-written.
        for client in [&generated.client, &generated.blocking] {
            let client = Declared::by(client)?;
            let functions = client.functions["Client"].iter().map(String::as_str);
            let functions: BTreeSet<_> =
                functions.filter(|name| !name.ends_with("_pages")).collect();
            assert_eq!(
                functions
                    .into_iter()
                    .chain(["batch", "broadcast"])
                    .collect::<BTreeSet<_>>(),
                parts
            );
        }
    }
    Ok(())
}

#[test]
fn no_method_has_the_name_of_a_function_of_the_client() -> Tested {
    let mut taken = BTreeSet::from(["clone".to_owned()]);
    let files =
        std::fs::read_dir(in_crate("src"))?.chain(std::fs::read_dir(in_crate("src/client"))?);
    for file in files {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let declared = Declared::by(&std::fs::read_to_string(path)?)?;
            taken.extend(
                declared
                    .functions
                    .get("Client")
                    .into_iter()
                    .flatten()
                    .cloned(),
            );
        }
    }
    assert!(taken.contains("with_timeout") && taken.contains("exchange"));
    // The schema has rpcs with these names, and the functions belong to them.
    for own in ["batch", "broadcast"] {
        assert!(taken.remove(own));
    }
    for name in taken {
        let rpc: String = name
            .split('_')
            .map(|word| [&word[..1].to_uppercase(), &word[1..]].concat())
            .collect();
        let schema = core_and(
            &format!("rpc {rpc}({rpc}Request) returns ({rpc}Response);"),
            &format!("message {rpc}Request {{}} message {rpc}Response {{}}"),
        );
        let generated = generate(&schema)?;
        let client = Declared::by(&generated.client)?;
        assert!(
            client.functions["Client"].contains(&format!("{name}_")),
            "add `{name}` to TAKEN in crates/codegen/src/client.rs"
        );
        let declared = Declared::by(&generated.messages)?;
        assert_eq!(
            declared.methods[&format!("{rpc}Request")],
            (name, format!("/test.api.Api/{rpc}"))
        );
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
        let declared = Declared::by(&generated.messages)?;
        assert_eq!(
            declared.methods["Ask"],
            (name.to_owned(), format!("/test.api.Api/{rpc}"))
        );
    }
    Ok(())
}

#[test]
fn part_of_command_names_its_method() -> Tested {
    let messages = "message AskRequest {} message Answer {}";
    for (parts, name) in [
        ("", "o_auth2"),
        ("AskRequest oauth_2 = 9;", "oauth_2"),
        ("AskRequest a = 8; AskRequest o_auth2 = 9;", "o_auth2"),
    ] {
        let schema = core_and("rpc OAuth2(AskRequest) returns (Answer);", messages);
        let schema = schema.replace("message Command {", &format!("message Command {{ {parts}"));
        let generated = generate(&schema)?;
        let declared = Declared::by(&generated.messages)?;
        assert_eq!(
            declared.methods["AskRequest"],
            (name.to_owned(), "/test.api.Api/OAuth2".to_owned())
        );
        assert!(generated.client.contains(&format!("pub async fn {name}(")));
    }
    Ok(())
}

#[test]
fn call_returns_what_the_response_holds() -> Tested {
    for (response, answer) in [
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
        let client = generate(&schema)?.client;
        let expected = format!("core::result::Result<crate::api::{answer}, crate::Error>");
        let (_, asked) = client.split_once("fn ask(").ok_or("no method")?;
        assert!(asked.contains(&expected), "{response}: {asked}");
    }
    let nested =
        "message Outer { message Ask {} message Answer { Error error = 1; Found result = 2; } }
        message Found {}";
    let client = generate(&core_and(
        "rpc Ask(Outer.Ask) returns (Outer.Answer);",
        nested,
    ))?
    .client;
    assert!(
        client.contains("request: crate::api::outer::Ask"),
        "{client}"
    );
    assert!(
        client.contains("Result<crate::api::Found, crate::Error>"),
        "{client}"
    );
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

#[test]
fn only_a_flag_says_that_an_error_is_temporary() -> Tested {
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
fn fields_that_are_always_written_are_in_the_shipped_schema() {
    let always =
        |(_, generated): &(_, Generated)| generated.descriptors.matches("always: true").count();
    assert_eq!(always(&WHOLE[0]), 21);
}

//! Reads a schema, checks that the crate can be built from it, and makes its comments safe for rustdoc.

use std::path::Path;

use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto, ServiceDescriptorProto};

/// A checked schema.
pub struct Schema {
    pub files: Vec<FileDescriptorProto>,
    /// The package that all of it belongs to.
    pub package: String,
}

/// What hand-written code relies on, and every Centrifugo schema since v5.0 has.
const REQUIRED_FIELDS: &[(&str, &str)] = &[
    ("BatchRequest", "commands"),
    ("BatchResponse", "replies"),
    ("BroadcastRequest", "channels"),
    ("BroadcastResult", "responses"),
    ("Error", "code"),
    ("Error", "message"),
    ("PublishResponse", "error"),
    ("PublishResponse", "result"),
    ("Reply", "error"),
];

/// Reads and checks the schema at `path`.
pub fn load(path: &Path) -> Result<Schema, String> {
    let place = path.display();
    std::fs::read_to_string(path).map_err(|error| {
        format!("cannot read the schema {place}: {error}; is it the path of an api.proto?")
    })?;
    let mut files = compile(path).map_err(|error| {
        format!("cannot compile the schema {place}: {error}\nIt must be a proto3 file such as Centrifugo's api.proto.")
    })?;
    let package = check(&files).map_err(|problem| {
        format!(
            "cannot build from the schema {place}: {problem}\n\
             The crate needs a schema of Centrifugo's server API, v5.0 or newer."
        )
    })?;
    for file in &mut files {
        make_comments_safe(file);
    }
    Ok(Schema { files, package })
}

fn compile(path: &Path) -> Result<Vec<FileDescriptorProto>, String> {
    let folder = path.parent().ok_or("it has no folder")?;
    let mut compiler = protox::Compiler::new([folder]).map_err(|error| error.to_string())?;
    compiler.include_imports(true).include_source_info(true);
    // The Debug form has the line and column, which Display leaves out.
    compiler.open_file(path).map_err(|error| format!("{error:?}"))?;
    Ok(compiler.file_descriptor_set().file)
}

/// Answers the package.
fn check(files: &[FileDescriptorProto]) -> Result<String, String> {
    let main = files.last().ok_or("it is empty")?;
    let package = main.package().to_owned();
    if package.is_empty() {
        return Err("it names no package; Centrifugo's is `centrifugal.centrifugo.api`".into());
    }
    for file in files {
        if file.package() != package {
            return Err(format!(
                "it imports `{}` of the package `{}`; put the messages that it takes from there into the schema itself",
                file.name(),
                file.package()
            ));
        }
        if file.syntax() != "proto3" {
            return Err(format!("`{}` is not proto3", file.name()));
        }
    }
    for (message, field) in REQUIRED_FIELDS {
        check_field(files, message, field)?;
    }
    if message(files, "Command").is_none() {
        return Err("it lacks the message `Command`".into());
    }
    check_service(files, &package)?;
    Ok(package)
}

fn check_field(files: &[FileDescriptorProto], name: &str, field: &str) -> Result<(), String> {
    let Some(message) = message(files, name) else {
        return Err(format!("it lacks the message `{name}`"));
    };
    if message.field.iter().any(|candidate| candidate.name() == field) {
        return Ok(());
    }
    Err(format!("its message `{name}` lacks the field `{field}`"))
}

fn check_service(files: &[FileDescriptorProto], package: &str) -> Result<(), String> {
    let mut services = files.iter().flat_map(|file| &file.service);
    let service = services.next().ok_or("it has no service; Centrifugo's is `CentrifugoApi`")?;
    if let Some(other) = services.next() {
        return Err(format!("it has two services, `{}` and `{}`; keep one", service.name(), other.name()));
    }
    if !service.method.iter().any(|rpc| rpc.name() == "Batch") {
        return Err(format!("its service `{}` lacks the rpc `Batch`", service.name()));
    }
    let prefix = format!(".{package}.");
    for rpc in &service.method {
        if rpc.client_streaming() || rpc.server_streaming() {
            return Err(format!("its rpc `{}` streams; only unary rpcs are supported", rpc.name()));
        }
        for message in [rpc.input_type(), rpc.output_type()] {
            if !message.starts_with(&prefix) {
                return Err(format!("its rpc `{}` uses `{message}` of another package", rpc.name()));
            }
        }
    }
    check_requests_are_unique(service)
}

/// A request's type alone says which method it is for.
fn check_requests_are_unique(service: &ServiceDescriptorProto) -> Result<(), String> {
    for (index, rpc) in service.method.iter().enumerate() {
        if let Some(other) =
            service.method[..index].iter().find(|other| other.input_type() == rpc.input_type())
        {
            return Err(format!(
                "its rpcs `{}` and `{}` share the request `{}`; give each a message of its own",
                other.name(),
                rpc.name(),
                rpc.input_type().rsplit('.').next().unwrap_or_default()
            ));
        }
    }
    Ok(())
}

fn message<'a>(files: &'a [FileDescriptorProto], name: &str) -> Option<&'a DescriptorProto> {
    files.iter().flat_map(|file| &file.message_type).find(|message| message.name() == name)
}

/// Whether `field` is a message, alone or repeated.
pub fn is_message(field: &FieldDescriptorProto) -> bool {
    field.r#type() == Type::Message
}

/// The message that describes a map's entries, when `field` of `message` is a map.
pub fn map_entry<'a>(
    message: &'a DescriptorProto,
    field: &FieldDescriptorProto,
) -> Option<&'a DescriptorProto> {
    let name = field.type_name().rsplit('.').next()?;
    message.nested_type.iter().find(|nested| {
        is_message(field)
            && nested.name() == name
            && nested.options.as_ref().is_some_and(|options| options.map_entry())
    })
}

/// Any schema's comments become rustdoc: none may turn into a code block (a doctest), HTML or a link.
fn make_comments_safe(file: &mut FileDescriptorProto) {
    let Some(info) = &mut file.source_code_info else { return };
    for location in &mut info.location {
        for comment in [&mut location.leading_comments, &mut location.trailing_comments].into_iter().flatten()
        {
            *comment = comment.lines().map(safe_line).collect::<Vec<_>>().join("\n");
        }
        location.leading_detached_comments.clear();
    }
}

fn safe_line(line: &str) -> String {
    let line = line.trim();
    if line.starts_with("```") || line.starts_with("~~~") {
        return String::new();
    }
    let balanced = line.matches('`').count() % 2 == 0;
    let mut safe = String::from(" ");
    for (index, part) in line.split('`').enumerate() {
        let code = balanced && index % 2 == 1;
        match index {
            0 => {}
            _ if balanced => safe.push('`'),
            _ => safe.push_str("\\`"),
        }
        for character in part.chars() {
            if !code && matches!(character, '<' | '>' | '[' | ']') {
                safe.push('\\');
            }
            safe.push(character);
        }
    }
    safe.trim_end().to_owned()
}

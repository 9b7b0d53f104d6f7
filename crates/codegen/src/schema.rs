//! Reads a schema and checks that code can be generated from it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorProto, MethodDescriptorProto,
    ServiceDescriptorProto,
};

use crate::comments;
use crate::profile::Profile;

/// A checked schema.
pub(crate) struct Schema {
    pub(crate) files: Vec<FileDescriptorProto>,
    /// The package of all its files.
    pub(crate) package: String,
    /// The headings in the service, by the name of the rpc below each.
    pub(crate) headings: HashMap<String, String>,
    /// The files that it was read from.
    pub(crate) sources: Vec<PathBuf>,
}

/// Reads and checks the schema at `path`.
pub(crate) fn load(path: &Path, profile: &Profile) -> Result<Schema, String> {
    let place = path.display();
    let file = profile.file;
    std::fs::read_to_string(path).map_err(|error| {
        format!("cannot read the schema {place}: {error}; is it the path of Centrifugo's {file}?")
    })?;
    let (mut files, sources) = compile(path).map_err(|error| {
        format!(
            "cannot compile the schema {place}: {error}\n\
             It must be a proto3 file such as Centrifugo's {file}."
        )
    })?;
    let package = check(&files, profile).map_err(|problem| refusal(path, profile, &problem))?;
    let headings = files.iter().flat_map(comments::headings).collect();
    files.iter_mut().for_each(comments::make_safe);
    Ok(Schema {
        files,
        package,
        headings,
        sources,
    })
}

/// Returns the error about a schema that lacks something.
pub(crate) fn refusal(path: &Path, profile: &Profile, problem: &str) -> String {
    let place = path.display();
    let accepted = profile.accepted;
    format!("cannot build from the schema {place}: {problem}\nThe crate needs {accepted}.")
}

/// Compiles the schema. Returns its files, imported ones first, and their paths.
fn compile(path: &Path) -> Result<(Vec<FileDescriptorProto>, Vec<PathBuf>), String> {
    let folder = path.parent().ok_or("it has no folder")?;
    let mut compiler = protox::Compiler::new([folder]).map_err(|error| error.to_string())?;
    compiler.include_imports(true).include_source_info(true);
    // The Debug form has the line and column, which Display leaves out.
    compiler
        .open_file(path)
        .map_err(|error| format!("{error:?}"))?;
    let sources = compiler
        .files()
        .filter_map(|file| file.path())
        .map(Path::to_owned)
        .collect();
    Ok((compiler.file_descriptor_set().file, sources))
}

/// Checks the files, and returns their package.
fn check(files: &[FileDescriptorProto], profile: &Profile) -> Result<String, String> {
    let main = files.last().ok_or("it is empty")?;
    let package = main.package().to_owned();
    if package.is_empty() {
        return Err(format!(
            "it names no package; Centrifugo's is `{}`",
            profile.package
        ));
    }
    for file in files {
        if file.package() != package {
            return Err(format!(
                "it imports `{}` of the package `{}`; copy the messages that it uses into the \
                 schema itself",
                file.name(),
                file.package()
            ));
        }
        if file.syntax() != "proto3" {
            return Err(format!(
                "`{}` is not proto3; begin it with `syntax = \"proto3\";`",
                file.name()
            ));
        }
        file.message_type.iter().try_for_each(check_names)?;
    }
    for (message, field, ty) in profile.required_fields {
        check_field(files, message, field, ty)?;
    }
    check_service(service(files, profile)?, &package, profile)?;
    Ok(package)
}

/// Checks that the names of a message are names in Rust, which cannot begin with a digit: prost
/// drops leading underscores.
fn check_names(message: &DescriptorProto) -> Result<(), String> {
    let fields = message.field.iter().map(FieldDescriptorProto::name);
    let oneofs = message.oneof_decl.iter().map(|oneof| oneof.name());
    for name in fields.chain(oneofs).chain([message.name()]) {
        if name
            .trim_start_matches('_')
            .starts_with(|first: char| first.is_ascii_digit())
        {
            return Err(format!(
                "in its message `{}`, rename `{name}` to begin with a letter",
                message.name()
            ));
        }
    }
    message.nested_type.iter().try_for_each(check_names)
}

/// Checks that a message has a field of that type.
pub(crate) fn check_field(
    files: &[FileDescriptorProto],
    name: &str,
    field: &str,
    ty: &str,
) -> Result<(), String> {
    let mut messages = files.iter().flat_map(|file| &file.message_type);
    let Some(message) = messages.find(|message| message.name() == name) else {
        return Err(format!("it lacks the message `{name}`"));
    };
    let mut fields = message.field.iter();
    let candidate = fields.find(|candidate| candidate.name() == field);
    match candidate.map(|field| declared_type(message, field)) {
        None => Err(format!("its message `{name}` lacks the field `{field}`")),
        Some(declared) if declared != ty => Err(format!(
            "its field `{name}.{field}` is `{declared}` and must be `{ty}`"
        )),
        Some(_) => Ok(()),
    }
}

/// Returns the type of a message's field as a schema spells it: `repeated string`.
pub(crate) fn declared_type(message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    if let Some([key, value]) = map_entry(message, field).map(|entry| entry.field.as_slice()) {
        let key = declared_type(message, key);
        let value = declared_type(message, value);
        return format!("map<{key}, {value}>");
    }
    let label = match (field.label(), field.proto3_optional(), field.oneof_index) {
        (Label::Repeated, ..) => "repeated ",
        (_, false, Some(_)) => "oneof ",
        (_, true, _) if !is_message(field) => "optional ",
        _ => "",
    };
    match field.type_name().rsplit('.').next() {
        Some(name) if !name.is_empty() => format!("{label}{name}"),
        _ => format!("{label}{:?}", field.r#type()).to_lowercase(),
    }
}

/// Returns the service of a schema.
pub(crate) fn service<'a>(
    files: &'a [FileDescriptorProto],
    profile: &Profile,
) -> Result<&'a ServiceDescriptorProto, String> {
    let mut services = files.iter().flat_map(|file| &file.service);
    let service = services
        .next()
        .ok_or_else(|| format!("it has no service; Centrifugo's is `{}`", profile.service))?;
    match services.next() {
        Some(other) => Err(format!(
            "it has two services, `{}` and `{}`; keep one",
            service.name(),
            other.name()
        )),
        None => Ok(service),
    }
}

fn check_service(
    service: &ServiceDescriptorProto,
    package: &str,
    profile: &Profile,
) -> Result<(), String> {
    for (rpc, request, response) in profile.required_rpcs {
        check_rpc(service, package, [rpc, request, response])?;
    }
    if profile.is_called {
        check_no_rpc_streams(service)?;
        check_requests_are_unique(service)?;
    }
    Ok(())
}

/// Checks that a service has an rpc of that name, with that request and that response.
pub(crate) fn check_rpc(
    service: &ServiceDescriptorProto,
    package: &str,
    [rpc, request, response]: [&str; 3],
) -> Result<(), String> {
    let mut rpcs = service.method.iter();
    if rpcs.any(|candidate| declared_rpc(candidate, package) == [rpc, request, response]) {
        return Ok(());
    }
    Err(format!(
        "its service `{}` lacks `rpc {rpc}({request}) returns ({response})`",
        service.name()
    ))
}

/// Returns the name, the request and the response of an rpc as a schema spells them: `stream PublishRequest`.
pub(crate) fn declared_rpc(rpc: &MethodDescriptorProto, package: &str) -> [String; 3] {
    let message = |streams, name: &str| {
        let name = name.strip_prefix(&format!(".{package}.")).unwrap_or(name);
        let label = if streams { "stream " } else { "" };
        format!("{label}{name}")
    };
    [
        rpc.name().to_owned(),
        message(rpc.client_streaming(), rpc.input_type()),
        message(rpc.server_streaming(), rpc.output_type()),
    ]
}

fn check_no_rpc_streams(service: &ServiceDescriptorProto) -> Result<(), String> {
    let mut rpcs = service.method.iter();
    match rpcs.find(|rpc| rpc.client_streaming() || rpc.server_streaming()) {
        Some(rpc) => Err(format!(
            "its rpc `{}` streams, which the crate does not support; remove it",
            rpc.name()
        )),
        None => Ok(()),
    }
}

/// Checks that no two rpcs share a request: the SDK finds the method by the request's type.
fn check_requests_are_unique(service: &ServiceDescriptorProto) -> Result<(), String> {
    for (index, rpc) in service.method.iter().enumerate() {
        if let Some(other) = service.method[..index]
            .iter()
            .find(|other| other.input_type() == rpc.input_type())
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

/// Returns whether a field is a message, alone or repeated.
pub(crate) fn is_message(field: &FieldDescriptorProto) -> bool {
    field.r#type() == Type::Message
}

/// Returns the message that describes the entries of a map, if `field` of `message` is a map.
pub(crate) fn map_entry<'a>(
    message: &'a DescriptorProto,
    field: &FieldDescriptorProto,
) -> Option<&'a DescriptorProto> {
    let (parent, name) = field.type_name().rsplit_once('.')?;
    if parent.rsplit('.').next() != Some(message.name()) {
        return None;
    }
    let mut nested = message.nested_type.iter();
    nested.find(|nested| nested.name() == name && is_map_entry(nested))
}

/// Returns whether a message describes the entries of a map.
pub(crate) fn is_map_entry(message: &DescriptorProto) -> bool {
    let options = message.options.as_ref();
    options.is_some_and(|options| options.map_entry())
}

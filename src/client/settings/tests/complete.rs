//! The table has an option for each method of the builder, but for those that are listed here with a reason.

use std::collections::BTreeSet;
use std::path::Path;

use syn::{ImplItem, Item, Type, Visibility};

use super::super::options;

/// The methods of the builder without an option of their name, with the reason.
const EXCEPTIONS: [(&str, &str); 19] = [
    ("api_key_provider", "it takes a function"),
    ("bearer_token_provider", "it takes a function"),
    ("build", "it ends the configuration"),
    ("build_blocking", "it ends the configuration"),
    ("endpoint", "`url` takes several"),
    ("endpoints_provider", "it takes a function"),
    ("from_env", "it begins the configuration"),
    ("grpc_channel", "it takes a connection"),
    ("grpc_layer", "it takes a layer"),
    ("grpc_service", "it takes a service"),
    ("header", "`headers` has all of them"),
    ("http_client", "it takes a client"),
    ("http_layer", "it takes a layer"),
    ("http_service", "it takes a service"),
    ("identity", "`identity_file` has its path"),
    ("observer", "it takes a function"),
    ("retry", "it is a table"),
    ("root_certificate", "`root_certificate_file` has its path"),
    ("retry.none", "it is `retry.max_attempts = 1`"),
];

/// The options that are not methods of the builder, or of `Retry`.
const ADDED: [&str; 4] = [
    "api_key_file",
    "bearer_token_file",
    "identity_file",
    "root_certificate_file",
];

/// Returns the names of the public methods of a type in a file.
fn methods(file: &Path, of: &str) -> Vec<String> {
    let code = std::fs::read_to_string(file).unwrap();
    let mut names = Vec::new();
    for item in syn::parse_file(&code).unwrap().items {
        let Item::Impl(item) = item else { continue };
        let is_of_type = matches!(&*item.self_ty, Type::Path(path) if path.path.is_ident(of));
        if !is_of_type {
            continue;
        }
        for member in item.items {
            if let ImplItem::Fn(function) = member
                && matches!(function.vis, Visibility::Public(_))
            {
                names.push(function.sig.ident.to_string());
            }
        }
    }
    names
}

/// Returns the files of a folder and of those in it.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn each_method_of_builder_is_option_or_listed_exception() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut expected = BTreeSet::new();
    for file in files(&src) {
        expected.extend(methods(&file, "ClientBuilder"));
        let of_retry = methods(&file, "Retry");
        expected.extend(of_retry.iter().map(|name| format!("retry.{name}")));
    }
    assert!(expected.len() > 30, "{expected:?}");
    for (name, reason) in EXCEPTIONS {
        assert!(expected.remove(name), "`{name}` is gone: {reason}");
    }
    expected.extend(ADDED.map(str::to_owned));
    let options: BTreeSet<String> = options::all()
        .map(|option| option.name.to_owned())
        .collect();
    assert_eq!(options, expected);
}

#[test]
fn each_option_is_in_documentation_of_settings() {
    let code = include_str!("../mod.rs");
    let names = options::all().map(|option| option.name);
    for name in names.chain(["url", "headers"]) {
        let documented = code
            .lines()
            .any(|line| line.starts_with("/// | ") && line.contains(&format!("`{name}`")));
        assert!(documented, "`{name}` is not in the table");
    }
}

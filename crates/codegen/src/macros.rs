//! Macros over all messages and all requests, for tests.

use quote::ToTokens as _;
use syn::Item;

use crate::messages::modules;
use crate::rpcs::Rpc;

/// The modules of the SDK that hide modules of a schema: a message within `Json` has no path.
const HIDING: &[&str] = &["json", "messages", "method", "payload", "user", "wire"];

/// Generates macros that pass the paths of all messages that have one, and those of all requests, to another macro, for
/// tests.
pub(crate) fn generate(file: &syn::File, rpcs: &[Rpc]) -> String {
    let mut messages = paths(&file.items);
    let all = messages.len();
    messages.retain(|path| !is_hidden(path));
    let hidden = all - messages.len();
    let requests: Vec<String> = rpcs
        .iter()
        .map(|rpc| rpc.request.to_token_stream().to_string())
        .collect();
    let hidden = format!("#[allow(dead_code)]\npub(super) const HIDDEN: usize = {hidden};\n");
    path_macro("for_each_message", &messages) + &path_macro("for_each_method", &requests) + &hidden
}

/// Generates a macro that passes the paths of all messages to another macro, for tests.
pub(crate) fn for_each_message(items: &[Item]) -> String {
    path_macro("for_each_message", &paths(items))
}

/// Returns whether a message cannot be named from outside the SDK.
pub(crate) fn is_hidden(path: &str) -> bool {
    path.split_once("::")
        .is_some_and(|(module, _)| HIDING.contains(&module))
}

fn path_macro(name: &str, paths: &[String]) -> String {
    let paths = paths.join(", ");
    format!(
        "#[allow(unused_macros)]\nmacro_rules! {name} {{ ($then:ident) => {{ $then! {{ {paths} }} }} }}\n"
    )
}

/// Returns the paths of all messages, from the outermost module.
fn paths(items: &[Item]) -> Vec<String> {
    let mut paths = Vec::new();
    collect_paths(items, "", &mut paths);
    paths
}

fn collect_paths(items: &[Item], module: &str, paths: &mut Vec<String>) {
    for item in items {
        if let Item::Struct(message) = item {
            paths.push(format!("{module}{}", message.ident));
        }
    }
    for (name, items) in modules(items) {
        collect_paths(items, &format!("{module}{name}::"), paths);
    }
}

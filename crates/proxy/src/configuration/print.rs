//! The printed forms: YAML and the environment. JSON is that of `serde`.

use serde_json::Value;

use super::section::{Node, Section};

/// Returns a section as YAML.
pub(super) fn yaml(section: &Section) -> String {
    let mut yaml = String::new();
    write_section(&mut yaml, section, "");
    yaml
}

fn write_section(yaml: &mut String, section: &Section, indent: &str) {
    for (name, node) in section.options() {
        let name = key(name);
        match node {
            Node::Value(value) => yaml.push_str(&format!("{indent}{name}: {}\n", flow(value))),
            node => {
                yaml.push_str(&format!("{indent}{name}:\n"));
                write_node(yaml, node, &format!("{indent}  "));
            }
        }
    }
}

fn write_node(yaml: &mut String, node: &Node, indent: &str) {
    match node {
        Node::Value(_) => {}
        Node::Section(section) => write_section(yaml, section, indent),
        Node::Header(header) => write_node(yaml, &header.in_files(), indent),
        Node::List(sections) => {
            for section in sections {
                let mut item = String::new();
                write_section(&mut item, section, &format!("{indent}  "));
                // The dash takes the place of the first two spaces.
                yaml.push_str(&format!("{indent}- {}", item.trim_start()));
            }
        }
    }
}

/// Words that are not strings in YAML. Neither are numbers.
const NO_TEXTS: [&str; 9] = ["false", "n", "no", "null", "off", "on", "true", "y", "yes"];

/// Returns the name of an option, or of a header: in quotes, if it would be something else than a text in YAML.
fn key(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let begins_with_letter = name.starts_with(|first: char| first.is_ascii_alphabetic());
    if begins_with_letter && name.bytes().all(is_plain) && !NO_TEXTS.contains(&name) {
        return name.to_owned();
    }
    flow(&Value::from(name))
}

/// Returns a value as JSON in ASCII, with YAML's escapes, which is YAML too.
fn flow(value: &Value) -> String {
    let mut ascii = String::new();
    for character in value.to_string().chars() {
        if character.is_ascii() && character != '\u{7f}' {
            ascii.push(character);
        } else {
            ascii.push_str(&format!("\\U{:08x}", u32::from(character)));
        }
    }
    ascii
}

/// Returns a section as variables of Centrifugo's environment.
pub(super) fn environment(section: &Section) -> Vec<(String, String)> {
    let mut variables = Vec::new();
    add_variables(&mut variables, section, "CENTRIFUGO");
    variables
}

fn add_variables(variables: &mut Vec<(String, String)>, section: &Section, prefix: &str) {
    for (name, node) in section.options() {
        let variable = format!("{prefix}_{}", name.to_uppercase());
        let value = match node {
            Node::Section(section) => {
                add_variables(variables, section, &variable);
                continue;
            }
            Node::Value(Value::Array(items)) => {
                let items: Vec<_> = items.iter().map(text).collect();
                items.join(" ")
            }
            Node::Value(value) => text(value),
            Node::Header(header) => header.in_environment().to_string(),
            // Texts, numbers and flags are all JSON.
            Node::List(sections) => serde_json::to_string(sections).unwrap_or_default(),
        };
        variables.push((variable, value));
    }
}

/// Returns a text without quotes, and anything else as JSON.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_quoted_for_yaml() {
        assert_eq!(flow(&json!("a \"b\" \\ #")), r##""a \"b\" \\ #""##);
        assert_eq!(
            flow(&json!(["ä", "\u{7f}\u{1f600}"])),
            r#"["\U000000e4","\U0000007f\U0001f600"]"#
        );
        assert_eq!(key("x-secret"), "\"x-secret\"");
        assert_eq!(key("map"), "map");
        for no_text in ["null", "on", "1", "1e3", "_1"] {
            assert_eq!(key(no_text), format!("\"{no_text}\""));
        }
    }
}

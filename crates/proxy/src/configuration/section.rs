//! The tree of options that is printed.

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Map, Value};

/// Options by name, in the order in which they are printed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Section(Vec<(String, Node)>);

/// The value of an option.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Value(Value),
    Section(Section),
    /// Namespaces.
    List(Vec<Section>),
    /// A header with its value.
    Header(Header),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) value: String,
}

impl Section {
    /// Adds an option with a value.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.push(name, Node::Value(value.into()));
    }

    /// Adds a section, unless it has no options.
    pub(super) fn add(&mut self, name: &str, section: Section) {
        if !section.0.is_empty() {
            self.push(name, Node::Section(section));
        }
    }

    pub(super) fn push(&mut self, name: &str, node: Node) {
        self.0.push((name.to_owned(), node));
    }

    /// Adds an option below sections, as in `map.mode`. Returns whether the path was free.
    pub(super) fn put(&mut self, path: &str, value: Value) -> bool {
        let Some((first, rest)) = path.split_once('.') else {
            if self.0.iter().any(|(name, _)| name == path) {
                return false;
            }
            self.set(path, value);
            return true;
        };
        if let Some((_, node)) = self.0.iter_mut().find(|(name, _)| name == first) {
            return match node {
                Node::Section(section) => section.put(rest, value),
                _ => false,
            };
        }
        let mut section = Self::default();
        section.put(rest, value);
        self.add(first, section);
        true
    }

    /// Adds options. Sections that are in both are joined, in lists by their names.
    ///
    /// # Errors
    ///
    /// The path of an option that is in both.
    pub(super) fn merge(&mut self, other: Self) -> Result<(), String> {
        for (name, node) in other.0 {
            let Some((_, own)) = self.0.iter_mut().find(|(own, _)| *own == name) else {
                self.push(&name, node);
                continue;
            };
            match (own, node) {
                (Node::Section(own), Node::Section(section)) => own.merge(section),
                (Node::List(own), Node::List(sections)) => merge_lists(own, sections),
                _ => return Err(name),
            }
            .map_err(|path| format!("{name}.{path}"))?;
        }
        Ok(())
    }

    /// Returns and removes the name that a section of a list has.
    fn take_name(&mut self) -> Option<Node> {
        let index = self.0.iter().position(|(name, _)| name == NAME)?;
        Some(self.0.remove(index).1)
    }

    fn has_name(&self, name: &Node) -> bool {
        self.options()
            .any(|(option, node)| option == NAME && node == name)
    }

    pub(super) fn options(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.0.iter().map(|(name, node)| (&**name, node))
    }
}

/// The option that tells the sections of a list apart.
const NAME: &str = "name";

fn merge_lists(own: &mut Vec<Section>, sections: Vec<Section>) -> Result<(), String> {
    for mut section in sections {
        let Some(name) = section.take_name() else {
            own.push(section);
            continue;
        };
        match own.iter_mut().find(|own| own.has_name(&name)) {
            Some(own) => own.merge(section)?,
            None => {
                section.0.insert(0, (NAME.to_owned(), name));
                own.push(section);
            }
        }
    }
    Ok(())
}

impl From<Map<String, Value>> for Section {
    fn from(options: Map<String, Value>) -> Self {
        let options = options.into_iter();
        let options = options.map(|(name, value)| (name, Node::from(value)));
        let mut section = Self(options.collect());
        // The features of serde_json tell the order of the others.
        if let Some(name) = section.take_name() {
            section.0.insert(0, (NAME.to_owned(), name));
        }
        section
    }
}

impl From<Value> for Node {
    fn from(value: Value) -> Self {
        match value {
            Value::Object(options) => Self::Section(options.into()),
            Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_object) => {
                let sections = items.into_iter().filter_map(|item| match item {
                    Value::Object(options) => Some(Section::from(options)),
                    _ => None,
                });
                Self::List(sections.collect())
            }
            value => Self::Value(value),
        }
    }
}

impl Header {
    /// Returns the header as Centrifugo's files have it.
    ///
    /// A name with a dot would be taken for a path of options, so it needs a list, which Centrifugo reads since 6.5.
    pub(super) fn in_files(&self) -> Node {
        let mut section = Section::default();
        if self.name.contains('.') {
            section.set("key", &*self.name);
            section.set("value", &*self.value);
            return Node::List(vec![section]);
        }
        section.set(&self.name, &*self.value);
        Node::Section(section)
    }

    /// Returns the header as Centrifugo's environment has it.
    pub(super) fn in_environment(&self) -> Value {
        let name = self.name.clone();
        let value = Value::from(&*self.value);
        Value::Object([(name, value)].into_iter().collect())
    }
}

impl Serialize for Section {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, node) in &self.0 {
            map.serialize_entry(name, node)?;
        }
        map.end()
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => value.serialize(serializer),
            Self::Section(section) => section.serialize(serializer),
            Self::List(sections) => sections.serialize(serializer),
            Self::Header(header) => header.in_files().serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_set_once() {
        let mut section = Section::default();
        assert!(section.put("map.mode", "persistent".into()));
        assert!(section.put("map.stream_size", 5.into()));
        assert!(section.put("presence", true.into()));
        for taken in ["map", "map.mode", "map.mode.x", "presence", "presence.x"] {
            assert!(!section.put(taken, 1.into()), "{taken}");
        }
        let json = serde_json::to_string(&section).expect("the section is JSON");
        assert_eq!(
            json,
            r#"{"map":{"mode":"persistent","stream_size":5},"presence":true}"#
        );
    }
}

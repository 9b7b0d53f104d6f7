//! Imports in `src` point downwards: a room uses only the rooms below it, and files do not import one another in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::visit::Visit;
use syn::{Attribute, Item, ItemMod, UseTree};

/// The rooms, from the bottom up.
const ROOMS: [&str; 11] = [
    "api",
    "error",
    "platform",
    "observe",
    "request",
    "consumer",
    "codec",
    "transport",
    "call",
    "client",
    "blocking",
];

/// An import of one file, as the path from the crate's root.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Import {
    file: PathBuf,
    path: Vec<String>,
}

/// Collects the paths that a file uses outside its tests.
struct Imports {
    /// The path of the current module from the crate's root.
    module: Vec<String>,
    found: BTreeSet<Vec<String>>,
}

impl Imports {
    fn of(code: &str, module: Vec<String>) -> Result<BTreeSet<Vec<String>>, syn::Error> {
        let mut imports = Self {
            module,
            found: BTreeSet::new(),
        };
        imports.visit_file(&syn::parse_file(code)?);
        Ok(imports.found)
    }

    /// Records a path that begins with `crate`, `self` or `super`.
    fn record(&mut self, segments: &[String]) {
        let mut absolute = match segments.first().map(String::as_str) {
            Some("crate") => Vec::new(),
            Some("self" | "super") => self.module.clone(),
            _ => return,
        };
        for segment in segments {
            match segment.as_str() {
                "crate" | "self" => {}
                "super" => drop(absolute.pop()),
                name => absolute.push(name.to_owned()),
            }
        }
        // `crate` alone is a visibility.
        if !absolute.is_empty() {
            self.found.insert(absolute);
        }
    }

    fn record_tree(&mut self, prefix: &[String], tree: &UseTree) {
        let with = |name: String| [prefix, &[name]].concat();
        match tree {
            UseTree::Path(path) => self.record_tree(&with(path.ident.to_string()), &path.tree),
            UseTree::Name(name) => self.record(&with(name.ident.to_string())),
            UseTree::Rename(name) => self.record(&with(name.ident.to_string())),
            UseTree::Glob(_) => self.record(prefix),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.record_tree(prefix, tree);
                }
            }
        }
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Mod(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if !attributes.iter().any(is_test) {
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.module.push(item.ident.to_string());
        syn::visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.record_tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        self.record(&segments);
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        let text = item.tokens.to_string().replace(' ', "");
        for (start, _) in text.match_indices("crate::") {
            let rest = &text[start + "crate::".len()..];
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
            let path = &rest[..end.unwrap_or(rest.len())];
            let names = path.split("::").filter(|name| !name.is_empty());
            self.found.insert(names.map(str::to_owned).collect());
        }
        syn::visit::visit_macro(self, item);
    }
}

/// Returns whether an attribute is `#[cfg(test)]`, also together with features.
fn is_test(attribute: &Attribute) -> bool {
    let syn::Meta::List(list) = &attribute.meta else {
        return false;
    };
    let condition = list.tokens.to_string();
    attribute.path().is_ident("cfg")
        && (condition == "test"
            || condition.starts_with("all (test")
            || condition.starts_with("all(test"))
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Returns the files of a folder and of those in it, without those of tests.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("an entry can be read").path();
        let stem = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default();
        if stem == "fuzz" || stem == "tests" {
            continue;
        }
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Returns the path of a file's module: `call/nodes/mod.rs` is `call::nodes`.
fn module(file: &Path) -> Vec<String> {
    let relative = file
        .strip_prefix(src())
        .expect("a file of src")
        .with_extension("");
    let names = relative
        .iter()
        .map(|name| name.to_string_lossy().into_owned());
    names
        .filter(|name| name != "mod" && name != "lib")
        .collect()
}

/// Returns all imports within the crate.
fn imports() -> Vec<Import> {
    let mut imports = Vec::new();
    for file in files(&src()) {
        let code = std::fs::read_to_string(&file).expect("a file can be read");
        let paths = Imports::of(&code, module(&file)).expect("a file can be parsed");
        imports.extend(paths.into_iter().map(|path| Import {
            file: file.clone(),
            path,
        }));
    }
    imports
}

fn floor(room: &str) -> Option<usize> {
    ROOMS.iter().position(|name| *name == room)
}

/// Returns what is wrong with an import, if something is.
fn problem(import: &Import) -> Option<String> {
    let from = module(&import.file);
    let from = from.first()?;
    let to = import.path.first().map_or("the root", String::as_str);
    let (Some(from_floor), Some(to_floor)) = (floor(from), floor(to)) else {
        return Some(format!(
            "{} is not imported from a room",
            import.path.join("::")
        ));
    };
    (to_floor > from_floor).then(|| format!("{from} imports {} from above", import.path.join("::")))
}

#[test]
fn rooms_import_only_rooms_below_them() {
    let imports = imports();
    assert!(imports.len() > 300, "{} imports were found", imports.len());
    let problems: Vec<String> = imports
        .iter()
        .filter_map(|import| Some(format!("{}: {}", import.file.display(), problem(import)?)))
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn src_has_no_entries_but_the_rooms() {
    let entries = std::fs::read_dir(src()).expect("src can be read");
    let entries = entries.map(|entry| entry.expect("an entry can be read").path());
    let names: BTreeSet<String> = entries
        .map(|path| {
            path.file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    // `fuzz` is compiled for tests alone.
    let expected = ROOMS
        .into_iter()
        .chain(["lib", "fuzz"])
        .map(str::to_owned)
        .collect();
    assert_eq!(names, expected);
}

/// Returns the file that declares a path: the longest module in it that is a file.
fn target(path: &[String], modules: &BTreeMap<Vec<String>, PathBuf>) -> Option<PathBuf> {
    let mut prefixes = (1..=path.len()).rev().map(|length| &path[..length]);
    prefixes.find_map(|prefix| modules.get(prefix).cloned())
}

#[test]
fn files_of_different_rooms_form_no_circle() {
    // Within a room a folder's `mod.rs` and its files belong together.
    let modules: BTreeMap<Vec<String>, PathBuf> = files(&src())
        .into_iter()
        .map(|file| (module(&file), file))
        .collect();
    let mut arrows: BTreeMap<PathBuf, BTreeSet<PathBuf>> = BTreeMap::new();
    for import in imports() {
        let Some(target) = target(&import.path, &modules) else {
            continue;
        };
        let from_room = module(&import.file).first().cloned();
        let to_room = module(&target).first().cloned();
        if from_room != to_room && from_room.is_some() {
            arrows.entry(import.file).or_default().insert(target);
        }
    }
    for start in arrows.keys() {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&PathBuf> = arrows[start].iter().collect();
        while let Some(file) = open.pop() {
            assert_ne!(file, start, "{} reaches itself", start.display());
            if reached.insert(file) {
                open.extend(arrows.get(file).into_iter().flatten());
            }
        }
    }
}

#[test]
fn import_from_above_is_found() {
    let import = |room: &str, code: &str| {
        let file = src().join(room).join("file.rs");
        let paths = Imports::of(code, module(&file)).expect("it can be parsed");
        paths.into_iter().find_map(|path| {
            problem(&Import {
                file: file.clone(),
                path,
            })
        })
    };
    for code in [
        "use crate::client::Client;",
        "use super::super::client::Client;",
        "fn f(client: &crate::client::Client) {}",
        "fn f() { let _ = crate::client::Client::new(1, 2); }",
        "mod inner { use super::super::super::client::Client; }",
        "fn f() { println!(\"{}\", crate::client::NAME); }",
        "use crate::Client;",
    ] {
        assert!(import("call", code).is_some(), "{code}");
    }
    for code in [
        "use crate::api::method::Method;",
        "use super::Deadline;",
        "#[cfg(test)] mod tests { use crate::client::Client; }",
        "use std::fmt;",
    ] {
        assert_eq!(import("call", code), None, "{code}");
    }
}

//! Claims of the guides that can be read from the sources: what there is, and what there is not.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use syn::visit::Visit;
use syn::{ImplItemFn, ItemEnum, ItemFn, ItemStruct, ItemTrait, TraitItemFn, Variant, Visibility};

/// Collects the names that the sources declare in public.
#[derive(Default)]
struct PublicNames(BTreeSet<String>);

impl PublicNames {
    fn add(&mut self, visibility: &Visibility, name: &syn::Ident) {
        if matches!(visibility, Visibility::Public(_)) {
            self.0.insert(name.to_string());
        }
    }
}

impl<'ast> Visit<'ast> for PublicNames {
    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.add(&item.vis, &item.sig.ident);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        self.0.insert(item.sig.ident.to_string());
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.add(&item.vis, &item.sig.ident);
    }

    fn visit_item_struct(&mut self, item: &'ast ItemStruct) {
        self.add(&item.vis, &item.ident);
    }

    fn visit_item_enum(&mut self, item: &'ast ItemEnum) {
        self.add(&item.vis, &item.ident);
        syn::visit::visit_item_enum(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast ItemTrait) {
        self.add(&item.vis, &item.ident);
        syn::visit::visit_item_trait(self, item);
    }

    fn visit_variant(&mut self, variant: &'ast Variant) {
        self.0.insert(variant.ident.to_string());
    }
}

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Returns the public names of the SDK and of the test server, the generated ones included.
fn public_names() -> BTreeSet<String> {
    let mut files = Vec::new();
    rust_files(&in_repository("src"), &mut files);
    rust_files(&in_repository("crates/testing/src"), &mut files);
    for generated in ["api.rs", "client.rs", "blocking.rs"] {
        files.push(Path::new(env!("OUT_DIR")).join(generated));
    }
    let mut names = PublicNames::default();
    for file in files {
        let file = syn::parse_file(&read(&file)).expect("a file can be parsed");
        names.visit_file(&file);
    }
    names.0
}

/// Returns the pages that make claims.
fn pages() -> Vec<PathBuf> {
    let docs = std::fs::read_dir(in_repository("docs")).expect("docs can be read");
    let docs = docs.map(|entry| entry.expect("an entry can be read").path());
    let mut pages: Vec<PathBuf> = docs
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.push(in_repository("README.md"));
    pages.sort();
    pages
}

/// Returns the code words in the clauses that begin with `start`: `x` and `y` of "There is no `x` or `y`."
fn claimed(text: &str, start: &str) -> Vec<String> {
    let text = text.replace('\n', " ");
    let mut words = Vec::new();
    for (at, _) in text.match_indices(start) {
        let sentence = &text[at..];
        let ends = [". ", ":", ",", " |"]
            .iter()
            .filter_map(|end| sentence.find(end));
        let end = ends.min().unwrap_or(sentence.len());
        let code = sentence[..end].split('`').skip(1).step_by(2);
        words.extend(code.map(|word| word.trim_end_matches("()").to_owned()));
    }
    words
}

/// Returns the last name of a path such as `Client::close`.
fn last_name(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}

fn is_name(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || c == '_')
}

#[test]
fn guides_deny_only_what_does_not_exist() {
    let names = public_names();
    assert!(
        names.contains("close") && names.contains("publish"),
        "names are missing"
    );
    let mut checked = 0;
    for page in pages() {
        for word in claimed(&read(&page), "here is no `") {
            let name = last_name(&word);
            if is_name(name) {
                checked += 1;
                assert!(
                    !names.contains(name),
                    "{}: there is a `{word}`",
                    page.display()
                );
            }
        }
    }
    assert!(checked >= 5, "only {checked} claims were found");
}

#[test]
fn guides_name_only_methods_of_the_client_that_exist() {
    let names = public_names();
    let mut checked = 0;
    for page in pages() {
        // A guide for users of another client also names that client's methods.
        let is_guide = page
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("from-"));
        if is_guide {
            continue;
        }
        let text = read(&page);
        for owner in [
            "`Client::",
            "`ClientBuilder::",
            "`Retry::",
            "`Error::",
            "`Server::",
        ] {
            for (at, _) in text.match_indices(owner) {
                let rest = &text[at + owner.len()..];
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
                let name = &rest[..end.unwrap_or(rest.len())];
                checked += 1;
                assert!(
                    names.contains(name),
                    "{}: no {owner}{name}`",
                    page.display()
                );
            }
        }
    }
    assert!(checked >= 5, "only {checked} names were found");
}

#[test]
fn examples_are_short_and_listed() {
    let manifest = read(&in_repository("examples/Cargo.toml"));
    let index = read(&in_repository("examples/README.md"));
    let mut checked = 0;
    for entry in std::fs::read_dir(in_repository("examples")).expect("examples can be read") {
        let path = entry.expect("an entry can be read").path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let Some(example) = name.strip_suffix(".rs") else {
            continue;
        };
        checked += 1;
        assert!(
            manifest.contains(&format!("path = \"{name}\"\n")),
            "examples/Cargo.toml lacks {name}"
        );
        assert!(
            index.contains(&format!("[`{example}`]({name})")),
            "examples/README.md lacks {name}"
        );
        let lines = read(&path).lines().count();
        // It has a handler for every event.
        let most = if example == "proxy" { 110 } else { 59 };
        assert!(lines <= most, "{name} has {lines} lines");
    }
    assert!(checked >= 15, "only {checked} examples were found");
}

#[test]
fn readme_is_short() {
    let lines = read(&in_repository("README.md")).lines().count();
    assert!(lines <= 150, "{lines} lines");
}

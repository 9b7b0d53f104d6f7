//! `docs/reliability.md` names only tests that exist.

use std::collections::BTreeSet;

use crate::Outcome;

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

/// Returns the tests that a row names: code with a path.
fn named(row: &str) -> Vec<(&str, &str)> {
    row.split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|code| code.split_once("::"))
        .collect()
}

/// Returns the rows of the tables of faults, without the heads.
fn rows(page: &str) -> impl Iterator<Item = &str> {
    let faults = page
        .split_once("## Faults")
        .map_or("", |(_, faults)| faults);
    let rows = faults.lines().filter(|line| line.starts_with('|'));
    rows.filter(|row| !row.starts_with("|---") && !row.starts_with("| fault "))
}

#[test]
fn each_row_names_tests_that_exist() -> Outcome {
    let page = std::fs::read_to_string(format!("{FOLDER}/docs/reliability.md"))?;
    let mut all = BTreeSet::new();
    for row in rows(&page) {
        let columns = row.trim_matches('|').split(" | ").count();
        assert_eq!(columns, 6, "{row}");
        let tests = named(row);
        assert!(!tests.is_empty(), "no test: {row}");
        for (file, test) in tests {
            let folder = if file.starts_with("src/") {
                FOLDER.to_owned()
            } else {
                format!("{FOLDER}/tests")
            };
            let path = format!("{folder}/{file}.rs");
            let source =
                std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
            assert!(
                source.contains(&format!("fn {test}(")),
                "{path} has no `{test}`"
            );
            all.insert((file, test));
        }
    }
    assert!(all.len() > 50, "{} tests", all.len());
    Ok(())
}

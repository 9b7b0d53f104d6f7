//! The tables of `docs/proxy.md` and `docs/comparison.md` are those that the tests play.

use std::fmt::Write as _;

use crate::cent::{Pair, Stray};
use crate::harness::Row;
use crate::{
    Outcome, cent, connect, deltas, maps, overrides, payloads, publish, refresh, refused_calls,
    rpc, shared_polls, statuses, streams, sub_refresh, subscribe,
};

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs");

/// Lets the test write the tables instead.
const WRITE: &str = "CENTRIFUGO_API_WRITE_DOCS";

/// Is below a table.
const END: &str = "<!-- end of table -->";

/// Tables, by the names that a page has above them.
type Tables = Vec<(&'static str, String)>;

/// Returns the tables of what clients see.
fn tables() -> Tables {
    vec![
        ("connect", table(connect::ROWS)),
        ("connect: cache", table(payloads::CACHED)),
        ("connect: infos", table(overrides::INFOS)),
        ("overrides: on", table(overrides::ON)),
        ("overrides: off", table(overrides::OFF)),
        ("refresh", table(refresh::ROWS)),
        ("refresh: token", table(refresh::OF_TOKENS)),
        ("subscribe", table(subscribe::ROWS)),
        ("sub_refresh", table(sub_refresh::ROWS)),
        ("sub_refresh: token", table(sub_refresh::OF_TOKENS)),
        ("calls: refused", table(refused_calls::ROWS)),
        ("calls: ended", table(refused_calls::ENDS)),
        ("publish", table(publish::ROWS)),
        ("publish: twice", table(publish::REPEATED)),
        ("publish: delta", table(deltas::PUBLICATIONS)),
        ("rpc", table(rpc::ROWS)),
        ("map_publish", table(maps::PUBLISHED)),
        ("map_publish: twice", table(maps::REPEATED)),
        ("map_publish: delta", table(deltas::MAPS)),
        ("map_remove", table(maps::REMOVED)),
        ("map_remove: twice", table(maps::REMOVED_TWICE)),
        ("shared_poll_refresh", table(shared_polls::ROWS)),
        (
            "shared_poll_refresh: versionless",
            table(shared_polls::VERSIONLESS),
        ),
        ("shared_poll_refresh: delta", table(deltas::POLLED)),
        ("streams", table(streams::ROWS)),
        ("streams: ends", table(streams::ENDS)),
        (
            "streams: bidirectional",
            table(streams::bidirectional::REFUSED),
        ),
        ("statuses: connect", table(statuses::CONNECTIONS)),
        ("statuses: subscribe", table(statuses::SUBSCRIPTIONS)),
        ("statuses: calls", table(statuses::CALLS)),
        ("statuses: refresh", table(statuses::REFRESHES)),
        ("statuses: sub_refresh", table(statuses::SUB_REFRESHES)),
    ]
}

/// Returns rows as Markdown.
fn table<A>(rows: &[Row<A>]) -> String {
    let mut table = "| answer | what the client sees |\n|---|---|\n".to_owned();
    for Row { name, seen, .. } in rows {
        writeln!(table, "| {name} | {} |", cell(seen)).expect("a string takes all text");
    }
    table
}

/// Returns lines as Markdown. The channels and methods of each case have a name of their own.
fn cell(seen: &[&str]) -> String {
    let seen = seen.iter();
    let seen: Vec<_> = seen
        .map(|line| format!("`{}`", line.replace("CASE", "1")))
        .collect();
    match seen.as_slice() {
        [] => "nothing".to_owned(),
        seen => seen.join("<br>"),
    }
}

/// Returns the tables of what differs between `centrifugo-proxy` and `cent`.
fn tables_of_cent() -> Tables {
    let mut answers = String::from(
        "| event | answer | `centrifugo-proxy` | Rust `cent` 0.1.0 |\n|---|---|---|---|\n",
    );
    for (event, pairs) in [
        ("connect", cent::CONNECTIONS),
        ("refresh", cent::REFRESHES),
        ("sub_refresh", cent::SUB_REFRESHES),
        ("rpc", cent::CALLS),
        ("rpc", cent::OTHER_SECRET),
        ("map_publish", cent::MAPS),
    ] {
        for Pair { name, ours, theirs } in pairs {
            let ours = ours.map_or("does not compile".to_owned(), |side| cell(side.seen));
            let theirs = theirs.map_or("does not compile".to_owned(), |side| cell(side.seen));
            answers += &format!("| `{event}` | {name} | {ours} | {theirs} |\n");
        }
    }
    let mut requests =
        String::from("| request | `centrifugo-proxy` | Rust `cent` 0.1.0 |\n|---|---|---|\n");
    for Stray {
        name, ours, theirs, ..
    } in cent::STRAYS
    {
        requests += &format!("| {name} | {ours} | {theirs} |\n");
    }
    vec![("cent: answers", answers), ("cent: requests", requests)]
}

/// Returns the page with the tables that the tests play.
fn with_tables(page: &str, tables: &Tables) -> String {
    let mut page = page.to_owned();
    for (name, table) in tables {
        let begin = format!("<!-- table: {name} -->\n");
        let (before, rest) = page
            .split_once(&begin)
            .unwrap_or_else(|| panic!("the page has no {begin}"));
        let (_, after) = rest
            .split_once(END)
            .unwrap_or_else(|| panic!("the table {name} has no end"));
        page = format!("{before}{begin}{table}{END}{after}");
    }
    page
}

/// Checks that a page shows tables, and no others that are said to be of the tests.
fn check(name: &str, tables: &Tables) -> Outcome {
    let path = format!("{DOCS}/{name}");
    let page = std::fs::read_to_string(&path)?;
    let expected = with_tables(&page, tables);
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(path, expected)?;
        return Ok(());
    }
    let different = page
        .lines()
        .zip(expected.lines())
        .find(|(line, expected)| line != expected);
    assert!(
        page == expected,
        "{name} differs from the rows: set {WRITE}=1 to write it; first {different:?}"
    );
    assert_eq!(page.matches("<!-- table: ").count(), tables.len());
    Ok(())
}

#[test]
fn pages_show_the_rows() -> Outcome {
    check("proxy.md", &tables())?;
    check("comparison.md", &tables_of_cent())
}

//! The tables of `docs/proxy.md` are those that the tests play.

use std::fmt::Write as _;

use crate::harness::Row;
use crate::{
    Outcome, connect, deltas, maps, overrides, payloads, publish, refresh, refused_calls, rpc,
    shared_polls, statuses, streams, sub_refresh, subscribe,
};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/proxy.md");

/// Lets the test write the tables instead.
const WRITE: &str = "CENTRIFUGO_API_WRITE_DOCS";

/// Is below a table.
const END: &str = "<!-- end of table -->";

/// Returns the tables by the names that the page has above them.
fn tables() -> Vec<(&'static str, String)> {
    vec![
        ("connect", table(connect::ROWS)),
        ("connect: cache", table(payloads::CACHED)),
        ("connect: infos", table(overrides::INFOS)),
        ("overrides: on", table(overrides::ON)),
        ("overrides: off", table(overrides::OFF)),
        ("refresh", table(refresh::ROWS)),
        ("subscribe", table(subscribe::ROWS)),
        ("sub_refresh", table(sub_refresh::ROWS)),
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
        // The channels and methods of each case have a name of their own.
        let seen: Vec<_> = seen
            .iter()
            .map(|line| format!("`{}`", line.replace("CASE", "1")))
            .collect();
        let seen = match seen.as_slice() {
            [] => "nothing".to_owned(),
            seen => seen.join("<br>"),
        };
        writeln!(table, "| {name} | {seen} |").expect("a string takes all text");
    }
    table
}

/// Returns the page with the tables that the tests play.
fn with_tables(page: &str) -> String {
    let mut page = page.to_owned();
    for (name, table) in tables() {
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

#[test]
fn page_shows_the_rows() -> Outcome {
    let page = std::fs::read_to_string(PAGE)?;
    let expected = with_tables(&page);
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(PAGE, expected)?;
        return Ok(());
    }
    let different = page
        .lines()
        .zip(expected.lines())
        .find(|(line, expected)| line != expected);
    assert!(
        page == expected,
        "docs/proxy.md differs from the rows: set {WRITE}=1 to write it; first {different:?}"
    );
    // Every table of the page is one of the tests'.
    assert_eq!(page.matches("<!-- table: ").count(), tables().len());
    Ok(())
}

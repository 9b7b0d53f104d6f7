//! The results of a run: Markdown for `docs/benchmarks.md`, and a picture beside it.

mod picture;
mod targets;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{fs, thread};

use crate::Failure;
use crate::peers;
use crate::results::{Quartiles, Results};
use crate::rows::{Kind, Row};
use crate::sample::Metric;
pub use targets::outcome;

/// Returns the tables of all peers, and those of the targets.
pub fn tables(results: &Results, rounds: usize) -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let percent = |metric| results.spread(metric) * 100.0;
    let mut text = format!(
        "{} {}, {cores} cores, Centrifugo 6.9.1; medians of {rounds} rounds. Between the quartiles of a cell lie {:.0} % of \
         its wall time and {:.0} % of its CPU time, in the median of the cells.\n",
        std::env::consts::OS,
        std::env::consts::ARCH,
        percent(Metric::Wall),
        percent(Metric::Cpu)
    );
    let cell = |row, peer: &str| {
        let wall = digits(results.median(row, peer, Metric::Wall)?);
        let cpu = digits(results.median(row, peer, Metric::Cpu)?);
        let peak = digits(results.median(row, peer, Metric::Peak)?);
        Some(format!("{wall} / {cpu} / {peak}"))
    };
    let title = "wall s / client CPU µs per operation / peak MiB";
    text.push_str(&single_calls(title, results, cell));
    let rows = shown_rows(results, |row| row.can_share());
    let peers = shown_peers(results, &rows, peers::shares_batches);
    let title = "the same, of calls that share batches";
    text.push_str(&table(title, &rows, &peers, cell));
    text.push_str(&latencies(results));
    text.push_str(&idle(results));
    text.push_str(&targets::tables(results));
    text.push_str(&quartiles(results));
    text
}

/// Returns a table of the rows that have times and of the peers that send each call alone.
fn single_calls(
    title: &str,
    results: &Results,
    cell: impl Fn(Row, &str) -> Option<String>,
) -> String {
    let rows = shown_rows(results, |row| {
        matches!(row.kind(), Kind::Calls | Kind::Blocking)
    });
    let peers = shown_peers(results, &rows, |peer| !peers::shares_batches(peer));
    table(title, &rows, &peers, cell)
}

fn latencies(results: &Results) -> String {
    let rows = shown_rows(results, |row| row.kind() == Kind::Latency);
    let title = format!("p50 / p99 / p99.9 in ms, at {} per second", results.rate);
    table(&title, &rows, &results.peers(&rows), |row, peer| {
        let p50 = digits(results.median(row, peer, Metric::P50)?);
        let p99 = digits(results.median(row, peer, Metric::P99)?);
        let p999 = digits(results.median(row, peer, Metric::P999)?);
        Some(format!("{p50} / {p99} / {p999}"))
    })
}

fn idle(results: &Results) -> String {
    let rows = shown_rows(results, |row| row.kind() == Kind::Idle);
    let title = "KiB per connection × connections";
    table(title, &rows, &results.peers(&rows), |row, peer| {
        let memory = digits(results.median(row, peer, Metric::Idle)?);
        let connections = results.median(row, peer, Metric::Connections)?;
        Some(format!("{memory} × {connections:.0}"))
    })
}

/// Returns the table of quartiles, which a reader may open.
fn quartiles(results: &Results) -> String {
    let title = "quartiles of wall s / of client CPU µs per operation";
    let cell = |row, peer: &str| {
        let wall = range(results.quartiles(row, peer, Metric::Wall)?);
        let cpu = range(results.quartiles(row, peer, Metric::Cpu)?);
        Some(format!("{wall} / {cpu}"))
    };
    let table = single_calls(title, results, cell);
    format!("\n<details><summary>Quartiles</summary>\n{table}\n</details>\n")
}

fn shown_rows(results: &Results, is_shown: impl Fn(Row) -> bool) -> Vec<Row> {
    let rows = results.rows().into_iter();
    rows.filter(|row| is_shown(*row)).collect()
}

fn shown_peers(results: &Results, rows: &[Row], is_shown: fn(&str) -> bool) -> Vec<&'static str> {
    let peers = results.peers(rows).into_iter();
    peers.filter(|peer| is_shown(peer)).collect()
}

/// Returns a table after an empty line, or nothing if it were empty.
fn table(
    title: &str,
    rows: &[Row],
    peers: &[&str],
    cell: impl Fn(Row, &str) -> Option<String>,
) -> String {
    if rows.is_empty() || peers.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "\n| {title} | {} |\n|---|{}\n",
        peers.join(" | "),
        "---|".repeat(peers.len())
    );
    for row in rows {
        let cells: Vec<_> = peers
            .iter()
            .map(|peer| cell(*row, peer).unwrap_or_default())
            .collect();
        let _ = writeln!(text, "| {} | {} |", row.title(), cells.join(" | "));
    }
    text
}

fn range(quartiles: Quartiles) -> String {
    format!("{}–{}", digits(quartiles.lower), digits(quartiles.upper))
}

/// Returns a number with three digits, of which two can be trusted.
pub fn digits(number: f64) -> String {
    match number {
        ..0.9995 => format!("{number:.3}"),
        ..9.995 => format!("{number:.2}"),
        ..99.95 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}

/// Returns a ratio as its median and its quartiles.
pub fn ratio(quartiles: Quartiles) -> String {
    let Quartiles {
        lower,
        median,
        upper,
    } = quartiles;
    format!("{median:.2} ({lower:.2}–{upper:.2})")
}

/// Writes the tables and the picture into the documentation.
pub fn write(tables: &str, results: &Results) -> Result<(), Failure> {
    const IMAGE: &str = "![Bars of wall time with the client's CPU time per operation, of latencies, and of memory: \
                         shorter is better](benchmarks.svg)";
    replace(PAGE, "calls", &format!("{IMAGE}\n\n{tables}"))?;
    let picture = in_crate("docs/benchmarks.svg");
    fs::write(&picture, picture::draw(results))?;
    println!("wrote {}", picture.display());
    Ok(())
}

pub fn write_builds(table: &str) -> Result<(), Failure> {
    replace(PAGE, "builds", table)
}

const PAGE: &str = "docs/benchmarks.md";

fn in_crate(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(path)
}

/// Replaces the text between the comments `<!-- NAME -->` and `<!-- end of NAME -->`.
fn replace(file: &str, name: &str, with: &str) -> Result<(), Failure> {
    let path = in_crate(file);
    let text = fs::read_to_string(&path)?;
    let begin = format!("<!-- {name} -->");
    let end = format!("<!-- end of {name} -->");
    let lacks = || format!("{} lacks {begin} and {end}", path.display());
    let (before, rest) = text.split_once(&begin).ok_or_else(lacks)?;
    let (_, after) = rest.split_once(&end).ok_or_else(lacks)?;
    fs::write(
        &path,
        format!("{before}{begin}\n\n{}\n\n{end}{after}", with.trim_end()),
    )?;
    println!("wrote {}", path.display());
    Ok(())
}

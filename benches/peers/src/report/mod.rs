//! The results of a run: Markdown for `docs/benchmarks.md`, and a picture beside it.

mod picture;
mod targets;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{fs, thread};

use crate::Failure;
use crate::measure::Sample;
use crate::results::Results;

/// Returns the table of all peers, and that of the targets.
pub fn tables(results: &Results, rounds: usize) -> String {
    let peers = results.peers();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut text = format!(
        "{} {}, {cores} cores, Centrifugo 6.9.1; medians of {rounds}. Wall times of one cell differed by {:.0} % between \
         rounds, in the median of the cells.\n\n",
        std::env::consts::OS,
        std::env::consts::ARCH,
        results.spread() * 100.0
    );
    let cell = |sample: Sample| {
        format!(
            "{} / {}",
            times(sample),
            digits(sample.peak_kib as f64 / 1024.0)
        )
    };
    text.push_str(&table(
        "wall s / client CPU µs per operation / peak MiB",
        results,
        &peers,
        cell,
    ));
    let _ = write!(text, "\n{}", targets::table(results));
    text
}

fn table(
    title: &str,
    results: &Results,
    peers: &[&str],
    cell: impl Fn(Sample) -> String,
) -> String {
    let mut text = format!(
        "| {title} | {} |\n|---|{}\n",
        peers.join(" | "),
        "---|".repeat(peers.len())
    );
    for row in results.rows() {
        let cell = |peer: &&str| results.median(row, peer).map_or_else(String::new, &cell);
        let cells: Vec<_> = peers.iter().map(cell).collect();
        let _ = writeln!(text, "| {} | {} |", row.title(), cells.join(" | "));
    }
    text
}

fn times(sample: Sample) -> String {
    let wall = sample.wall.as_secs_f64();
    let cpu = sample.cpu.as_secs_f64() * 1e6;
    format!("{} / {}", digits(wall), digits(cpu))
}

/// Returns a number with three digits, of which two can be trusted.
fn digits(number: f64) -> String {
    match number {
        ..0.9995 => format!("{number:.3}"),
        ..9.995 => format!("{number:.2}"),
        ..99.95 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}

/// Writes the tables and the picture into the documentation.
pub fn write(tables: &str, results: &Results) -> Result<(), Failure> {
    const IMAGE: &str = "![Bars of wall time, with the client's CPU time per operation: shorter is better](benchmarks.svg)";
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

//! What a run has shown: Markdown for `docs/benchmarks.md`, and a picture beside it.

mod picture;
mod targets;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{fs, thread};

use crate::Failure;
use crate::measure::Sample;
use crate::results::Results;

/// The table of all peers, and that of the targets.
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
    let _ = writeln!(text, "| wall s / client CPU µs an operation / peak MiB | {} |", peers.join(" | "));
    let _ = writeln!(text, "|---|{}", "---|".repeat(peers.len()));
    for row in results.rows() {
        let cells: Vec<_> = peers.iter().map(|peer| cell(results.median(row, peer))).collect();
        let _ = writeln!(text, "| {} | {} |", row.title(), cells.join(" | "));
    }
    let _ = write!(text, "\n{}", targets::table(results));
    text
}

fn cell(sample: Option<Sample>) -> String {
    sample.map_or_else(String::new, |sample| {
        let (wall, cpu) = (sample.wall.as_secs_f64(), sample.cpu.as_secs_f64() * 1e6);
        format!("{} / {} / {}", digits(wall), digits(cpu), digits(sample.peak_kib as f64 / 1024.0))
    })
}

/// Three digits, of which two are to be trusted.
fn digits(number: f64) -> String {
    match number {
        ..0.9995 => format!("{number:.3}"),
        ..9.995 => format!("{number:.2}"),
        ..99.95 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}

pub fn write(tables: &str, results: &Results) -> Result<(), Failure> {
    let image =
        "![Bars of wall time, with the client's CPU time of an operation: shorter is better](benchmarks.svg)";
    replace("calls", &format!("{image}\n\n{tables}"))?;
    let picture = documents().join("benchmarks.svg");
    fs::write(&picture, picture::draw(results))?;
    println!("wrote {}", picture.display());
    Ok(())
}

pub fn write_builds(table: &str) -> Result<(), Failure> {
    replace("builds", table)
}

fn documents() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs"))
}

/// Replaces what is between the comments `<!-- NAME -->` and `<!-- end of NAME -->`.
fn replace(name: &str, with: &str) -> Result<(), Failure> {
    let path = documents().join("benchmarks.md");
    let text = fs::read_to_string(&path)?;
    let (begin, end) = (format!("<!-- {name} -->"), format!("<!-- end of {name} -->"));
    let lacks = || format!("{} lacks {begin} and {end}", path.display());
    let (before, rest) = text.split_once(&begin).ok_or_else(lacks)?;
    let (_, after) = rest.split_once(&end).ok_or_else(lacks)?;
    fs::write(&path, format!("{before}{begin}\n\n{}\n\n{end}{after}", with.trim_end()))?;
    println!("wrote {}", path.display());
    Ok(())
}

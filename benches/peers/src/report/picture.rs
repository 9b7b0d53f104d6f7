//! The picture: a group of bars per row, each as long as its wall time, its p99 or its memory.

use std::fmt::Write as _;

use super::digits;
use crate::results::Results;
use crate::rows::{Kind, Row};
use crate::sample::Metric;

const COLUMNS: usize = 2;
const COLUMN: f64 = 490.0;
const MARGIN: f64 = 16.0;
/// The left end of the bars, to the right of the names.
const NAMES: f64 = 150.0;
const LONGEST: f64 = 210.0;
const LINE: f64 = 18.0;
const BAR: f64 = 12.0;

/// Colours that can be read on white and on black; text follows the reader's scheme.
const STYLE: &str = "\
text{font:12px system-ui,sans-serif;fill:#1f2328}\
.title{font-weight:600}.name{text-anchor:end}.value{fill:#59636e}\
.this{fill:#2f81f7}.cent{fill:#d9822b}.raw{fill:#8b949e}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.value{fill:#9198a1}}";

/// The bar of a peer.
struct Bar {
    peer: &'static str,
    length: f64,
    text: String,
}

pub fn draw(results: &Results) -> String {
    // Where the network has a delay, all bars are alike.
    let rows = super::shown_rows(results, |row| {
        row.kind() == Kind::Idle || row.load(false).delay.is_zero()
    });
    let rows: Vec<_> = rows
        .into_iter()
        .map(|row| (row, bars(results, row)))
        .collect();
    let mut heights = [MARGIN; COLUMNS];
    let mut groups = String::new();
    for (row, bars) in &rows {
        let column = usize::from(heights[1] < heights[0]);
        group(
            &mut groups,
            row.title(),
            bars,
            column as f64 * COLUMN,
            heights[column],
        );
        heights[column] += LINE * (bars.len() + 2) as f64;
    }
    let (width, height) = (
        COLUMN * COLUMNS as f64,
        heights.into_iter().fold(0.0, f64::max),
    );
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" aria-label=\"Times, latencies and memory of each client; shorter is better\">\n\
         <style>{STYLE}</style>\n{groups}</svg>\n"
    )
}

fn bars(results: &Results, row: Row) -> Vec<Bar> {
    let peers = results.peers(&[row]).into_iter();
    peers
        .filter_map(|peer| {
            let median = |metric| results.median(row, peer, metric);
            let (length, text) = match row.kind() {
                Kind::Calls | Kind::Blocking => {
                    let wall = median(Metric::Wall)?;
                    let cpu = digits(median(Metric::Cpu)?);
                    (wall, format!("{} s, {cpu} µs", digits(wall)))
                }
                Kind::Latency => {
                    let p99 = median(Metric::P99)?;
                    (p99, format!("p99 {} ms", digits(p99)))
                }
                Kind::Idle => {
                    let connections = median(Metric::Connections)?;
                    let mib = median(Metric::Idle)? * connections / 1024.0;
                    (mib, format!("{} MiB, {connections:.0} open", digits(mib)))
                }
            };
            Some(Bar { peer, length, text })
        })
        .collect()
}

fn group(text: &mut String, title: &str, bars: &[Bar], left: f64, mut top: f64) {
    let longest = bars.iter().map(|bar| bar.length).fold(0.0, f64::max);
    let start = left + NAMES;
    let _ = writeln!(
        text,
        r#"<text class="title" x="{start}" y="{}">{title}</text>"#,
        top + BAR
    );
    for bar in bars {
        top += LINE;
        let length = LONGEST * bar.length / longest;
        let peer = bar.peer;
        let (baseline, end) = (top + BAR - 2.0, start + length + 6.0);
        let _ = writeln!(
            text,
            "<text class=\"name\" x=\"{}\" y=\"{baseline}\">{peer}</text>\
             <rect class=\"{}\" x=\"{start}\" y=\"{top}\" width=\"{length:.1}\" height=\"{BAR}\" rx=\"2\"/>\
             <text class=\"value\" x=\"{end:.1}\" y=\"{baseline}\">{}</text>",
            start - 8.0,
            class(peer),
            bar.text
        );
    }
}

fn class(peer: &str) -> &'static str {
    match peer {
        _ if peer.starts_with("this") => "this",
        _ if peer.starts_with("cent") => "cent",
        _ => "raw",
    }
}

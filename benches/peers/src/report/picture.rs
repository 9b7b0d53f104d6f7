//! The picture: a group of bars a row, each as long as its wall time.

use std::fmt::Write as _;

use crate::measure::Sample;
use crate::results::Results;
use crate::rows::Row;

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

pub fn draw(results: &Results) -> String {
    let rows: Vec<_> = results
        .rows()
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
         role=\"img\" aria-label=\"Wall time and client CPU time of each client; shorter is better\">\n\
         <style>{STYLE}</style>\n{groups}</svg>\n"
    )
}

fn bars(results: &Results, row: Row) -> Vec<(&'static str, Sample)> {
    let peers = results.peers().into_iter();
    peers
        .filter_map(|peer| Some((peer, results.median(row, peer)?)))
        .collect()
}

fn group(text: &mut String, title: &str, bars: &[(&str, Sample)], left: f64, mut top: f64) {
    let longest = bars
        .iter()
        .map(|(_, sample)| sample.wall)
        .max()
        .unwrap_or_default();
    let start = left + NAMES;
    let _ = writeln!(
        text,
        r#"<text class="title" x="{start}" y="{}">{title}</text>"#,
        top + BAR
    );
    for (peer, sample) in bars {
        top += LINE;
        let length = LONGEST * sample.wall.div_duration_f64(longest);
        let (baseline, end) = (top + BAR - 2.0, start + length + 6.0);
        let _ = writeln!(
            text,
            "<text class=\"name\" x=\"{}\" y=\"{baseline}\">{peer}</text>\
             <rect class=\"{}\" x=\"{start}\" y=\"{top}\" width=\"{length:.1}\" height=\"{BAR}\" rx=\"2\"/>\
             <text class=\"value\" x=\"{end:.1}\" y=\"{baseline}\">{} s, {} µs</text>",
            start - 8.0,
            class(peer),
            super::digits(sample.wall.as_secs_f64()),
            super::digits(sample.cpu.as_secs_f64() * 1e6)
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

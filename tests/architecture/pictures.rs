//! The pictures of the guides, drawn from texts: `docs/pictures/NAME.txt` becomes `docs/pictures/NAME.svg`.
//!
//! A text has a title, a line with the lanes, and a line per step: `from -> to: words`, `from -x to: words` for what gets
//! lost, `lane: words` for what happens there, `= words` for a pause. `CENTRIFUGO_API_WRITE_DOCS=1` draws them anew.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The width of a lane, and the height of a step, in pixels.
const LANE: usize = 190;
const STEP: usize = 46;
/// Where the steps begin.
const TOP: usize = 96;

#[test]
fn pictures_are_drawn_from_their_texts() -> Outcome {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures");
    let is_written = std::env::var_os("CENTRIFUGO_API_WRITE_DOCS").is_some();
    let mut count = 0;
    for entry in fs::read_dir(folder)? {
        let text = entry?.path();
        if text.extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        let drawn = draw(&fs::read_to_string(&text)?)
            .ok_or_else(|| format!("{}: a line cannot be read", text.display()))?;
        let picture = text.with_extension("svg");
        if is_written {
            fs::write(&picture, &drawn)?;
        }
        let name = picture.display();
        assert_eq!(
            fs::read_to_string(&picture)?,
            drawn,
            "{name} is not drawn from its text: set CENTRIFUGO_API_WRITE_DOCS=1"
        );
        count += 1;
    }
    assert!(count >= 3, "there are {count} pictures");
    Ok(())
}

/// Returns the picture of a text; `None` if a line cannot be read.
fn draw(text: &str) -> Option<String> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let title = lines.next()?;
    let lanes: Vec<&str> = lines.next()?.split('|').map(str::trim).collect();
    let steps: Vec<&str> = lines.collect();
    let width = lanes.len() * LANE;
    let height = TOP + steps.len() * STEP + 20;
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13" text-anchor="middle">
<defs>
<marker id="arrow" markerWidth="9" markerHeight="8" refX="8" refY="4" orient="auto"><path d="M0 0L9 4L0 8z" fill="#1f4e79"/></marker>
</defs>
<style>.words {{ paint-order: stroke; stroke: #fff; stroke-width: 5px }}</style>
<rect width="{width}" height="{height}" fill="#fff"/>
<text x="{}" y="26" font-size="17" font-weight="bold">{}</text>
"##,
        width / 2,
        escaped(title)
    );
    for (index, lane) in lanes.iter().enumerate() {
        let x = middle(index);
        let left = x - 75;
        let name = escaped(lane);
        let bottom = height - 12;
        let _ = write!(
            svg,
            r##"<path d="M{x} 74V{bottom}" stroke="#bbb" stroke-dasharray="4 4"/>
<rect x="{left}" y="44" width="150" height="30" rx="6" fill="#e8f0f8" stroke="#1f4e79"/>
<text x="{x}" y="64" font-weight="bold">{name}</text>
"##
        );
    }
    for (index, step) in steps.iter().enumerate() {
        let y = TOP + index * STEP + 22;
        svg += &draw_step(step, &lanes, y)?;
    }
    svg += "</svg>\n";
    Some(svg)
}

/// Returns the drawing of a step at a height.
fn draw_step(step: &str, lanes: &[&str], y: usize) -> Option<String> {
    if let Some(words) = step.strip_prefix('=') {
        let x = lanes.len() * LANE / 2;
        let words = escaped(words.trim());
        let text = format!(
            r##"<text class="words" x="{x}" y="{y}" font-style="italic" fill="#777">{words}</text>"##
        );
        return Some(text + "\n");
    }
    let (way, words) = step.split_once(':')?;
    let words = escaped(words.trim());
    let lane = |name: &str| lanes.iter().position(|lane| *lane == name.trim());
    let arrow = way.split_once("->");
    let Some((from, to)) = arrow.or_else(|| way.split_once("-x")) else {
        return Some(draw_note(middle(lane(way)?), y, &words));
    };
    let (from, to) = (middle(lane(from)?), middle(lane(to)?));
    let x = from.midpoint(to);
    let label = y - 7;
    let line = if arrow.is_some() {
        format!(
            r##"<path d="M{from} {y}H{to}" stroke="#1f4e79" stroke-width="1.6" marker-end="url(#arrow)"/>"##
        )
    } else {
        format!(
            r##"<path d="M{from} {y}H{x}m-5 -5l10 10m-10 0l10 -10" stroke="#c0392b" stroke-width="1.8" fill="none"/>"##
        )
    };
    let text = format!(r##"<text class="words" x="{x}" y="{label}">{words}</text>"##);
    Some(format!("{line}\n{text}\n"))
}

fn draw_note(x: usize, y: usize, words: &str) -> String {
    let width = words.chars().count() * 7 + 16;
    let left = x.saturating_sub(width / 2);
    let top = y - 16;
    let text = y + 2;
    format!(
        r##"<rect x="{left}" y="{top}" width="{width}" height="26" rx="4" fill="#fff8e1" stroke="#c9a227"/>
<text x="{x}" y="{text}">{words}</text>
"##
    )
}

/// Returns the horizontal middle of a lane.
fn middle(lane: usize) -> usize {
    lane * LANE + LANE / 2
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

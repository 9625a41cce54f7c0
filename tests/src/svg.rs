//! A terminal as a picture: SVG that follows the light or dark colours of the page around it.

use std::fmt::Write as _;

/// Number of columns; longer lines continue below.
const COLUMNS: usize = 88;
/// Height of a line in pixels.
const LINE_HEIGHT: usize = 19;
/// Width of a column in hundredths of a pixel: monospaced fonts have at most 0.61 em at 13 px.
const COLUMN_WIDTH: usize = 793;
/// Space around the text in pixels.
const MARGIN: usize = 18;

/// The styles. Both sets of colours have a contrast of at least 4.5 to 1.
const STYLE: &str = "\
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; white-space: pre; }
.back { fill: #f6f8fa; stroke: #d0d7de; } .out { fill: #1f2328; } .host { fill: #116329; font-weight: bold; }
.typed { fill: #0550ae; font-weight: bold; } .note { fill: #59636e; font-style: italic; }
@media (prefers-color-scheme: dark) {
.back { fill: #161b22; stroke: #3d444d; } .out { fill: #e6edf3; } .host { fill: #3fb950; } .typed { fill: #79c0ff; } .note { fill: #9198a1; }
}";

/// A line on the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// What happens, in words.
    Note(String),
    /// What a person types, after the name of the computer.
    Typed {
        /// The computer.
        host: String,
        /// The command.
        line: String,
    },
    /// What a program prints.
    Printed(String),
}

/// Returns the picture of these lines, described by `title` for those who can't see it.
pub fn picture(title: &str, lines: &[Line]) -> String {
    let rows: Vec<String> = lines.iter().flat_map(rows).collect();
    let width = (COLUMNS * COLUMN_WIDTH).div_ceil(100) + 2 * MARGIN;
    let height = rows.len() * LINE_HEIGHT + 2 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\">\n\
         <title>{}</title>\n<style>\n{STYLE}\n</style>\n\
         <rect class=\"back\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"8\"/>\n",
        escape(title),
        width - 1,
        height - 1
    );
    for (index, row) in rows.iter().enumerate() {
        if !row.is_empty() {
            let y = MARGIN + index * LINE_HEIGHT + 14;
            let _ = writeln!(
                svg,
                "<text x=\"{MARGIN}\" y=\"{y}\" xml:space=\"preserve\">{row}</text>"
            );
        }
    }
    svg + "</svg>\n"
}

/// Returns a line as rows of the terminal, marked up.
fn rows(line: &Line) -> Vec<String> {
    let (host, text, class) = match line {
        Line::Note(text) => (String::new(), text, "note"),
        Line::Typed { host, line } => (format!("{host}$ "), line, "typed"),
        Line::Printed(text) => (String::new(), text, "out"),
    };
    let mut pieces = wrapped(text, COLUMNS - host.chars().count());
    let first = pieces.remove(0);
    let span = |class: &str, text: &str| {
        if text.is_empty() {
            String::new()
        } else {
            format!("<tspan class=\"{class}\">{}</tspan>", escape(text))
        }
    };
    let mut rows = vec![span("host", &host) + &span(class, &first)];
    rows.extend(pieces.iter().map(|piece| span(class, piece)));
    rows
}

/// Cuts a line between words, where it would be longer than `first` columns, and its rest longer than a row. There is at least
/// one piece.
fn wrapped(text: &str, first: usize) -> Vec<String> {
    let (mut pieces, mut piece, mut room) = (Vec::new(), String::new(), first);
    for word in text.split_inclusive(' ') {
        let columns = |text: &str| text.chars().count();
        if !piece.is_empty() && columns(&piece) + columns(word.trim_end()) > room {
            pieces.push(std::mem::take(&mut piece));
            room = COLUMNS;
        }
        piece += word;
    }
    pieces.push(piece);
    pieces
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_escaped_and_wrap_between_words() {
        let lines = [
            Line::Note("a & b".into()),
            Line::Typed {
                host: "node".into(),
                line: "cat <x>".into(),
            },
            Line::Printed("ten chars ".repeat(COLUMNS / 10 + 1)),
            Line::Printed(String::new()),
        ];
        let svg = picture("what it is", &lines);
        assert_eq!(
            svg.matches("<text ").count(),
            4,
            "the long line has two rows, the empty one none: {svg}"
        );
        for part in [
            "<title>what it is</title>",
            "<tspan class=\"note\">a &amp; b</tspan>",
            "<tspan class=\"host\">node$ </tspan><tspan class=\"typed\">cat &lt;x&gt;</tspan>",
            "prefers-color-scheme: dark",
        ] {
            assert!(svg.contains(part), "{part} is missing: {svg}");
        }
    }
}

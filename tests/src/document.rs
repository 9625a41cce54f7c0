//! Documents whose blocks of commands are typed as they stand: finds the blocks, and compares what they show with what was printed.

use std::path::Path;

use anyhow::Context as _;

/// A block between fences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What follows the opening fence, such as `console laptop`.
    pub kind: String,
    /// The lines between the fences.
    pub lines: Vec<String>,
}

/// Returns the blocks of a document of this repository.
///
/// # Errors
/// When it can't be read, or a block has no end.
pub fn blocks(path: &str) -> anyhow::Result<Vec<Block>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    let text = std::fs::read_to_string(&file).with_context(|| path.to_owned())?;
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(kind), None) => {
                open = Some(Block {
                    kind: kind.to_owned(),
                    lines: Vec::new(),
                });
            }
            (None, Some(block)) => block.lines.push(line.to_owned()),
            (None, None) => {}
        }
    }
    anyhow::ensure!(open.is_none(), "a block of {path} has no end");
    Ok(blocks)
}

/// A typed line, and what the document shows below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    /// The line after the prompt, without a comment at its end.
    pub line: String,
    /// The lines below it.
    pub shown: Vec<String>,
}

impl Block {
    /// Returns the lines of this block that are typed, each with what it shows.
    pub fn typed(&self) -> Vec<Typed> {
        let mut typed: Vec<Typed> = Vec::new();
        for line in &self.lines {
            match (line.strip_prefix("$ "), typed.last_mut()) {
                (Some(line), _) => typed.push(Typed {
                    line: without_comment(line).to_owned(),
                    shown: Vec::new(),
                }),
                (None, Some(last)) => last.shown.push(line.clone()),
                (None, None) => {}
            }
        }
        typed
    }

    /// Returns the text of this block.
    pub fn text(&self) -> String {
        self.lines.join("\n") + "\n"
    }
}

/// Returns a line without the comment that two spaces set apart.
fn without_comment(line: &str) -> &str {
    line.split_once("  # ").map_or(line, |(line, _)| line.trim_end())
}

/// Compares what was printed with what a document shows, line by line. `…` is anything, on a line of its own one line or more.
///
/// # Errors
/// When they differ; the error shows both.
pub fn compare(what: &str, said: &str, shown: &[String]) -> anyhow::Result<()> {
    let said: Vec<&str> = said.trim_end().lines().map(str::trim_end).collect();
    let shown: Vec<&str> = shown.iter().map(|line| line.trim_end()).collect();
    anyhow::ensure!(
        are_shown(&said, &shown),
        "{what}\n--- the document shows\n{}\n--- it printed\n{}",
        shown.join("\n"),
        said.join("\n")
    );
    Ok(())
}

/// Whether the lines are what a document shows.
fn are_shown(lines: &[&str], shown: &[&str]) -> bool {
    match (lines.split_first(), shown.split_first()) {
        (None, None) => true,
        (Some((_, lines)), Some((&"…", after))) => are_shown(lines, shown) || are_shown(lines, after),
        (Some((line, lines)), Some((first, after))) => is_shown(line, first) && are_shown(lines, after),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// Whether a line is what a document shows, where `…` is anything.
fn is_shown(line: &str, shown: &str) -> bool {
    if !shown.contains('…') || line == shown {
        return line == shown;
    }
    let mut pieces = shown.split('…');
    let Some(mut rest) = pieces.next().and_then(|first| line.strip_prefix(first)) else {
        return false;
    };
    let mut last = "";
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
        last = piece;
    }
    rest.is_empty() || last.is_empty() || line.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_comparison_is_not_lax() {
        for (line, shown, alike) in [
            ("abc", "abc", true),
            ("abc", "abd", false),
            ("a 17 c", "a … c", true),
            ("a 17 d", "a … c", false),
            ("0 files, 1.0 s", "0 files, …", true),
            ("1 files, 1.0 s", "0 files, …", false),
            ("anything", "…", true),
        ] {
            assert_eq!(is_shown(line, shown), alike, "{line} {shown}");
        }
        for (lines, shown, alike) in [
            ("a\nb\nc\nd", "a\n…\nd", true),
            ("a\nd", "a\n…\nd", false),
            ("a\nb", "a\n…\nd", false),
            ("a\nb", "a", false),
            ("a", "a\n…", false),
        ] {
            let shown: Vec<String> = shown.lines().map(str::to_owned).collect();
            assert_eq!(compare("", lines, &shown).is_ok(), alike, "{lines:?} {shown:?}");
        }
    }

    #[test]
    fn a_typed_line_has_its_output_and_no_comment() {
        let block = Block {
            kind: "console".into(),
            lines: ["$ a 'b # c'   # why", "x", "$ d"].map(str::to_owned).to_vec(),
        };
        let typed: Vec<(String, usize)> = block
            .typed()
            .into_iter()
            .map(|typed| (typed.line, typed.shown.len()))
            .collect();
        assert_eq!(typed, [("a 'b # c'".to_owned(), 1), ("d".to_owned(), 0)]);
    }
}

//! Guesses for a text that proves that it is whole.

use super::{
    guess::{CUT_ESCAPES, Guess, SHORT_DASH},
    layers::{inner, layers, lines},
    sequences,
};

/// Returns the readings of `text` that are worth trying, the likeliest first, for text that proves that it is whole. Only
/// characters for which `belongs` is true are kept.
pub fn readings(text: &str, belongs: impl Fn(char) -> bool) -> impl Iterator<Item = String> {
    let guesses: [fn(&str) -> String; 8] = [
        |text| lines(&layers(text, Guess::default())).concat(),
        |text| layers(text, Guess::default()), // a line of only hyphens may belong to it
        |text| rejoined(text, Guess::default()),
        |text| lines(&layers(text, SHORT_DASH)).concat(),
        |text| rejoined(text, SHORT_DASH),
        |text| rejoined(text, CUT_ESCAPES),
        |text| without_common_prefix(&layers(text, Guess::default())),
        |text| without_numbers(&layers(text, Guess::default())),
    ];
    let text = text.to_owned();
    guesses
        .into_iter()
        .map(move |guess| guess(&text).chars().filter(|c| belongs(*c)).collect())
}

/// Joins the lines before the damage is removed: a line break may have split an escape.
fn rejoined(text: &str, guess: Guess) -> String {
    let bare = sequences::undo_bare(&layers(text, guess));
    let joined: String = lines(&bare).concat();
    let joined = joined.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    sequences::undo_bare(&layers(&joined, guess))
}

/// Joins the lines without their common prefix: `10:32 <ann> `.
fn without_common_prefix(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let Some((first, rest)) = lines.split_first() else {
        return String::new();
    };
    let common = rest.iter().fold(first.len(), |most, line| {
        let same = first
            .bytes()
            .zip(line.bytes())
            .take_while(|(a, b)| a == b)
            .count();
        most.min(same)
    });
    let end = (0..=common).rev().find(|at| {
        let before = first.get(..*at).and_then(|head| head.chars().next_back());
        before.is_none_or(|c| !c.is_ascii_alphanumeric() && !"-_.".contains(c))
    });
    let end = end.unwrap_or_default();
    lines.iter().filter_map(|line| line.get(end..)).collect()
}

/// Joins the lines without the numbers that `cat -n` and editors show before them.
fn without_numbers(text: &str) -> String {
    let bare = text.lines().map(|line| {
        let line = inner(line);
        let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let gap = rest.starts_with(|c: char| c.is_whitespace() || ":|)".contains(c));
        if rest.len() < line.len() && gap {
            rest
        } else {
            line
        }
    });
    bare.collect()
}

//! The pages of what is listed here, all of which is known at once: a cursor is the list's word, where to go on, and how far.

use serde_json::{Value, json};

use super::super::answer::Failure;
use super::super::files::text;
use super::refuse;

/// A part of a list.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    from: usize,
    limit: usize,
}

/// The first part, with as many entries as were asked for, or else `usual`.
pub fn first(arg: &Value, usual: usize) -> Part {
    let limit = arg["limit"].as_u64().and_then(|n| usize::try_from(n).ok());
    Part {
        from: 0,
        limit: limit.unwrap_or(usual),
    }
}

/// The part that a cursor of the list `word` names; one of another list is refused.
///
/// # Errors
/// When it is no such cursor.
pub fn following(arg: &Value, word: &str) -> Result<Part, Failure> {
    let numbers = text(arg, "cursor").strip_prefix(word);
    let numbers = numbers.and_then(|rest| rest.strip_prefix(' ')?.split_once(' '));
    let part = numbers.and_then(|(from, limit)| {
        Some(Part {
            from: from.parse().ok()?,
            limit: limit.parse().ok()?,
        })
    });
    part.ok_or_else(|| refuse("invalid_cursor"))
}

/// A page of the list `word`.
pub fn page(all: &[Value], part: Part, word: &str) -> Value {
    let entries: Vec<&Value> = all.iter().skip(part.from).take(part.limit).collect();
    let end = part.from + entries.len();
    let mut out = json!({"entries": entries});
    if end < all.len() {
        out["cursor"] = json!(format!("{word} {end} {}", part.limit));
    }
    out
}

//! A line of progress that fits: the most important parts come first, and those that don't fit are left out.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::bytes;

/// Columns of a bar.
const BAR: usize = 12;
/// The part of a path that a bar shows, in columns.
const NAME: usize = 28;

/// Whether the locale's character set is UTF-8: the first of its variables that is set counts, and without any it is C.
pub(super) fn is_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(variable)
        .find(|value| !value.is_empty());
    locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// The line of the whole transfer: `bar percent bytes rate eta message`.
pub(super) fn whole(
    columns: usize,
    is_ascii: bool,
    (done, total): (u64, u64),
    rate: &str,
    eta: &str,
    message: &str,
) -> String {
    let mut message = plain(message, is_ascii);
    let percent = percent(done, total);
    let room = columns.saturating_sub(percent.width() + 1);
    if message.width() > room {
        message = start(&message, room, is_ascii);
    }
    fit(
        columns,
        &[
            (5, bar(done, total, is_ascii)),
            (0, percent),
            (2, format!("{} of {}", bytes(done), bytes(total))),
            (3, rate.to_owned()),
            (4, eta.to_owned()),
            (1, message),
        ],
    )
}

/// The line of a big file: `bar percent bytes name`.
pub(super) fn file(columns: usize, is_ascii: bool, (done, total): (u64, u64), path: &str) -> String {
    let percent = percent(done, total);
    let room = columns.saturating_sub(percent.width() + 1);
    fit(
        columns,
        &[
            (3, bar(done, total, is_ascii)),
            (0, percent),
            (2, format!("{} of {}", bytes(done), bytes(total))),
            (1, end(&plain(path, is_ascii), NAME.min(room), is_ascii)),
        ],
    )
}

/// Those parts, in their order, that fit beside each other; a lower rank comes first.
fn fit(columns: usize, parts: &[(u8, String)]) -> String {
    let mut ranked: Vec<&(u8, String)> = parts.iter().collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    let (mut left, mut taken) = (columns, Vec::new());
    for (rank, text) in ranked {
        let needed = text.width() + usize::from(!taken.is_empty());
        if needed > left {
            break;
        }
        left -= needed;
        taken.push(*rank);
    }
    let shown = parts.iter().filter(|(rank, _)| taken.contains(rank));
    shown.map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" ")
}

fn percent(done: u64, total: u64) -> String {
    let percent = (u128::from(done) * 100).checked_div(u128::from(total));
    format!("{:>3}%", percent.unwrap_or(100).min(100))
}

fn bar(done: u64, total: u64, is_ascii: bool) -> String {
    let full = (u128::from(done) * BAR as u128)
        .checked_div(u128::from(total))
        .and_then(|full| usize::try_from(full).ok())
        .map_or(BAR, |full| full.min(BAR));
    let (on, off) = if is_ascii { ("#", "-") } else { ("█", "░") };
    on.repeat(full) + &off.repeat(BAR - full)
}

/// Without what could drive the terminal, and in a locale without UTF-8 without what that can't show.
fn plain(text: &str, is_ascii: bool) -> String {
    let text = shared::plain::printable(text);
    if !is_ascii {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            out.extend(c.escape_default());
        }
    }
    out
}

fn dots(is_ascii: bool) -> &'static str {
    if is_ascii { "..." } else { "…" }
}

/// Returns the end of a path, its most specific part.
fn end(path: &str, columns: usize, is_ascii: bool) -> String {
    if path.width() <= columns {
        return path.to_owned();
    }
    let dots = dots(is_ascii);
    let mut left = columns.saturating_sub(dots.width());
    let mut from = path.len();
    for (at, c) in path.char_indices().rev() {
        let width = c.width().unwrap_or(0);
        if width > left {
            break;
        }
        left -= width;
        from = at;
    }
    format!("{dots}{}", &path[from..])
}

/// Returns the start of a message.
fn start(text: &str, columns: usize, is_ascii: bool) -> String {
    let dots = dots(is_ascii);
    let mut left = columns.saturating_sub(dots.width());
    let mut out = String::new();
    for c in text.chars() {
        let width = c.width().unwrap_or(0);
        if width > left {
            break;
        }
        left -= width;
        out.push(c);
    }
    out + dots
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FAR: (u64, u64) = (123 << 20, 1 << 31);

    #[test]
    fn lines_show_what_there_is_room_for() {
        let line = |columns| whole(columns, false, FAR, "12.34 MiB/s", "3m", "12 of 345 files");
        assert_eq!(
            line(79),
            "░░░░░░░░░░░░   6% 123.00 MiB of 2.00 GiB 12.34 MiB/s 3m 12 of 345 files"
        );
        assert_eq!(
            line(60),
            "  6% 123.00 MiB of 2.00 GiB 12.34 MiB/s 3m 12 of 345 files"
        );
        assert_eq!(line(39), "  6% 12 of 345 files");
        assert_eq!(line(12), "  6% 12 of …");
        let name = |columns| file(columns, false, FAR, "results/2026/run 17/scan.h5");
        assert_eq!(
            name(79),
            "░░░░░░░░░░░░   6% 123.00 MiB of 2.00 GiB results/2026/run 17/scan.h5"
        );
        assert_eq!(name(39), "  6% results/2026/run 17/scan.h5");
        assert_eq!(name(20), "  6% …run 17/scan.h5");
    }

    #[test]
    fn a_locale_without_utf8_gets_ascii() {
        let line = whole(79, true, (1 << 20, 2 << 20), "1 B/s", "1s", "1 of 2 files, Größe");
        assert!(line.is_ascii() && line.starts_with("######------  50%"), "{line}");
        let line = file(30, true, (0, 5), &"größe/".repeat(20));
        assert!(line.is_ascii() && line.contains("..."), "{line}");
        for (variables, is) in [
            (&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")][..], false),
            (&[("LC_ALL", ""), ("LANG", "en_US.UTF-8")][..], true),
            (&[("LC_CTYPE", "de_DE.utf8")][..], true),
            (&[("LC_ALL", "C.UTF-8"), ("LANG", "C")][..], true),
            (&[("LANG", "de_DE.ISO-8859-1")][..], false),
            (&[][..], false),
        ] {
            let variable = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(is_utf8(variable), is, "{variables:?}");
        }
    }

    #[test]
    fn long_paths_keep_their_end() {
        let long = end(
            &plain(&format!("{}/run\u{1b}7.h5", "deep/".repeat(20)), false),
            NAME,
            false,
        );
        assert_eq!(long.width(), NAME);
        assert!(long.starts_with('…') && long.ends_with("7.h5") && !long.contains('\u{1b}'));
        assert!(end("データ/結果.h5", 9, false).width() <= 9);
    }

    proptest! {
        #[test]
        fn nothing_wraps(columns in 0_usize..200, path in ".*", done: u64, total: u64, is_ascii: bool) {
            for line in [
                whole(columns, is_ascii, (done, total), "999.99 MiB/s", "59m", &path),
                file(columns, is_ascii, (done, total), &path),
            ] {
                prop_assert!(line.width() <= columns, "{columns}: {line:?}");
                let is_clean = !line.contains(shared::plain::is_hidden) || line.contains(['\u{200c}', '\u{200d}']);
                prop_assert!(is_clean);
                prop_assert!(!is_ascii || line.is_ascii());
            }
        }
    }
}

//! The config as text: read into [`Config`], and changed so that everything else stays as a person wrote it.
//!
//! Comments, the order of keys, keys of newer versions, CRLF line ends and a byte order mark survive a save. A text without
//! any of these is what `toml` would write.

use toml::{Table, Value};
use toml_edit::{DocumentMut, Item, TableLike};

use super::Config;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads a text.
///
/// # Errors
/// Returns where and why it can't be read, without quoting values: they may be secrets.
pub(super) fn parse(text: &str) -> Result<Config, String> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    toml::from_str(text).map_err(|error| {
        let message = without_values(error.message());
        match error.span() {
            Some(span) => {
                let line = text[..span.start.min(text.len())].lines().count().max(1);
                format!("line {line}: {message}")
            }
            None => message,
        }
    })
}

/// Returns the message without the text that it quotes: `invalid type: string "sl.x", expected i64`.
pub(super) fn without_values(message: &str) -> String {
    match (message.find("string \""), message.rfind('"')) {
        (Some(from), Some(to)) if to > from + "string \"".len() => {
            format!("{}string{}", &message[..from], &message[to + 1..])
        }
        _ => message.to_owned(),
    }
}

/// Returns `text` with the differences between `before`, which it was read as, and `after`.
///
/// # Errors
/// When `text` is not TOML or `after` can't be written as TOML.
pub(super) fn edit(text: &str, before: &Config, after: &Config) -> Result<String, String> {
    if before == after {
        return Ok(text.to_owned());
    }
    let (mark, body) = match text.strip_prefix(BYTE_ORDER_MARK) {
        Some(body) => ("\u{feff}", body),
        None => ("", text),
    };
    let is_crlf = body.contains("\r\n");
    let mut document: DocumentMut = body
        .replace("\r\n", "\n")
        .parse()
        .map_err(|error: toml_edit::TomlError| without_values(error.message()))?;
    let table = |config: &Config| Table::try_from(config).map_err(|error| error.to_string());
    let (before, after) = (table(before)?, table(after)?);
    let orphans = change(document.as_table_mut(), &before, &after);
    if !orphans.is_empty() {
        let trailing = document.trailing().as_str().unwrap_or_default().to_owned();
        document.set_trailing(format!("{orphans}{trailing}"));
    }
    let mut edited = document.to_string();
    if is_crlf {
        edited = edited.replace('\n', "\r\n");
    }
    Ok(format!("{mark}{edited}"))
}

/// Carries the differences over into `target`. Returns comments that were above removed tables and don't belong to them.
fn change(target: &mut dyn TableLike, before: &Table, after: &Table) -> String {
    let mut orphans = String::new();
    let is_new = |key: &&String| !before.contains_key(*key);
    for (key, value) in before.iter().filter(|(key, _)| !after.contains_key(*key)) {
        let Some(removed) = target.remove(key) else {
            continue;
        };
        // The same under another name is a rename: its comments and its place go with it.
        match after.keys().filter(is_new).find(|new| after[*new] == *value) {
            Some(new) if value.is_table() && !target.contains_key(new) => {
                target.insert(new, removed);
            }
            _ => orphans += &detached_comments(&removed),
        }
    }
    for (key, value) in after {
        let old = before.get(key);
        if old == Some(value) || (old.is_none() && target.contains_key(key) && value.is_table()) {
            continue;
        }
        match (target.get_mut(key), old, value) {
            (Some(item), Some(Value::Table(old)), Value::Table(new)) if item.is_table_like() => {
                if let Some(table) = item.as_table_like_mut() {
                    orphans += &change(table, old, new);
                }
            }
            (Some(Item::Value(there)), _, _) => {
                if let Some(mut new) = to_value(value) {
                    *new.decor_mut() = there.decor().clone();
                    *there = new;
                }
            }
            _ => {
                if let Some(item) = to_item(value) {
                    target.insert(key, item);
                }
            }
        }
    }
    orphans
}

/// Returns the comments above a table that a blank line separates from it, such as those at the head of a file.
fn detached_comments(item: &Item) -> String {
    let Some(table) = item.as_table() else {
        return String::new();
    };
    let above = table.decor().prefix().and_then(|prefix| prefix.as_str());
    match above.unwrap_or_default().rsplit_once("\n\n") {
        Some((detached, _)) if detached.contains('#') => format!("{detached}\n\n"),
        _ => String::new(),
    }
}

/// A table as a table with a header, anything else as a value.
fn to_item(value: &Value) -> Option<Item> {
    let Value::Table(table) = value else {
        return to_value(value).map(Item::Value);
    };
    let mut new = toml_edit::Table::new();
    // A table that holds only tables needs no header of its own.
    new.set_implicit(!table.is_empty() && table.values().all(Value::is_table));
    for (key, value) in table {
        new.insert(key, to_item(value)?);
    }
    Some(Item::Table(new))
}

fn to_value(value: &Value) -> Option<toml_edit::Value> {
    value.to_string().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Remote;
    use proptest::prelude::*;
    use shared::secret::Secret;

    fn changed(text: &str, by: impl FnOnce(&mut Config)) -> String {
        let before = parse(text).unwrap();
        let mut after = before.clone();
        by(&mut after);
        let edited = edit(text, &before, &after).unwrap();
        assert_eq!(parse(&edited).unwrap(), after, "{edited}");
        edited
    }

    fn refresh(config: &mut Config, name: &str) {
        let remote = config.remotes.get_mut(name).unwrap();
        remote.access_token = Some(Secret::new("new"));
        remote.expires_at = Some(7);
    }

    const WRITTEN: &str = "\
# the file of our group
transfers = 3   # the line is slow

newer = { a = 1 }

# Ann's
[remotes.dbx]
refresh_token = \"r\" # keep
app_key = 'k'
access_token = \"old\"
colour = \"blue\"
when = 2026-01-01T00:00:00Z

# at the end
";

    #[test]
    fn a_refresh_changes_its_lines_and_no_others() {
        let expected = WRITTEN
            .replace("\"old\"", "\"new\"")
            .replace("00Z\n", "00Z\nexpires_at = 7\n");
        assert_eq!(changed(WRITTEN, |c| refresh(c, "dbx")), expected);
        let crlf = format!("\u{feff}{}", WRITTEN.replace('\n', "\r\n"));
        let expected = format!("\u{feff}{}", expected.replace('\n', "\r\n"));
        assert_eq!(changed(&crlf, |c| refresh(c, "dbx")), expected);
    }

    #[test]
    fn nothing_changed_is_nothing_written() {
        for text in [
            "",
            "\n",
            WRITTEN,
            "\u{feff}#x\r\n",
            "remotes = { a = { app_key = \"k\" } }",
        ] {
            assert_eq!(changed(text, |_| ()), text);
        }
    }

    #[test]
    fn a_renamed_remote_keeps_its_comments_its_place_and_its_unknown_keys() {
        let text = format!("{WRITTEN}[remotes.z]\napp_key = \"z\"\n");
        let edited = changed(&text, |c| {
            let remote = c.remotes.remove("dbx").unwrap();
            c.remotes.insert("my box".into(), remote);
        });
        assert_eq!(edited, text.replace("[remotes.dbx]", "[remotes.\"my box\"]"));
        let copied = changed(&text, |c| {
            let remote = c.remotes["dbx"].clone();
            c.remotes.insert("copy".into(), remote);
        });
        assert_eq!(copied.matches("colour = \"blue\"").count(), 2, "{copied}");
        assert!(
            copied.starts_with(WRITTEN.trim_end_matches("\n# at the end\n")),
            "{copied}"
        );
    }

    #[test]
    fn a_removed_remote_takes_its_own_comments_only() {
        let text = "# head of the file\n\n# Ann's\n[remotes.a]\napp_key = \"k\"\n\n# Bob's\n[remotes.b]\napp_key = \"k\"\n";
        let edited = changed(text, |c| {
            c.remotes.remove("a");
        });
        assert!(
            edited.contains("# head of the file") && edited.contains("# Bob's"),
            "{edited}"
        );
        assert!(!edited.contains("Ann"), "{edited}");
    }

    #[test]
    fn every_way_to_write_a_remote_can_be_changed() {
        for text in [
            "remotes = { dbx = { app_key = \"k\", refresh_token = \"r\", later = true } }\n",
            "remotes.dbx.app_key = \"k\"\nremotes.dbx.later = true\n",
            "[remotes]\ndbx.app_key = \"k\"\ndbx.later = true\n",
            "[remotes]\ndbx = { app_key = \"k\", later = true }\n",
            "[remotes.\"dbx\"]\napp_key = \"\"\"k\"\"\"\nlater = true\n",
        ] {
            let edited = changed(text, |c| refresh(c, "dbx"));
            assert!(edited.contains("later = true"), "{edited}");
            let more = changed(text, |c| {
                c.remotes.insert("more".into(), Remote::default());
            });
            assert!(more.contains("later = true"), "{more}");
            changed(text, |c| c.remotes.clear());
        }
    }

    #[test]
    fn no_value_is_quoted_in_an_error() {
        for text in [
            "[remotes.x]\napp_key = \"k\"\nexpires_at = \"topsecret\"\n",
            "[remotes.x]\napp_key = \"k\"\nscopes = \"topsecret\"\n",
            "[remotes.x]\nrefresh_token = \"topsecret\n",
            "[remotes.x]\nrefresh_token = topsecret\n",
        ] {
            let error = parse(text).unwrap_err();
            assert!(!error.contains("topsecret"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_saved_is_read(
            names in proptest::collection::btree_set("[a-c]|[ -~]{1,4}|é", 0..4),
            gone in proptest::collection::btree_set("[a-c]", 0..3),
            token in "[ -~\\t\\n\"\\\\é]{0,9}",
        ) {
            let text = "[remotes.b]\nx = 1\napp_key = \"\"\n[remotes]\na = { app_key = \"q\" }\n";
            changed(text, |c| {
                for name in gone {
                    c.remotes.remove(&name);
                }
                for name in names {
                    let remote = Remote { refresh_token: Some(Secret::new(&*token)), ..Remote::default() };
                    c.remotes.insert(name, remote);
                }
            });
        }
    }
}

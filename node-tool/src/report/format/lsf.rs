//! `lsf`: columns for scripts.

use engine::entry::Modified;
use jiff::tz::TimeZone;
use shared::failure::Failure;

use super::{Item, clock, item::DROPBOX_HASH, names::on_one_line};

/// How `lsf` writes times, in the zone it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeForm {
    /// `2026-11-23 17:00:00`, with this number of decimals of the second.
    Plain(usize),
    /// `2026-11-23T17:00:00Z`
    Rfc3339,
    /// Seconds since 1970.
    Unix,
    /// Nanoseconds since 1970.
    UnixNano,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Path,
    Size,
    Time,
    Hash,
    Id,
    MimeType,
    Tier,
    Metadata,
    Deleted,
    ChangedBy,
}

/// The format of a line of `lsf`.
#[derive(Clone, Debug)]
pub struct Lsf {
    columns: Vec<Column>,
    separator: String,
    is_csv: bool,
    /// Whether a folder's path ends in a slash.
    pub dir_slash: bool,
    /// Whether paths begin with a slash.
    pub absolute: bool,
    /// How times are written.
    pub time: TimeForm,
    /// The hash in column `h`.
    pub hash: String,
}

impl Lsf {
    /// Reads `--format`; without `separator` it is `;`, or a comma in CSV, which takes one character alone.
    ///
    /// # Errors
    /// When a column isn't known, or CSV can't be separated so.
    pub fn new(format: &str, separator: Option<&str>, is_csv: bool) -> Result<Self, Failure> {
        let columns = format.chars().map(column).collect::<Result<_, _>>()?;
        let separator = match (separator, is_csv) {
            (Some(text), true) => text.chars().next().unwrap_or(',').to_string(),
            (Some(text), false) => text.to_owned(),
            (None, true) => ",".into(),
            (None, false) => ";".into(),
        };
        if is_csv && matches!(separator.as_str(), "\"" | "\r" | "\n") {
            return Err(Failure::usage("--separator can't be used with --csv")
                .why("a quote and the end of a line separate no columns")
                .hint("give --separator ',' or another character"));
        }
        Ok(Self {
            columns,
            separator,
            is_csv,
            dir_slash: true,
            absolute: false,
            time: TimeForm::Plain(0),
            hash: DROPBOX_HASH.into(),
        })
    }

    /// Returns a line, without its end.
    pub fn line(&self, item: &Item, zone: &TimeZone) -> String {
        let cells = self.columns.iter().map(|column| {
            let cell = self.cell(*column, item, zone);
            if self.is_csv {
                quoted(cell, &self.separator)
            } else {
                cell
            }
        });
        cells.collect::<Vec<_>>().join(&self.separator)
    }

    fn cell(&self, column: Column, item: &Item, zone: &TimeZone) -> String {
        match column {
            Column::Path => self.path(item),
            Column::Size if item.is_folder => "-1".into(),
            Column::Size => item.size_or_minus_one().to_string(),
            Column::Time => self.time(item.modified, zone),
            Column::Deleted => self.time(item.gone.as_ref().and_then(|gone| gone.at), zone),
            Column::ChangedBy => {
                let by = item.gone.as_ref().and_then(|gone| gone.changed_by.as_deref());
                on_one_line(by.unwrap_or_default()).into_owned()
            }
            Column::Hash if item.is_folder => String::new(),
            Column::Hash => item.hash(&self.hash).to_owned(),
            Column::Id => item.id.clone().unwrap_or_default(),
            Column::MimeType => item.mime_type.clone().unwrap_or_default(),
            Column::Tier => String::new(),
            Column::Metadata => "{}".into(),
        }
    }

    fn path(&self, item: &Item) -> String {
        let before = if self.absolute && !item.path.starts_with('/') {
            "/"
        } else {
            ""
        };
        let behind = if self.dir_slash && item.is_folder { "/" } else { "" };
        format!("{before}{}{behind}", on_one_line(&item.path))
    }

    fn time(&self, time: Option<Modified>, zone: &TimeZone) -> String {
        let Some(modified) = time else {
            return String::new();
        };
        match self.time {
            TimeForm::Plain(digits) => clock::plain(modified, zone, digits),
            TimeForm::Rfc3339 => clock::rfc3339(modified, zone, 0),
            TimeForm::Unix => modified.seconds.to_string(),
            TimeForm::UnixNano => {
                (i128::from(modified.seconds) * 1_000_000_000 + i128::from(modified.nanoseconds)).to_string()
            }
        }
    }
}

fn column(c: char) -> Result<Column, Failure> {
    Ok(match c {
        'p' => Column::Path,
        's' => Column::Size,
        't' => Column::Time,
        'h' => Column::Hash,
        'i' | 'o' => Column::Id, // nothing is wrapped here, so the original has the same
        'm' => Column::MimeType,
        'T' => Column::Tier,
        'M' => Column::Metadata,
        'd' => Column::Deleted,
        'b' => Column::ChangedBy,
        _ => {
            return Err(Failure::usage(format!("--format has no column '{c}'"))
                .hint("choose from p (path), s (size), t (time), h (hash), i (ID) and m (MIME type); with --deleted also d (when it was deleted) and b (by whom it was changed last)"));
        }
    })
}

/// Returns a cell of CSV, in quotes if it needs them.
fn quoted(cell: String, separator: &str) -> String {
    let needs_quotes = cell == "\\."
        || cell.contains(separator)
        || cell.contains(['"', '\r', '\n'])
        || cell.starts_with(char::is_whitespace);
    if needs_quotes {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::entry::Modified;

    fn file(path: &str) -> Item {
        Item {
            path: path.into(),
            size_bytes: Some(5),
            modified: Some(Modified {
                seconds: 0,
                nanoseconds: 9,
            }),
            hashes: vec![("dropbox".into(), "abc".into())],
            ..Item::default()
        }
    }

    #[test]
    fn columns_stand_in_their_order() {
        let folder = Item {
            path: "d/e".into(),
            is_folder: true,
            ..Item::default()
        };
        for (format, file_line, folder_line) in [
            ("p", "a b", "d/e/"),
            ("pst", "a b;5;1970-01-01 00:00:00", "d/e/;-1;"),
            ("hsp", "abc;5;a b", ";-1;d/e/"),
            ("pimoTM", "a b;;;;;{}", "d/e/;;;;;{}"),
            ("", "", ""),
        ] {
            let lsf = Lsf::new(format, None, false).unwrap();
            assert_eq!(lsf.line(&file("a b"), &TimeZone::UTC), file_line);
            assert_eq!(lsf.line(&folder, &TimeZone::UTC), folder_line);
        }
        let mut lsf = Lsf::new("pt", Some(" | "), false).unwrap();
        (lsf.absolute, lsf.dir_slash, lsf.time) = (true, false, TimeForm::UnixNano);
        assert_eq!(lsf.line(&folder, &TimeZone::UTC), "/d/e | ");
        assert_eq!(lsf.line(&file("x"), &TimeZone::UTC), "/x | 9");
    }

    #[test]
    fn csv_quotes_what_needs_it() {
        let lsf = Lsf::new("ps", None, true).unwrap();
        for (path, line) in [
            ("a", "a,5"),
            ("a,b", "\"a,b\",5"),
            ("a\"b", "\"a\"\"b\",5"),
            (" a", "\" a\",5"),
            ("a\nb", "a␊b,5"),
            ("\\.", "\"\\.\",5"),
        ] {
            assert_eq!(lsf.line(&file(path), &TimeZone::UTC), line);
        }
        assert_eq!(
            Lsf::new("ps", Some("||"), true)
                .unwrap()
                .line(&file("a,|"), &TimeZone::UTC),
            "\"a,|\"|5"
        );
        assert!(Lsf::new("p", Some("\""), true).is_err());
        assert_eq!(
            Lsf::new("ps", Some(""), true)
                .unwrap()
                .line(&file("a"), &TimeZone::UTC),
            "a,5"
        );
        assert!(
            Lsf::new("px", None, false)
                .unwrap_err()
                .to_string()
                .contains("no column 'x'")
        );
    }
}

//! `lsjson`: an array with one object per line, fields in rclone's order.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::Serialize;

use super::{Item, clock};

/// How `lsjson` writes times. rclone takes UTC and whole seconds for Dropbox, and for local files the zone of the
/// machine and nine digits.
#[derive(Clone, Debug)]
pub struct Lsjson {
    /// In this zone.
    pub zone: TimeZone,
    /// With this number of decimals of the second.
    pub digits: usize,
}

/// The order of the fields is the order in the output.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Object<'a> {
    path: &'a str,
    name: &'a str,
    size: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'a str>,
    mod_time: String,
    is_dir: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    hashes: BTreeMap<&'a str, &'a str>,
    #[serde(rename = "ID", skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_by: Option<&'a str>,
}

impl Lsjson {
    /// The lines of the array, brackets included, without their ends.
    pub fn lines<'a>(&self, items: impl Iterator<Item = &'a Item>) -> impl Iterator<Item = String> {
        let mut items = items.map(|item| self.object(item)).peekable();
        let objects = std::iter::from_fn(move || {
            let mut object = items.next()?;
            if items.peek().is_some() {
                object.push(',');
            }
            Some(object)
        });
        std::iter::once("[".to_owned())
            .chain(objects)
            .chain(std::iter::once("]".to_owned()))
    }

    /// One object on one line.
    pub fn object(&self, item: &Item) -> String {
        as_go(&serde_json::to_string(&self.fields(item)).unwrap_or_default()) // strings and numbers always can
    }

    /// What `--stat` shows: one object on many lines, without the end of the last.
    pub fn stat(&self, item: &Item) -> String {
        let mut out = Vec::new();
        let tabs = serde_json::ser::PrettyFormatter::with_indent(b"\t");
        let mut serializer = serde_json::Serializer::with_formatter(&mut out, tabs);
        let _ = self.fields(item).serialize(&mut serializer); // as above
        as_go(&String::from_utf8_lossy(&out))
    }

    fn fields<'a>(&self, item: &'a Item) -> Object<'a> {
        Object {
            path: &item.path,
            name: item.name(),
            size: item.size_or_minus_one(),
            mime_type: item.mime_type.as_deref(),
            mod_time: item
                .modified
                .map(|modified| clock::rfc3339(modified, &self.zone, self.digits))
                .unwrap_or_default(),
            is_dir: item.is_folder,
            hashes: item
                .hashes
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect(),
            id: item.id.as_deref(),
            deleted_time: item
                .gone
                .as_ref()
                .and_then(|gone| Some(clock::rfc3339(gone.at?, &self.zone, self.digits))),
            changed_by: item.gone.as_ref().and_then(|gone| gone.changed_by.as_deref()),
        }
    }
}

/// Go escapes what HTML and JavaScript might take amiss. Outside of strings JSON has none of these.
fn as_go(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::entry::Modified;

    #[test]
    fn objects_are_those_of_rclone() {
        let lsjson = Lsjson {
            zone: TimeZone::UTC,
            digits: 0,
        };
        let file = Item {
            path: "d/a \"q\"<&>\u{1}\u{2028}é".into(),
            size_bytes: Some(4),
            modified: Some(Modified {
                seconds: 1,
                nanoseconds: 999_999_999,
            }),
            mime_type: Some("text/plain; charset=utf-8".into()),
            hashes: vec![("md5".into(), "1".into()), ("dropbox".into(), "2".into())],
            id: Some("id:x".into()),
            ..Item::default()
        };
        let name = "a \\\"q\\\"\\u003c\\u0026\\u003e\\u0001\\u2028é";
        let object = format!(
            "{{\"Path\":\"d/{name}\",\"Name\":\"{name}\",\"Size\":4,\"MimeType\":\"text/plain; charset=utf-8\",\
             \"ModTime\":\"1970-01-01T00:00:01Z\",\"IsDir\":false,\"Hashes\":{{\"dropbox\":\"2\",\"md5\":\"1\"}},\
             \"ID\":\"id:x\"}}"
        );
        assert_eq!(lsjson.object(&file), object);
        let folder = Item {
            path: "d".into(),
            is_folder: true,
            ..Item::default()
        };
        let plain = "{\"Path\":\"d\",\"Name\":\"d\",\"Size\":-1,\"ModTime\":\"\",\"IsDir\":true}";
        let lines: Vec<String> = lsjson.lines([&folder, &file].into_iter()).collect();
        assert_eq!(lines, ["[", &format!("{plain},"), &object, "]"]);
        assert_eq!(lsjson.lines([].into_iter()).collect::<Vec<_>>(), ["[", "]"]);
        assert_eq!(
            lsjson.stat(&folder),
            "{\n\t\"Path\": \"d\",\n\t\"Name\": \"d\",\n\t\"Size\": -1,\n\t\"ModTime\": \"\",\n\t\"IsDir\": true\n}"
        );
    }
}

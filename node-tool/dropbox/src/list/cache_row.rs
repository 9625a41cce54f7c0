//! The lines of a kept listing, as they are on disk: a JSON array for each entry. Independent of the types that callers see, so
//! that those may change and old files can still be read.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use shared::content_hash::ContentHash;

use super::rows::Row;
use crate::{Document, FileInfo, Kind, api::files::Time};

/// Path, name, kind, id, mounted namespace, and whether it may only be read, which older files don't have.
#[derive(Serialize, Deserialize)]
pub(crate) struct Line<'a>(
    Cow<'a, str>,
    Option<Cow<'a, str>>,
    KeptKind<'a>,
    Option<Cow<'a, str>>,
    Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")] bool,
);

#[derive(Serialize, Deserialize)]
#[serde(rename = "Kind")]
enum KeptKind<'a> {
    Folder,
    File(KeptFile<'a>),
}

#[derive(Serialize, Deserialize)]
struct KeptFile<'a> {
    size_bytes: u64,
    modified: KeptTime,
    remote: KeptRevision<'a>,
}

#[derive(Serialize, Deserialize)]
struct KeptTime {
    seconds: i64,
    /// Always 0: Dropbox keeps whole seconds.
    #[serde(skip_deserializing)]
    nanoseconds: u32,
}

#[derive(Serialize, Deserialize)]
struct KeptRevision<'a> {
    rev: Cow<'a, str>,
    content_hash: Option<ContentHash>,
    document: Option<KeptDocument<'a>>,
}

#[derive(Serialize, Deserialize)]
struct KeptDocument<'a> {
    id: Cow<'a, str>,
    formats: Cow<'a, [String]>,
    /// Always null, for older versions.
    #[serde(skip_deserializing)]
    chosen: (),
    /// Always empty, for older versions.
    #[serde(skip_deserializing)]
    own_path: &'static str,
}

impl<'a> From<&'a Row<'a>> for Line<'a> {
    fn from(row: &'a Row<'a>) -> Self {
        fn text<'a>(text: &'a Option<Cow<'a, str>>) -> Option<Cow<'a, str>> {
            text.as_deref().map(Cow::Borrowed)
        }
        Self(
            Cow::Borrowed(&row.path_lower),
            text(&row.name),
            KeptKind::from(&*row.kind),
            text(&row.id),
            text(&row.namespace),
            row.is_read_only,
        )
    }
}

impl<'a> From<Line<'a>> for Row<'a> {
    fn from(Line(path_lower, name, kind, id, namespace, is_read_only): Line<'a>) -> Self {
        Self {
            path_lower,
            name,
            kind: Cow::Owned(kind.into()),
            id,
            namespace,
            is_read_only,
        }
    }
}

impl<'a> From<&'a Kind> for KeptKind<'a> {
    fn from(kind: &'a Kind) -> Self {
        let file = match kind {
            Kind::Folder => return Self::Folder,
            Kind::File(file) => file,
        };
        let document = file.document.as_ref().map(|document| KeptDocument {
            id: Cow::Borrowed(&document.id),
            formats: Cow::Borrowed(&document.formats),
            chosen: (),
            own_path: "",
        });
        Self::File(KeptFile {
            size_bytes: file.size_bytes,
            modified: KeptTime {
                seconds: file.modified.0,
                nanoseconds: 0,
            },
            remote: KeptRevision {
                rev: Cow::Borrowed(&file.rev),
                content_hash: file.content_hash,
                document,
            },
        })
    }
}

impl From<KeptKind<'_>> for Kind {
    fn from(kind: KeptKind<'_>) -> Self {
        let file = match kind {
            KeptKind::Folder => return Self::Folder,
            KeptKind::File(file) => file,
        };
        let document = file.remote.document.map(|document| {
            Box::new(Document {
                id: document.id.into_owned(),
                formats: document.formats.into_owned(),
            })
        });
        Self::File(FileInfo {
            size_bytes: file.size_bytes,
            modified: Time(file.modified.seconds),
            rev: file.remote.rev.into_owned(),
            content_hash: file.remote.content_hash,
            document,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines as version 0.1 wrote them: they have to be read, and written just so, for as long as the format has this number.
    const LINES: [&str; 3] = [
        r#"["/base/sub","Sub","Folder","id:2","77"]"#,
        r#"["/base/sub/a",null,{"File":{"size_bytes":1,"modified":{"seconds":1577836800,"nanoseconds":0},"remote":{"rev":"0123456789","content_hash":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","document":null}}},"id:1",null]"#,
        r#"["/x.paper",null,{"File":{"size_bytes":5,"modified":{"seconds":-1,"nanoseconds":0},"remote":{"rev":"0123456789","content_hash":null,"document":{"id":"id:3","formats":["markdown","html"],"chosen":null,"own_path":""}}}},"id:3",null]"#,
    ];

    #[test]
    fn lines_of_earlier_runs_are_read_and_written_alike() {
        for line in LINES {
            let read: Line<'_> = serde_json::from_str(line).unwrap();
            let row = Row::from(read);
            assert_eq!(serde_json::to_string(&Line::from(&row)).unwrap(), line);
        }
    }
}

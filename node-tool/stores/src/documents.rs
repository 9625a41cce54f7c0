//! Cloud documents (Paper and the like): Dropbox has no bytes of them until they are exported.
//!
//! In a listing a document has the name that its export would have here, as in rclone. That name is only a name: what
//! is done to a file of that name never reaches the document. A real file or folder wins the name; the document is then
//! shown under its own name with the export's ending, or left out.

use std::collections::HashSet;

use engine::{
    entry::{Document, Entry, Kind},
    listing::LeftOut,
    relative_path::fold,
};

/// Dropbox's names of formats, and their file extensions: those that rclone knows.
const EXPORTS: [(&str, &str); 2] = [("markdown", "md"), ("html", "html")];
/// The ending of Paper documents, which their exports don't have.
const PAPER: &str = ".paper";

/// How documents are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Documents {
    /// As their exports, under the names of these.
    #[default]
    Exported,
    /// Under their own names: within an account they are copied and renamed as any file is.
    AsTheyAre,
    /// Apart from files, under their own names: the plan pairs them with nothing, and nothing replaces or deletes them.
    Apart,
}

fn document_mut(entry: &mut Entry) -> Option<&mut Document> {
    match &mut entry.kind {
        Kind::File(file) => file.version.as_mut()?.document.as_deref_mut(),
        Kind::Folder => None,
    }
}

/// Returns whether a name may be that of a document's export.
pub fn is_export(name: &str) -> bool {
    ending(name).is_some()
}

/// Returns the extension of a name, if documents are exported to such files.
fn ending(name: &str) -> Option<&str> {
    let (_, ending) = name.rsplit_once('.')?;
    let is_known = EXPORTS
        .iter()
        .any(|(_, known)| known.eq_ignore_ascii_case(ending));
    is_known.then_some(ending)
}

/// Returns the preferred format of those that a document has, and its extension. `wanted` are extensions, the preferred first.
fn format(document: &Document, wanted: &[String]) -> Option<(&'static str, &'static str)> {
    let known = |format: &str| EXPORTS.iter().find(|(name, _)| *name == format).copied();
    let best = wanted.iter().find_map(|ending| {
        let there = EXPORTS.iter().find(|(_, known)| known == ending)?;
        let has = document.formats.iter().any(|format| format == there.0);
        has.then_some(*there)
    });
    best.or_else(|| document.formats.iter().find_map(|format| known(format)))
}

/// Returns the names that an export may have, the preferred first.
fn export_names(own: &str, ending: &str) -> [String; 2] {
    let stem = own.strip_suffix(PAPER).unwrap_or(own);
    [format!("{stem}.{ending}"), format!("{own}.{ending}")]
}

fn show(entry: &mut Entry, format: &str, shown: String) {
    let own = std::mem::replace(&mut entry.path, shown);
    if let Some(document) = document_mut(entry) {
        document.chosen = Some(format.to_owned());
        document.own_path = own;
    }
}

/// Gives the documents of a listing the names of their exports. Returns what was left out, with the reason.
pub(crate) fn show_all(entries: &mut Vec<Entry>, wanted: &[String]) -> Vec<LeftOut> {
    let mut left_out = Vec::new();
    let mut found: Vec<Entry> = entries
        .extract_if(.., |entry| entry.document().is_some())
        .collect();
    if found.is_empty() {
        return left_out;
    }
    // Documents without a second name choose first, so that no name depends on the order of the listing.
    let has_choice = |entry: &Entry| entry.path.ends_with(PAPER);
    found.sort_by(|a, b| {
        has_choice(a)
            .cmp(&has_choice(b))
            .then_with(|| a.path.cmp(&b.path))
    });
    let mut taken = names_in_the_way(entries, &found, wanted);
    for mut entry in found {
        let Some((format, ending)) = entry.document().and_then(|it| self::format(it, wanted)) else {
            left_out.push(LeftOut::new(entry.path, NO_EXPORT));
            continue;
        };
        let names = export_names(&entry.path, ending);
        let is_free = |name: &&String| !taken.contains(&*fold(name));
        let Some(name) = names.iter().find(is_free).cloned() else {
            let reason = format!(
                "it is a cloud document, and something else has the name of its export, '{}'",
                names[0]
            );
            left_out.push(LeftOut::new(entry.path, reason));
            continue;
        };
        taken.insert(fold(&name).into_owned());
        show(&mut entry, format, name);
        entries.push(entry);
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    left_out
}

/// Returns which of the names that `documents` may take are already used.
fn names_in_the_way(others: &[Entry], documents: &[Entry], wanted: &[String]) -> HashSet<String> {
    let key = |name: &str| fold(name).into_owned();
    let candidates: HashSet<String> = documents
        .iter()
        .filter_map(|entry| {
            let (_, ending) = format(entry.document()?, wanted)?;
            Some(export_names(&entry.path, ending))
        })
        .flatten()
        .map(|name| key(&name))
        .collect();
    let others = others.iter().map(|entry| fold(&entry.path));
    others
        .filter(|name| candidates.contains(&**name))
        .map(std::borrow::Cow::into_owned)
        .collect()
}

/// The names in Dropbox of what may be shown as `name`, if a document's export is.
pub(crate) fn own_names(name: &str) -> Vec<String> {
    let Some(stem) = ending(name).map(|ending| &name[..name.len() - ending.len() - 1]) else {
        return Vec::new();
    };
    [stem.to_owned(), format!("{stem}{PAPER}")]
        .into_iter()
        .filter(|own| !own.is_empty())
        .collect()
}

/// Shows `entry` under the name that was asked for, if it is a document whose export may have it.
pub(crate) fn show_as(mut entry: Entry, name: &str, wanted: &[String]) -> Option<Entry> {
    let (format, ending) = format(entry.document()?, wanted)?;
    let is_asked_for = |shown: &String| fold(shown) == fold(name);
    let shown = export_names(&entry.path, ending).into_iter().find(is_asked_for)?;
    show(&mut entry, format, shown);
    Some(entry)
}

/// Shows what was asked for by its own name: a document as its export. `false` means that it can't be exported.
pub(crate) fn show_one(entry: &mut Entry, wanted: &[String]) -> bool {
    let Some(document) = entry.document() else {
        return true;
    };
    let Some((format, ending)) = format(document, wanted) else {
        return false;
    };
    let [shown, _] = export_names(&entry.path, ending);
    show(entry, format, shown);
    true
}

/// Restores the own name of a document that is shown as its export.
pub fn as_it_is(entry: &mut Entry) {
    if let Some(document) = document_mut(entry)
        && document.chosen.take().is_some()
    {
        entry.path = std::mem::take(&mut document.own_path);
    }
}

/// Returns the name that a document gets on the server when its export is renamed to `wanted`.
pub fn renamed(own: &str, wanted: &str) -> String {
    let stem = ending(wanted).map_or(wanted, |ending| &wanted[..wanted.len() - ending.len() - 1]);
    if own.ends_with(PAPER) && !stem.ends_with(PAPER) {
        format!("{stem}{PAPER}")
    } else {
        stem.to_owned()
    }
}

/// Why a document is left out.
pub(crate) const NO_EXPORT: &str = "it is a cloud document that can't be exported";

#[cfg(test)]
mod tests {
    use super::*;
    use engine::entry::{FileMeta, Version};
    use proptest::prelude::*;

    fn file(path: &str, formats: Option<&[&str]>) -> Entry {
        let document = formats.map(|formats| {
            Box::new(Document {
                id: format!("id:{path}"),
                formats: formats.iter().map(|format| (*format).to_owned()).collect(),
                ..Document::default()
            })
        });
        let version = Version {
            id: "1".into(),
            checksum: None,
            document,
        };
        let meta = FileMeta {
            size_bytes: 1,
            version: Some(Box::new(version)),
            ..FileMeta::default()
        };
        Entry::new_file(path, meta)
    }

    const BOTH: Option<&[&str]> = Some(&["html", "markdown"]);

    fn wanted() -> Vec<String> {
        vec!["html".into(), "md".into()]
    }

    #[test]
    fn a_real_name_wins() {
        for (own, others, shown) in [
            ("d/Plan.paper", &[][..], Some("d/Plan.html")),
            ("d/Plan.paper", &["Plan.html"], Some("d/Plan.html")),
            ("d/Plan.paper", &["d/plan.HTML"], Some("d/Plan.paper.html")),
            ("Plan.paper", &["Plan.html", "plan.paper.html"], None),
            ("Plan.papert", &[], Some("Plan.papert.html")),
            ("sheet", &[], Some("sheet.html")),
            ("sheet", &["sheet.html"], None),
        ] {
            let mut entries: Vec<Entry> = others.iter().map(|path| file(path, None)).collect();
            entries.push(file(own, BOTH));
            let left_out = show_all(&mut entries, &wanted());
            let found = entries.iter().find(|entry| entry.document().is_some());
            assert_eq!(
                found.map(|entry| entry.path.as_str()),
                shown,
                "{own} beside {others:?}"
            );
            assert_eq!(left_out.len(), usize::from(shown.is_none()));
            let kept = entries.iter().filter(|entry| entry.document().is_none()).count();
            assert_eq!(kept, others.len());
        }
    }

    #[test]
    fn what_has_no_second_name_chooses_first() {
        let mut entries = vec![file("x.paper", BOTH), file("x", BOTH), file("y", Some(&["pdf"]))];
        let left_out = show_all(&mut entries, &wanted());
        let names: Vec<_> = entries.iter().map(|e| (e.own_path(), e.path.as_str())).collect();
        assert_eq!(names, [("x", "x.html"), ("x.paper", "x.paper.html")]);
        assert_eq!(left_out, [LeftOut::new("y", NO_EXPORT)]);
    }

    #[test]
    fn a_document_keeps_its_ending_under_a_new_name() {
        for (own, wanted, name) in [
            ("Plan.paper", "Draft.html", "Draft.paper"),
            ("Plan.paper", "Draft", "Draft.paper"),
            ("Plan.paper", "Draft.paper.md", "Draft.paper"),
            ("Plan.paper", "Draft.paper", "Draft.paper"),
            ("sheet", "other.html", "other"),
        ] {
            assert_eq!(renamed(own, wanted), name, "{own} to {wanted}");
        }
    }

    proptest! {
        #[test]
        fn each_shown_name_is_one_files_and_leads_to_it(
            names in prop::collection::btree_map("[ab](\\.paper)?(\\.html|\\.md)?", any::<bool>(), 0..8),
        ) {
            let mut entries: Vec<Entry> =
                names.iter().map(|(name, is_document)| file(name, BOTH.filter(|_| *is_document))).collect();
            let left_out = show_all(&mut entries, &wanted());
            prop_assert_eq!(entries.len() + left_out.len(), names.len());
            let shown: HashSet<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
            prop_assert_eq!(shown.len(), entries.len());
            for entry in &entries {
                if entry.document().is_none() {
                    prop_assert!(names.contains_key(&entry.path));
                    continue;
                }
                let own = entry.own_path().to_owned();
                prop_assert!(own_names(&entry.path).contains(&own));
                let found = show_as(file(&own, BOTH), &entry.path, &wanted()).map(|found| found.path);
                prop_assert_eq!(found.as_deref(), Some(entry.path.as_str()));
            }
        }
    }
}

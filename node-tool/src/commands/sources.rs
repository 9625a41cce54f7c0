//! What is meant by several sources, by a pattern, and by a name with a blank that wasn't quoted.

use std::{
    collections::HashSet,
    path::{Component, Path, PathBuf},
};

use crate::location::{RemotePath, is_address};
use engine::plan::Verb;
use shared::{failure::Failure, plain::quoted};
use stores::Place;

use super::{App, missing, place_failure};

/// One folder or file to copy from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// The place, as a person would type it.
    pub place: String,
    /// The names in it that are meant. Empty if all are.
    pub names: Vec<String>,
    /// The pattern that names what is meant. `None` if everything is.
    pub pattern: Option<String>,
}

impl Source {
    fn whole(place: &str) -> Self {
        Self {
            place: place.to_owned(),
            names: Vec::new(),
            pattern: None,
        }
    }
}

/// Returns what to copy from. Several local files and folders keep their names in DEST, as with cp.
///
/// # Errors
/// When it isn't certain what is meant; the error has the line to type.
pub(super) async fn find(
    verb: &str,
    (sources, dest): (&[String], &str),
    kind: Verb,
    dest_is_name: bool,
    app: &App,
) -> Result<Vec<Source>, Failure> {
    let [one] = sources else {
        return several(verb, (sources, dest), kind == Verb::Sync || dest_is_name);
    };
    let Some((place, pattern)) = split_pattern(one) else {
        return Ok(vec![Source::whole(one)]);
    };
    let is_local = !is_remote(one);
    let side = app.place_as_typed(one)?;
    let there = side
        .stat()
        .await
        .map_err(|e| place_failure("look at", &side, &e))?;
    if there.is_some() {
        return Ok(vec![Source::whole(one)]);
    }
    if kind == Verb::Sync || dest_is_name {
        return Err(
            Failure::usage(format!("'{one}' is a pattern, and {verb} takes a name"))
                .next(format!(
                    "node-tool lsf {} --include {}",
                    quoted(&place),
                    quoted(&pattern)
                ))
                .hint(format!(
                    "node-tool copy {} DEST copies what it names",
                    quoted(one)
                )),
        );
    }
    if is_local && !Path::new(&place).is_dir() {
        return Ok(vec![Source::whole(one)]);
    }
    Ok(vec![Source {
        pattern: Some(pattern),
        ..Source::whole(&place)
    }])
}

/// Returns the failure for a place at which there is nothing. If it is a pattern, it has the line to type; `flags` are added to it.
pub(super) fn missing_or_pattern(verb: &str, typed: &str, place: &Place, flags: &str) -> Failure {
    match split_pattern(typed) {
        Some((folder, pattern)) => Failure::usage(format!("'{typed}' is a pattern, and {verb} takes a name"))
            .next(format!(
                "node-tool {verb} {} --include {}{flags}",
                quoted(&folder),
                quoted(&pattern)
            )),
        None => missing(place),
    }
}

/// Splits a place with a pattern into the folder before it and the rest, with a slash in front. `None` if it has no pattern.
pub(super) fn split_pattern(text: &str) -> Option<(String, String)> {
    let has_pattern = |name: &str| name.contains(['*', '?', '[', '{']);
    if is_address(text) {
        return None;
    }
    let (remote, path) = match text.split_once(':') {
        Some((remote, path)) if is_remote(text) => match RemotePath::cut_shared(path) {
            Some((folder, path)) => (format!("{remote}:{{{folder}}}/"), path.trim_start_matches('/')),
            None => (format!("{remote}:"), path),
        },
        _ => (String::new(), text),
    };
    let mut before = String::new();
    let mut names = path.split('/').peekable();
    while let Some(name) = names.next_if(|name| !has_pattern(name)) {
        before.push_str(name);
        before.push('/');
    }
    let rest: Vec<&str> = names.collect();
    if rest.is_empty() {
        return None;
    }
    let folder = match before.as_str() {
        "/" => "/",
        folder => folder.trim_end_matches('/'),
    };
    let place = match (remote.as_str(), folder) {
        ("", "") => ".".to_owned(),
        _ => format!("{remote}{folder}"),
    };
    Some((place, format!("/{}", rest.join("/").trim_end_matches('/'))))
}

fn is_remote(text: &str) -> bool {
    text.split_once(':').is_some_and(|(name, _)| !name.contains('/'))
}

/// Explains several sources.
fn several(verb: &str, (sources, dest): (&[String], &str), takes_one: bool) -> Result<Vec<Source>, Failure> {
    if let Some(failure) = forgotten_quotes(sources, dest) {
        return Err(failure);
    }
    if takes_one {
        return Err(Failure::usage(format!("{verb} takes one source and one target"))
            .hint("copy takes several sources; a name with a blank needs quotes: 'my file'"));
    }
    if let Some(remote) = sources.iter().find(|source| is_remote(source)) {
        return Err(Failure::usage("several sources have to be on this machine")
            .why(format!("'{remote}' is not"))
            .next(format!("node-tool {verb} {} {}", quoted(remote), quoted(dest))));
    }
    if let Some(gone) = sources
        .iter()
        .find(|source| Path::new(source).symlink_metadata().is_err())
    {
        return Err(Failure::usage(format!("'{gone}' is not there"))
            .hint("a name with a blank needs quotes: 'my file'"));
    }
    grouped(sources)
}

/// Puts sources of one folder together, so that they are copied in one go.
fn grouped(sources: &[String]) -> Result<Vec<Source>, Failure> {
    let mut seen = HashSet::new();
    let mut groups: Vec<Source> = Vec::new();
    for source in sources {
        let (folder, name) = split_local(source).ok_or_else(|| {
            Failure::usage(format!("'{source}' has no name of its own"))
                .why("of several sources, each keeps its name in the target")
                .hint("copy it alone, or name what is in it")
        })?;
        if !seen.insert(name.clone()) {
            return Err(Failure::usage(format!("two sources are called '{name}'"))
                .why("both would have the same place in the target")
                .hint("copy them one by one"));
        }
        match groups.iter_mut().find(|group| group.place == folder) {
            Some(group) => group.names.push(name),
            None => groups.push(Source {
                names: vec![name],
                ..Source::whole(&folder)
            }),
        }
    }
    Ok(groups)
}

/// Splits a local path into the folder around it and its name.
fn split_local(source: &str) -> Option<(String, String)> {
    let path = Path::new(source);
    let last = path.components().next_back()?;
    let Component::Normal(name) = last else {
        return None;
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.map_or_else(|| PathBuf::from("."), Path::to_path_buf);
    Some((folder.to_str()?.to_owned(), name.to_str()?.to_owned()))
}

/// Returns the failure for names that are there when they are joined by a blank, and not otherwise.
fn forgotten_quotes(sources: &[String], dest: &str) -> Option<Failure> {
    let words: Vec<&str> = sources.iter().map(String::as_str).chain([dest]).collect();
    let is_there = |text: &str| !is_remote(text) && Path::new(text).symlink_metadata().is_ok();
    let line = |from: &str, to: &str| format!("node-tool copy {} {}", quoted(from), quoted(to));
    for at in 1..words.len() {
        let (from, to) = (words[..at].join(" "), words[at..].join(" "));
        // What is typed after a remote's path may belong to it.
        let is_source = at > 1 && is_there(&from) && words[..at].iter().any(|word| !is_there(word));
        let is_target = at == 1 && words.len() > 2 && is_there(words[0]) && is_remote(words[1]);
        if is_source || is_target {
            let (name, said) = if is_source { (&from, "is") } else { (&to, "may be") };
            return Some(
                Failure::usage(format!("'{name}' {said} one name, and needs quotes")).next(line(&from, &to)),
            );
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_split_from_its_folder() {
        for (text, expected) in [
            ("dbx:*.txt", Some(("dbx:", "/*.txt"))),
            ("dbx:a/b/*.txt", Some(("dbx:a/b", "/*.txt"))),
            ("dbx:a/run-?/x[12].h5", Some(("dbx:a", "/run-?/x[12].h5"))),
            ("dbx:/{a,b}/", Some(("dbx:/", "/{a,b}"))),
            ("*.csv", Some((".", "/*.csv"))),
            ("d/*.csv", Some(("d", "/*.csv"))),
            ("/d/*", Some(("/d", "/*"))),
            ("/*", Some(("/", "/*"))),
            ("dbx:{Lab data}/a/*", Some(("dbx:{Lab data}/a", "/*"))),
            ("dbx:{Lab data}", None),
            ("dbx:{a,b}", Some(("dbx:", "/{a,b}"))),
            ("https://www.dropbox.com/scl/fo/id/hash?rlkey=k", None),
            ("dbx:a/b", None),
            ("a/b", None),
        ] {
            let expected = expected.map(|(place, pattern)| (place.to_owned(), pattern.to_owned()));
            assert_eq!(split_pattern(text), expected, "{text}");
        }
    }

    #[test]
    fn sources_of_one_folder_are_copied_together() {
        let all = |sources: &[&str]| {
            let sources: Vec<String> = sources.iter().map(|source| (*source).to_owned()).collect();
            grouped(&sources).map(|groups| {
                let groups = groups
                    .into_iter()
                    .map(|group| (group.place, group.names.join(" ")));
                groups.collect::<Vec<_>>()
            })
        };
        let group = |place: &str, names: &str| (place.to_owned(), names.to_owned());
        assert_eq!(all(&["a", "b/", "./c"]).unwrap(), [group(".", "a b c")]);
        assert_eq!(
            all(&["d/a", "e", "d/b"]).unwrap(),
            [group("d", "a b"), group(".", "e")]
        );
        for wrong in [["a", ".."], ["a", "."], ["a", "/"], ["d/a", "e/a"]] {
            assert!(all(&wrong).is_err(), "{wrong:?}");
        }
    }
}

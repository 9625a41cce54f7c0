//! Whether two places are one, or one lies in the other.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use shared::{exit, failure::Failure};

use super::Verb;
use crate::{
    commands::side_failure,
    dropbox::{Client, Error},
    filter::Filter,
    plan::fold,
    roots,
    side::Side,
};

/// How a second place lies to a first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// Neither holds the other.
    Apart,
    /// They are one.
    Same,
    /// The second lies in the first, at this path.
    Inside(String),
    /// The first lies in the second, at this path.
    Around(String),
}

/// Returns how `second` lies to `first`. Dropbox's names are compared as Dropbox does, local ones where their symlinks lead.
pub(super) fn relation(first: &Side, second: &Side) -> Relation {
    match (first, second) {
        (
            Side::Remote { client, path, .. },
            Side::Remote {
                client: other,
                path: second,
                ..
            },
        ) if client.shares_paths(other) => {
            between(path.as_str(), second.as_str(), |part| fold(part).into_owned())
        }
        (Side::Local(first), Side::Local(second)) => between(
            &resolved(first).to_string_lossy(),
            &resolved(second).to_string_lossy(),
            str::to_owned,
        ),
        _ => Relation::Apart,
    }
}

fn between(first: &str, second: &str, key: impl Fn(&str) -> String) -> Relation {
    let parts = |path: &str| -> Vec<String> {
        let parts = path.split('/').filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    };
    let (first, second) = (parts(first), parts(second));
    let common = first
        .iter()
        .zip(&second)
        .take_while(|(a, b)| key(a) == key(b))
        .count();
    match (common == first.len(), common == second.len()) {
        (true, true) => Relation::Same,
        (true, false) => Relation::Inside(second[common..].join("/")),
        (false, true) => Relation::Around(first[common..].join("/")),
        (false, false) => Relation::Apart,
    }
}

/// Returns a path without symlinks, as far as it is there.
fn resolved(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut below = Vec::new();
    for there in path.ancestors() {
        if let Ok(there) = there.canonicalize() {
            return below.iter().rev().fold(there, |path, name| path.join(name));
        }
        below.extend(there.file_name());
    }
    path
}

/// Says that a copy to the place itself has nothing to do: no error, as in rclone.
pub(super) fn note_same_place() {
    crate::report::note("nothing to do: source and target are the same place");
}

pub(super) fn same_place() -> Failure {
    Failure::usage("source and target are the same place")
        .why("Dropbox doesn't tell names apart whose letters differ only in case or form")
        .code(exit::FATAL)
}

/// A folder can't be moved into itself, nor be the same as a part of itself, unless the filter leaves that part out.
///
/// # Errors
/// When that was asked for.
pub(super) fn refuse(
    source: &Side,
    dest: &Side,
    verb: Verb,
    filter: &Filter,
    delete_excluded: bool,
) -> Result<(), Failure> {
    let inner = match relation(source, dest) {
        _ if verb == Verb::Copy => return Ok(()),
        Relation::Apart => return Ok(()),
        Relation::Same => return Err(same_place()),
        // The filter's names are those that are shown here.
        Relation::Inside(inner) | Relation::Around(inner) => source.shown(&inner),
    };
    if !filter.leads_to(&inner) && !delete_excluded {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "can't {} '{}' and '{}': one is inside the other",
        verb.word(),
        source.location(),
        dest.location()
    ))
    .next(format!("leave the inner one out with --exclude '/{inner}/**'"))
    .code(exit::FATAL))
}

/// Two remotes may be one account: then what is on both sides is the same file, and removing the one removes the other.
/// Returns the target by the source's name if they are.
///
/// # Errors
/// When that can't be found out, or both are one account that is seen from different roots.
pub(super) async fn by_one_name(source: &Side, dest: Side, verb: Verb) -> Result<Side, Failure> {
    let (
        Side::Remote { client, .. },
        Side::Remote {
            client: other,
            path,
            view,
        },
    ) = (source, &dest)
    else {
        return Ok(dest);
    };
    if client.shares_login(other) {
        return Ok(dest);
    }
    let ask = async |client: &Client, side: &Side| {
        let asked =
            async { Ok::<_, Error>((client.current_account().await?.account_id, client.space().await)) };
        asked
            .await
            .map_err(|e| side_failure("ask about the account of", side, &e.into()))
    };
    let (mine, theirs) = match (ask(client, source).await, ask(other, &dest).await) {
        (Ok(mine), Ok(theirs)) => (mine, theirs),
        // A copy removes nothing.
        (Err(_), _) | (_, Err(_)) if verb == Verb::Copy => return Ok(dest),
        (Err(failure), _) | (_, Err(failure)) => return Err(failure),
    };
    if mine == theirs {
        return Ok(Side::Remote {
            client: Arc::clone(client),
            path: path.clone(),
            view: view.clone(),
        });
    }
    if mine.0 == theirs.0 && verb != Verb::Copy {
        return Err(two_roots(source, &dest, verb));
    }
    Ok(dest)
}

/// Expresses places of one login from one root. Where that can't be done, nothing may be removed.
///
/// # Errors
/// When it can't be asked where the roots are, or something is to be removed in spite of it.
pub(super) async fn from_one_root(
    source: &mut Side,
    dest: &mut Side,
    backup: Option<&mut Side>,
    verb: Verb,
) -> Result<(), Failure> {
    let mut sides: Vec<&mut Side> = [source, dest].into_iter().chain(backup).collect();
    if let Err((at, error)) = roots::unite(&mut sides).await {
        return Err(side_failure("ask about the account of", sides[at], &error.into()));
    }
    let (source, dest) = (&*sides[0], &*sides[1]);
    let one_login = |a: &Client, b: &Client| a.shares_login(b) && !a.shares_paths(b);
    match (source, dest) {
        (Side::Remote { client, .. }, Side::Remote { client: other, .. })
            if verb != Verb::Copy && one_login(client, other) =>
        {
            Err(two_roots(source, dest, verb))
        }
        _ => Ok(()),
    }
}

fn two_roots(source: &Side, dest: &Side, verb: Verb) -> Failure {
    Failure::usage(format!(
        "'{}' and '{}' are one account, seen from different roots",
        source.location(),
        dest.location()
    ))
    .next(format!(
        "use one of them for both places, so that {} can tell them apart",
        verb.word()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_related_name_by_name() {
        let folded = |part: &str| fold(part).into_owned();
        for (first, second, expected) in [
            ("/p/q", "/p/qb", Relation::Apart),
            ("/p/q", "/P/Q", Relation::Same),
            ("/p", "/P/Old/x", Relation::Inside("Old/x".into())),
            ("/p/q", "", Relation::Around("p/q".into())),
            ("", "", Relation::Same),
        ] {
            assert_eq!(between(first, second, folded), expected, "{first} {second}");
        }
        assert_eq!(between("/p", "/P", str::to_owned), Relation::Apart);
    }

    #[test]
    fn local_places_are_compared_where_their_symlinks_lead() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("real")).unwrap();
        std::os::unix::fs::symlink("real", root.join("link")).unwrap();
        assert_eq!(
            resolved(&root.join("link/not/there")),
            root.join("real/not/there")
        );
        let side = |name: &str| Side::Local(root.join(name));
        assert_eq!(
            relation(&side("real"), &side("link/old")),
            Relation::Inside("old".into())
        );
        assert_eq!(relation(&side("real"), &side("realm")), Relation::Apart);
    }
}

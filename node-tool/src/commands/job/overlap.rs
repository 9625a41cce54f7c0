//! Refuses places that are the same, or in each other.

use engine::{
    filter::Filter,
    listing::{Listing, RootKind},
    plan::{Plan, StepKind, Verb},
    relative_path::is_within,
};
use shared::{exit, failure::Failure};
use stores::{Place, Relation, SameAccount, read_only_words, same_account, unite};

use super::word;
use crate::commands::place_failure;

/// Reports that a copy to the place itself does nothing: no error, as in rclone.
pub(super) fn note_same_place() {
    crate::report::note("nothing to do: source and target are the same place");
}

pub(super) fn same_place() -> Failure {
    Failure::usage("source and target are the same place")
        .why("Dropbox doesn't tell names apart whose letters differ only in case or form")
        .code(exit::FATAL)
}

/// Refuses to change what a shared link leads to.
///
/// # Errors
/// When the target is a link, or a link is to be moved.
pub(super) fn refuse_links(source: &Place, dest: &Place, verb: Verb) -> Result<(), Failure> {
    let refused = match (source.link(), dest.link()) {
        (_, Some(_)) => dest,
        (Some(_), None) if verb == Verb::Move => source,
        _ => return Ok(()),
    };
    let failure = Failure::usage(format!("can't {} '{source}' to '{dest}'", word(verb)))
        .why(format!("'{refused}' is a shared link, which can only be read"));
    Err(match dest.link() {
        None => failure.next(format!("node-tool copy {} {}", source.typed(), dest.typed())),
        Some(_) => failure,
    })
}

/// Refuses to write into a shared folder that the account may only read, before anything is listed.
///
/// # Errors
/// When the target is one, the source of a move is, or the folder can't be found.
pub(super) async fn refuse_read_only(source: &Place, dest: &Place, verb: Verb) -> Result<(), Failure> {
    let removed = (verb == Verb::Move).then_some(source);
    for place in removed.into_iter().chain([dest]) {
        let refusal = place.write_refusal().await;
        if let Some(reason) = refusal.map_err(|error| place_failure("look at", place, &error))? {
            return Err(
                Failure::new(format!("can't {} '{source}' to '{dest}'", word(verb)))
                    .why(reason)
                    .code(exit::FATAL_FOR_SOME),
            );
        }
    }
    Ok(())
}

/// Refuses a plan that changes what the account may only read, before anything moves: a folder that the listings of source or
/// target found to be like that, or one that a new target would be in.
///
/// # Errors
/// When there is a step like that, or it can't be asked about a new target.
pub(super) async fn refuse_unwritable(
    plan: &Plan,
    (source, target): (&Place, &Place),
    (source_read_only, listing): (&[String], &Listing),
    verb: Verb,
) -> Result<(), Failure> {
    let is_idle = plan.steps().next().is_none();
    let changed = plan
        .mkdirs
        .iter()
        .chain(&plan.renames)
        .chain(&plan.copies)
        .chain(&plan.deletes)
        .chain(&plan.rmdirs)
        .chain(&plan.late_mkdirs)
        .chain(&plan.late_copies)
        // What has the same content stays as it is.
        .filter(|step| !matches!(step.kind, StepKind::CompareChecksum { .. }));
    let mut refused =
        closed_to(changed.map(|step| &*step.to), &listing.read_only).map(|folder| target.join(folder));
    if verb == Verb::Move && refused.is_none() {
        let moved = plan
            .copies
            .iter()
            .chain(&plan.source_deletes)
            .map(|step| &*step.from);
        refused = closed_to(moved, source_read_only).map(|folder| source.join(folder));
    }
    if let (RootKind::Missing, Place::Dropbox(store), false) = (listing.root, target, is_idle) {
        let asked = store.is_read_only().await;
        let is_closed = asked.map_err(|error| place_failure("look at", target, &error))?;
        refused = refused.or(is_closed.then(|| target.clone()));
    }
    let Some(place) = refused else { return Ok(()) };
    let failure = Failure::new(format!("can't {} '{source}' to '{target}'", word(verb)))
        .why(read_only_words(&place))
        .code(exit::FATAL_FOR_SOME);
    let side = if source.relation(&place) == Relation::Apart {
        target
    } else {
        source
    };
    Err(match side.relation(&place) {
        Relation::Inside(inner) => failure.hint(format!(
            "leave it out with --exclude '/{}/**'",
            side.shown(&inner)
        )),
        _ => failure,
    })
}

/// Returns the first of `folders` that one of `paths` is in or is.
fn closed_to<'a>(paths: impl Iterator<Item = &'a str>, folders: &'a [String]) -> Option<&'a str> {
    if folders.is_empty() {
        return None;
    }
    let around = |path: &str| folders.iter().find(|folder| is_within(path, folder));
    paths.filter_map(around).next().map(String::as_str)
}

/// Refuses to move a folder into itself, or to make it the same as a part of itself, unless the filter leaves that part out.
///
/// # Errors
/// When that was asked for.
pub(super) fn refuse(
    source: &Place,
    dest: &Place,
    verb: Verb,
    filter: &Filter,
    delete_excluded: bool,
) -> Result<(), Failure> {
    let inner = match source.relation(dest) {
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
        "can't {} '{source}' and '{dest}': one is inside the other",
        word(verb),
    ))
    .hint(format!("leave the inner one out with --exclude '/{inner}/**'"))
    .code(exit::FATAL))
}

/// Two remotes may be one account: then what is on both sides is the same file, and removing the one removes the other.
/// Returns the target by the source's name if they are.
///
/// # Errors
/// When that can't be found out, or both are one account that is seen from different roots.
pub(super) async fn by_one_name(source: &Place, dest: Place, verb: Verb) -> Result<Place, Failure> {
    if source.shares_login(&dest) {
        return Ok(dest);
    }
    match same_account(source, &dest).await {
        Ok(SameAccount::Yes) => Ok(dest.by_login_of(source)),
        Ok(SameAccount::OtherRoot) if verb != Verb::Copy => Err(two_roots(source, &dest, verb)),
        Ok(SameAccount::SameFolder) if verb != Verb::Copy => Err(two_accounts(source, &dest, verb)),
        // A copy removes nothing.
        Ok(_) => Ok(dest),
        Err(_) if verb == Verb::Copy => Ok(dest),
        Err((at, error)) => {
            let place = if at == 0 { source } else { &dest };
            Err(place_failure("ask about the account of", place, &error))
        }
    }
}

/// Expresses places of one login from one root. Where that can't be done, nothing may be removed.
///
/// # Errors
/// When it can't be asked where the roots are, or something is to be removed in spite of it.
pub(super) async fn from_one_root(
    source: &mut Place,
    dest: &mut Place,
    backup: Option<&mut Place>,
    verb: Verb,
) -> Result<(), Failure> {
    let shown: Vec<Place> = [&*source, &*dest]
        .into_iter()
        .chain(backup.as_deref())
        .cloned()
        .collect();
    let mut places: Vec<&mut Place> = [&mut *source, &mut *dest].into_iter().chain(backup).collect();
    if let Err((at, error)) = unite(&mut places).await {
        return Err(place_failure("ask about the account of", &shown[at], &error));
    }
    if verb != Verb::Copy && source.shares_login(dest) && !source.shares_paths(dest) {
        return Err(two_roots(source, dest, verb));
    }
    Ok(())
}

/// What two accounts see is one file where they see one folder: removing the one removes the other.
fn two_accounts(source: &Place, dest: &Place, verb: Verb) -> Failure {
    Failure::usage(format!(
        "'{source}' and '{dest}' are in one folder, seen by two accounts"
    ))
    .hint(format!(
        "use one account for both places, so that {} can tell them apart",
        word(verb)
    ))
}

fn two_roots(source: &Place, dest: &Place, verb: Verb) -> Failure {
    Failure::usage(format!(
        "'{source}' and '{dest}' are one account, seen from different roots"
    ))
    .hint(format!(
        "use one of them for both places, so that {} can tell them apart",
        word(verb)
    ))
}

//! `--backup-dir` and `--suffix`: finds out where what is replaced or deleted is kept, before anything is listed.

use engine::{entry::Entry, filter::Filter, plan::BackupInTarget};
use shared::{exit, failure::Failure, plain::quoted};
use stores::{Place, Relation};

use super::{Flags, Request};

/// Where things are kept.
#[derive(Debug)]
pub(super) struct BackupDir {
    /// The folder.
    pub place: Place,
    /// Its path below the target, if it is there: the job leaves it alone.
    inside: Option<String>,
    /// Whether files are kept beside the new ones, under names of their own.
    pub is_beside: bool,
}

impl BackupDir {
    /// Returns where things are kept; `None` if nothing is to be. `place` is what `--backup-dir` names.
    ///
    /// # Errors
    /// When that is on another side than the target, or in the way of the job.
    pub async fn find(
        request: &Request<'_>,
        place: Option<Place>,
        source: &Place,
        dest: &Place,
        filter: &Filter,
    ) -> Result<Option<Self>, Failure> {
        let found = Self::beside_folders(request.flags, place.clone(), (source, dest), filter).await;
        match (found, place) {
            // A single file goes into a folder, in which its backup may be.
            (Err(failure), Some(place)) if failure.exit_code() == exit::USAGE => {
                let is_file = matches!(source.stat().await, Ok(Some(there)) if there.file().is_some());
                let folder = |place: &Place| place.split().map(|(folder, _)| folder);
                let target = match request.dest_is_name {
                    true => folder(dest),
                    false => Some(dest.clone()),
                };
                match (is_file, folder(source), target) {
                    (true, Some(from), Some(to)) => Self::of_one_file(request.flags, place, (&from, &to))
                        .ok_or(failure)
                        .map(Some),
                    _ => Err(failure),
                }
            }
            (found, _) => found,
        }
    }

    async fn beside_folders(
        flags: &Flags,
        place: Option<Place>,
        (source, dest): (&Place, &Place),
        filter: &Filter,
    ) -> Result<Option<Self>, Failure> {
        let in_target = || Self {
            place: dest.clone(),
            inside: None,
            is_beside: true,
        };
        let Some(place) = place else {
            return Ok(flags.has_suffix().then(in_target));
        };
        if !place.is_on_side_of(dest) {
            return Err(
                Failure::usage("--backup-dir has to be on the same side as the target")
                    .hint(format!("--backup-dir {}", beside(dest))),
            );
        }
        if matches!(place.stat().await, Ok(Some(there)) if there.file().is_some()) {
            return Err(Failure::usage(format!("--backup-dir '{place}' is a file"))
                .hint("give a folder, or a name at which nothing is"));
        }
        let inside = match dest.relation(&place) {
            Relation::Apart => dest.typed_inside(&place),
            // The listings have the names that are shown here.
            Relation::Inside(inside) => Some(dest.shown(&inside)),
            Relation::Same if flags.has_suffix() => return Ok(Some(in_target())),
            Relation::Same => {
                return Err(Failure::usage("--backup-dir can't be the target itself")
                    .hint("give another folder, or --suffix .bak"));
            }
            Relation::Around(_) => return Err(in_the_way(&place, "the target", dest)),
        };
        let is_apart = match source.relation(&place) {
            Relation::Apart => true,
            Relation::Inside(inside) => !filter.leads_to(&source.shown(&inside)),
            Relation::Same | Relation::Around(_) => false,
        };
        if !is_apart {
            return Err(in_the_way(&place, "the source", source));
        }
        Ok(Some(Self {
            place,
            inside,
            is_beside: false,
        }))
    }

    /// Returns where a single file is kept that goes from one folder into another; `None` if that is one of the two folders
    /// and its name would be its own.
    fn of_one_file(flags: &Flags, place: Place, (from, to): (&Place, &Place)) -> Option<Self> {
        let is_one = |other: &Place| other.relation(&place) == Relation::Same;
        let (is_target, is_source) = (is_one(to), is_one(from));
        if (is_target || is_source) && !flags.has_suffix() || !place.is_on_side_of(to) {
            return None;
        }
        Some(Self {
            is_beside: is_target,
            place: if is_target { to.clone() } else { place },
            inside: None,
        })
    }

    /// Returns what of the target are backups.
    pub fn in_target(&self, flags: &Flags) -> BackupInTarget {
        BackupInTarget {
            folder: self.inside.clone(),
            beside: self.is_beside.then(|| flags.backup_names()),
        }
    }

    /// Refuses a source that would be copied to where things are kept.
    ///
    /// # Errors
    /// When one of its files would be.
    pub fn check_source(&self, entries: &[Entry], dest: &Place, flags: &Flags) -> Result<(), Failure> {
        let ignores_case = self.place.store().capabilities().names.ignores_case;
        let in_target = self.in_target(flags);
        let is_inside =
            |entry: &&Entry| entry.file().is_some() && in_target.is_inside(&entry.path, ignores_case);
        match entries.iter().find(is_inside) {
            None => Ok(()),
            Some(entry) => Err(Failure::usage(format!(
                "'{}' would be copied into --backup-dir '{}'",
                entry.path, self.place
            ))
            .hint(format!(
                "leave it out with --exclude '/{}/**', or give another folder than one in '{dest}'",
                self.inside.as_deref().unwrap_or_default(),
            ))),
        }
    }
}

fn in_the_way(backup: &Place, what: &str, place: &Place) -> Failure {
    Failure::usage(format!("--backup-dir '{backup}' overlaps {what} '{place}'"))
        .why("what is kept there could replace what is copied")
        .hint(format!(
            "give a folder beside it, such as --backup-dir {}",
            beside(place)
        ))
}

/// Returns a folder beside a place, as a person would type it.
fn beside(place: &Place) -> String {
    quoted(&format!("{place}-backup"))
}

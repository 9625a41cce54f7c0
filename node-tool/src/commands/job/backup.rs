//! `--backup-dir` and `--suffix`: what is replaced or deleted is kept under another name.

use std::{collections::HashSet, io};

use futures_util::{StreamExt, stream};
use shared::failure::Failure;

use super::{
    Flags, Places,
    overlap::{Relation, relation},
};
use crate::{
    dropbox::{Client, DropboxPath, Outcomes, Relocation},
    filter::Filter,
    local::{self, Root, move_file},
    plan::{Obstacle, Plan, fold},
    raw,
    side::{Side, SideError},
    tree::{Entry, FileInfo},
};

/// Backups that are looked at at once, where something is in their place.
const AT_ONCE: usize = 8;

/// Where things are kept.
#[derive(Debug)]
pub(super) struct Backup {
    side: Side,
    /// Its path below the target, if it is there: the job leaves it alone.
    inside: Option<String>,
    /// Files are kept beside the new ones, under names of their own.
    is_in_place: bool,
}

impl Backup {
    /// Returns where things are kept; `None` if nothing is to be. `side` is what `--backup-dir` names.
    ///
    /// # Errors
    /// When that is on another side than the target, or in the way of the job.
    pub async fn find(
        flags: &Flags,
        side: Option<Side>,
        (source, dest): (&Side, &Side),
        filter: &Filter,
    ) -> Result<Option<Self>, Failure> {
        let Some(side) = side else {
            return Ok(flags.suffix().map(|_| Self {
                side: dest.clone(),
                inside: None,
                is_in_place: true,
            }));
        };
        let both_here = matches!((&side, dest), (Side::Local(_), Side::Local(_)));
        if !both_here && !side.shares_paths(dest) {
            return Err(
                Failure::usage("--backup-dir has to be on the same side as the target")
                    .next(format!("--backup-dir {}", beside(dest))),
            );
        }
        if matches!(side.stat().await, Ok(Some(there)) if there.file().is_some()) {
            return Err(
                Failure::usage(format!("--backup-dir '{}' is a file", side.location()))
                    .next("give a folder, or a name at which nothing is"),
            );
        }
        let inside = match relation(dest, &side) {
            Relation::Apart => typed_inside(dest, &side),
            // The listings have the names that are shown here.
            Relation::Inside(inside) => Some(dest.shown(&inside)),
            Relation::Same if flags.suffix().is_some() => {
                return Ok(Some(Self {
                    side: dest.clone(),
                    inside: None,
                    is_in_place: true,
                }));
            }
            Relation::Same => {
                return Err(Failure::usage("--backup-dir can't be the target itself")
                    .next("give another folder, or --suffix .bak"));
            }
            Relation::Around(_) => return Err(in_the_way(&side, "the target", dest)),
        };
        let is_apart = match relation(source, &side) {
            Relation::Apart => true,
            Relation::Inside(inside) => !filter.leads_to(&source.shown(&inside)),
            Relation::Same | Relation::Around(_) => false,
        };
        if !is_apart {
            return Err(in_the_way(&side, "the source", source));
        }
        Ok(Some(Self {
            side,
            inside,
            is_in_place: false,
        }))
    }

    /// Returns where a single file is kept that goes from one folder into another; `None` if that is one of the two folders
    /// and its name would be its own.
    pub fn beside(flags: &Flags, side: Side, (from, to): (&Side, &Side)) -> Option<Self> {
        let is_one = |place: &Side| relation(place, &side) == Relation::Same;
        let (is_target, is_source) = (is_one(to), is_one(from));
        let both_here = matches!((&side, to), (Side::Local(_), Side::Local(_)));
        let is_reachable = both_here || side.shares_paths(to);
        if (is_target || is_source) && flags.suffix().is_none() || !is_reachable {
            return None;
        }
        Some(Self {
            is_in_place: is_target,
            side: if is_target { to.clone() } else { side },
            inside: None,
        })
    }

    /// Refuses a source that would be copied to where things are kept.
    ///
    /// # Errors
    /// When one of its files would be.
    pub fn check_source(&self, entries: &[Entry], dest: &Side) -> Result<(), Failure> {
        match entries
            .iter()
            .find(|entry| entry.file().is_some() && self.is_inside(&entry.path))
        {
            None => Ok(()),
            Some(entry) => Err(Failure::usage(format!(
                "'{}' would be copied into --backup-dir '{}'",
                entry.path,
                self.side.location()
            ))
            .next(format!(
                "leave it out with --exclude '/{}/**', or give another folder than one in '{}'",
                self.inside.as_deref().unwrap_or_default(),
                dest.location()
            ))),
        }
    }

    /// Takes those files out of a plan whose backup would be in the place of another file of the source.
    pub fn spare_source(&self, plan: &mut Plan, source: &[Entry], flags: &Flags) {
        if !self.is_in_place {
            return;
        }
        let is_folding = self.side.names().is_folding();
        let key = |path: &str| -> String {
            match is_folding {
                true => fold(path).into_owned(),
                false => path.to_owned(),
            }
        };
        let files = source.iter().filter(|entry| entry.file().is_some());
        let taken: HashSet<String> = files.map(|entry| key(&entry.path)).collect();
        let mut obstacles = Vec::new();
        let mut is_free = |from: &str, to: &str| {
            let kept = flags.kept_name(to);
            let is_taken = taken.contains(&key(&kept));
            if is_taken {
                obstacles.push(Obstacle {
                    path: from.to_owned(),
                    reason: format!("its backup would be where '{kept}' of the source goes"),
                    in_the_way: None,
                    is_folder_link: false,
                });
            }
            !is_taken
        };
        plan.actions
            .retain(|action| action.over.is_none() || is_free(&action.from, &action.to));
        plan.deletes.retain(|entry| is_free(&entry.path, &entry.path));
        plan.obstacles.extend(obstacles);
    }

    /// Whether a file or folder of the target is a backup, which the job leaves alone.
    pub fn holds(&self, entry: &Entry, flags: &Flags) -> bool {
        (self.is_in_place && entry.file().is_some() && flags.is_kept_name(&entry.path))
            || self.is_inside(&entry.path)
    }

    fn is_inside(&self, path: &str) -> bool {
        let Some(folder) = &self.inside else { return false };
        let (path, folder) = if self.side.names().is_folding() {
            (fold(path), fold(folder))
        } else {
            (path.into(), folder.as_str().into())
        };
        path.strip_prefix(&*folder)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Moves files of the target into the backup. Returns the outcomes in their order. A file that was kept before makes
    /// room: beside the new files it is kept once more, in a folder of backups it is replaced, as in rclone. Whatever else is
    /// in the place stays, and so does the file.
    pub async fn keep(&self, files: &[&Entry], flags: &Flags, places: &Places) -> Vec<Result<(), SideError>> {
        match (&places.to, &self.side) {
            (Side::Remote { client, .. }, Side::Remote { .. }) => {
                let pair = |entry: &&Entry| {
                    let kept = flags.kept_name(&entry.path);
                    (places.to.below(&entry.path), self.side.below(&kept), kept)
                };
                let pairs: Vec<_> = files.iter().map(pair).collect();
                let outcomes = self.keep_there(client, pairs, flags).await;
                outcomes
                    .into_iter()
                    .map(|done| done.map_err(Into::into))
                    .collect()
            }
            (Side::Local(root), Side::Local(kept)) => {
                let (root, kept) = (Root::new(root), Root::new(kept));
                let keep = |entry: &&Entry| {
                    let keep = |path: &str, seen| {
                        self.keep_here((&root, path), (&kept, &flags.kept_name(path)), seen, flags)
                    };
                    // A symlink that travels as a file has the name without the ending here.
                    let link = entry
                        .path
                        .strip_suffix(local::link::ENDING)
                        .filter(|_| flags.links);
                    match (keep(&entry.path, entry.file()), link) {
                        (Err(error), Some(link)) if error.kind() == io::ErrorKind::NotFound => {
                            Ok(keep(link, None)?)
                        }
                        (done, _) => Ok(done?),
                    }
                };
                files.iter().map(keep).collect()
            }
            _ => files.iter().map(|_| Err(SideError::Odd)).collect(),
        }
    }

    /// From, to, and the path of the latter below the backup.
    async fn keep_there(
        &self,
        client: &Client,
        pairs: Vec<(DropboxPath, DropboxPath, String)>,
        flags: &Flags,
    ) -> Outcomes {
        let moves = |wanted: &[usize]| -> Vec<_> {
            wanted
                .iter()
                .map(|at| (pairs[*at].0.clone(), pairs[*at].1.clone()))
                .collect()
        };
        let all: Vec<usize> = (0..pairs.len()).collect();
        let mut outcomes = client.relocate_all(Relocation::Move, &moves(&all)).await;
        let taken: Vec<usize> = outcomes
            .iter()
            .enumerate()
            .filter(|(_, outcome)| {
                let conflict = |e: &shared::api::error::RouteError| e.ends_with(&["conflict", "file"]);
                outcome.as_ref().is_err_and(|e| e.route().is_some_and(conflict))
            })
            .map(|(at, _)| at)
            .collect();
        if taken.is_empty() {
            return outcomes;
        }
        let look = |at: usize| {
            let to = &pairs[at].1;
            async move { (at, client.stat(to).await) }
        };
        let looked: Vec<_> = stream::iter(taken).map(look).buffered(AT_ONCE).collect().await;
        let mut former = Vec::new();
        for (at, there) in looked {
            match there {
                Ok(Some(there)) if there.file().is_some() => former.push((at, Entry::from(there))),
                Ok(_) => {}
                Err(error) => outcomes[at] = Err(error),
            }
        }
        let made_room = if self.is_in_place {
            let rotated = former.iter().map(|(at, _)| {
                let kept = flags.kept_name(&pairs[*at].2);
                (pairs[*at].1.clone(), self.side.below(&kept), kept)
            });
            Box::pin(self.keep_there(client, rotated.collect(), flags)).await
        } else {
            let target = |(at, there): &(usize, Entry)| {
                let rev = there
                    .file()
                    .and_then(|file| file.remote.as_ref())
                    .map(|remote| remote.rev.clone());
                (pairs[*at].1.clone(), rev)
            };
            client
                .delete_all(&former.iter().map(target).collect::<Vec<_>>())
                .await
        };
        let mut again = Vec::new();
        for ((at, _), done) in former.into_iter().zip(made_room) {
            match done {
                Ok(()) => again.push(at),
                Err(error) => outcomes[at] = Err(error),
            }
        }
        let second = client.relocate_all(Relocation::Move, &moves(&again)).await;
        for (at, outcome) in again.into_iter().zip(second) {
            outcomes[at] = outcome;
        }
        outcomes
    }

    fn keep_here(
        &self,
        from: (&Root, &str),
        to: (&Root, &str),
        seen: Option<&FileInfo>,
        flags: &Flags,
    ) -> io::Result<()> {
        let is_taken = |error: &io::Error| error.kind() == io::ErrorKind::AlreadyExists;
        match move_file(from, to, seen) {
            Err(error) if is_taken(&error) => {}
            done => return done,
        }
        if self.is_in_place {
            self.keep_here(to, (to.0, &flags.kept_name(to.1)), None, flags)?;
        } else {
            to.0.remove_file(to.1, None)?;
        }
        move_file(from, to, seen)
    }
}

/// Returns the path below a local target of a folder that lies behind a symlink in it, which `--keep-dirlinks` goes through.
fn typed_inside(dest: &Side, side: &Side) -> Option<String> {
    let (Side::Local(dest), Side::Local(side)) = (dest, side) else {
        return None;
    };
    let (dest, side) = (std::path::absolute(dest).ok()?, std::path::absolute(side).ok()?);
    let inside = side.strip_prefix(dest).ok()?;
    Some(raw::text(inside.as_os_str()).into_owned())
}

fn in_the_way(side: &Side, what: &str, place: &Side) -> Failure {
    Failure::usage(format!(
        "--backup-dir '{}' overlaps {what} '{}'",
        side.location(),
        place.location()
    ))
    .why("what is kept there could replace what is copied")
    .next(format!(
        "give a folder beside it, such as --backup-dir {}",
        beside(place)
    ))
}

/// Returns a folder beside a place, as a person would type it.
fn beside(place: &Side) -> String {
    shared::plain::quoted(&format!("{}-backup", place.location()))
}

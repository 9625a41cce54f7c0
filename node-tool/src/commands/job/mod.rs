//! What copy, move and sync have in common: two places are listed, a plan is made, shown or carried out, and its outcome reported.

pub mod as_of;
mod ask;
mod backup;
mod carrying;
mod elsewhere;
mod flags;
mod lists;
mod name;
mod observer;
mod outcomes;
mod overlap;
mod permissions;
mod places;
pub mod planned;
mod planning;
mod preview;
mod respell;
pub(crate) mod revision;
mod tell;

use std::{sync::Arc, time::Instant};

use engine::{
    filter::Filter,
    listing::{Listing, RootKind},
    plan::Verb,
    run::{Failed, Tally},
};
use shared::{exit, failure::Failure};
use stores::{LinkStore, Place, Relation, dropbox::LeavesOut};

pub use flags::{Flags, MoveFlags, SyncFlags};

use backup::BackupDir;
use lists::Lists;
use permissions::Permissions;
use places::{places, prepare_source, refuse_local, refuse_to_write, source_cursor, with_documents};

use super::{App, missing, place_failure};
use crate::report::{
    self,
    format::Stats,
    json::{self, Action, Object, Outcome},
    receipt::Receipt,
};

/// Returns the verb's word.
fn word(verb: Verb) -> &'static str {
    match verb {
        Verb::Copy => "copy",
        Verb::Move => "move",
        Verb::Sync => "sync",
    }
}

/// What was typed.
#[derive(Debug)]
pub struct Request<'a> {
    /// The verb.
    pub verb: Verb,
    /// The source, as typed.
    pub source: &'a str,
    /// The target, as typed.
    pub dest: &'a str,
    /// Whether DEST is what a single file will be called, not the folder it goes into.
    pub dest_is_name: bool,
    /// The flags of all verbs.
    pub flags: &'a Flags,
    /// The flags of `sync`.
    pub sync: &'a SyncFlags,
    /// The flags of `move`.
    pub moving: MoveFlags,
    /// The revision of a single file that is copied, instead of what is at its path now.
    pub rev: Option<&'a str>,
    /// The receipt to write.
    pub receipt: Option<&'a Arc<Receipt>>,
}

/// The two folders of a job, and what is known before they are compared.
#[derive(Debug)]
struct Job<'a> {
    request: &'a Request<'a>,
    filter: &'a Filter,
    source: Place,
    target: Place,
    backup: Option<BackupDir>,
    /// What the filter leaves out of the source.
    left_out: Vec<String>,
    /// Files that are copied from other folders than the source.
    elsewhere: Vec<elsewhere::Copies>,
    /// The mark behind which everything is that changes in the source from the listing on, where a plan is written.
    source_cursor: Option<String>,
    /// The permissions that travel with the files, if they do.
    permissions: Option<Permissions>,
    /// What both sides have, if lists of that are wanted.
    lists: Option<Lists>,
}

/// Executes a request.
///
/// # Errors
/// When nothing could be done. Failures of single files are reported at the end, and by the exit code.
pub async fn run(request: &Request<'_>, app: &App) -> Result<u8, Failure> {
    let started = Instant::now();
    let Request { verb, flags, .. } = *request;
    flags::check(flags)?;
    let (mut source, mut dest) = places(request, app)?;
    overlap::refuse_links(&source, &dest, verb)?;
    if let (Place::Link(link), Some(target)) = (&source, dest.dropbox())
        && let Some(own) = link.in_dropbox(target).await
    {
        source = Place::Dropbox(own);
        report::note(&format!("the link leads to '{source}', which the server copies"));
    }
    refuse_to_write(request, &source)?;
    overlap::refuse_read_only(&source, &dest, verb).await?;
    let mut kept = flags
        .backup_dir
        .as_deref()
        .map(|dir| app.place(dir))
        .transpose()?;
    overlap::from_one_root(&mut source, &mut dest, kept.as_mut(), verb).await?;
    let dest = overlap::by_one_name(&source, dest, verb).await?;
    let (source, dest) = with_documents(source, dest);
    refuse_local(&source, &dest)?;
    if source.relation(&dest) == Relation::Same {
        if request.rev.is_some() {
            return Err(revision::in_place(request, &source));
        }
        return match flags.plan_out {
            Some(_) => Err(overlap::same_place()),
            None => respell::run(request, &source, &dest).await,
        };
    }
    let filter = flags.filter.filter()?;
    let kept = match kept {
        Some(kept) => {
            Some(overlap::by_one_name(&dest, overlap::by_one_name(&source, kept, verb).await?, verb).await?)
        }
        None => None,
    };
    let backup = BackupDir::find(request, kept, &source, &dest, &filter).await?;
    let source = match source {
        Place::Dropbox(store) if dest.is_local() && !flags.no_zip => {
            Place::Dropbox(store.with_folder_totals())
        }
        source => source,
    };
    let source_cursor = source_cursor(&source, flags).await?;
    let mut listing = match request.rev {
        Some(rev) => revision::list(&source, rev).await?,
        None => source
            .list(&filter, flags.symlinks())
            .await
            .map_err(|e| place_failure("list", &source, &e))?,
    };
    if let Some(error) = source.link().and_then(LinkStore::download_refusal) {
        return Err(place_failure("copy", &source, &error));
    }
    match listing.root {
        RootKind::Missing => return Err(missing(&source)),
        RootKind::Folder => overlap::refuse(&source, &dest, verb, &filter, request.sync.delete_excluded)?,
        RootKind::File => {}
    }
    // On one side they are the files' own, on the other in files of ours.
    let mut permissions = flags.metadata.then(Permissions::default);
    if let Some(permissions) = permissions.as_mut().filter(|_| listing.root == RootKind::Folder) {
        permissions.take_source(&mut listing, &source, &dest);
    }
    let left_out = prepare_source(&mut listing, &dest, request, &filter);
    if let Some(permissions) = permissions.as_mut().filter(|_| listing.root == RootKind::Folder) {
        permissions.note_source(&listing, &source, &dest).await;
    }
    if !app.quiet {
        tell::skipped(&listing);
    }
    if verb == Verb::Move && moved_as_a_whole(&source, &dest, &listing, request, &filter).await? {
        report::note(&format!("moved '{source}' as a whole"));
        report::statistics(&Stats::default(), flags.progress)?;
        json::print(&Object::Outcome(Outcome::done(Action::Move, "")))?;
        if let Some(receipt) = request.receipt {
            receipt.start();
            outcomes::note_moved(receipt, &listing.entries);
        }
        return Ok(exit::SUCCESS);
    }
    let job = Job {
        request,
        filter: &filter,
        source,
        target: dest,
        backup,
        left_out,
        elsewhere: Vec::new(),
        source_cursor,
        permissions,
        lists: None,
    };
    let (mut job, mut plan) = match listing.root {
        RootKind::File => job.plan_file(&listing).await?,
        _ => job.plan_folders(&listing).await?,
    };
    job.find_elsewhere(&mut plan, app).await?;
    let mut tally = Tally::of_plan(&plan);
    // A listing that could not be had at all is another matter: these have names or permissions that are in the way.
    tally
        .failed
        .extend(listing.unreadable.iter().map(|left_out| Failed {
            path: left_out.path.clone(),
            error: engine::Error::new(engine::Retry::Never, &left_out.reason),
        }));
    drop(listing);
    job.carry_out(plan, tally, app, started).await
}

/// Moves a whole folder to another place of its Dropbox in one call, if that is what is meant. Returns whether it did.
async fn moved_as_a_whole(
    source: &Place,
    dest: &Place,
    listing: &Listing,
    request: &Request<'_>,
    filter: &Filter,
) -> Result<bool, Failure> {
    let (Some(from), Some(to)) = (source.dropbox(), dest.dropbox()) else {
        return Ok(false);
    };
    let flags = request.flags;
    let is_plain = filter.is_everything()
        && from.view().leaves_out == LeavesOut::Nothing
        && !(flags.dry_run || flags.interactive || flags.existing || flags.plan_out.is_some())
        && flags.max_transfer.is_none()
        && !flags.lists.is_any()
        // These are refused with a move.
        && flags.compare_dest.is_empty()
        && flags.copy_dest.is_empty();
    let is_folder =
        listing.root == RootKind::Folder && listing.unreadable.is_empty() && !from.path().is_root();
    if !source.shares_paths(dest) || !is_plain || !is_folder || to.path().is_root() {
        return Ok(false);
    }
    from.move_whole(to)
        .await
        .map_err(|e| place_failure("move", source, &e))
}

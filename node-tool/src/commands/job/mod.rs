//! What copy, move and sync have in common: two places are listed, a plan is made, shown or carried out, and its outcome reported.

pub mod as_of;
mod ask;
mod backup;
mod elsewhere;
mod flags;
mod lists;
mod name;
mod observer;
mod outcomes;
mod overlap;
mod permissions;
pub mod planned;
mod preview;
mod respell;
pub(crate) mod revision;
mod tell;

use std::{path::Path, sync::Arc, time::Instant};

use crate::location::is_address;
use engine::{
    entry::{Entry, LINK_ENDING},
    filter::Filter,
    listing::{Listing, NameRules, RootKind},
    plan::{self, Plan, PlanOptions, Verb},
    relative_path::fold,
    run::{self, Backup, Failed, Observer, Run, RunOptions, Stop, Tally, Transfer as _},
};
use shared::{exit, failure::Failure, plain::quoted, raw};
use stores::{
    LinkStore, Place, Relation, TransferOptions,
    documents::{self, Documents},
    dropbox::LeavesOut,
};

pub use flags::{Flags, MoveFlags, SyncFlags};

use backup::BackupDir;
use lists::Lists;
use observer::Shown;
use outcomes::{Noted, Outcomes};
use permissions::Permissions;

use super::{App, exit_code, missing, place_failure};
use crate::{
    limits::OpenFiles,
    report::{
        self, Summary,
        format::Stats,
        json::{self, Action, Object, Outcome},
        receipt::Receipt,
    },
};

/// Maximum number of paths that are looked up one by one, side by side, rather than listing the folder that they are in.
const MAX_SINGLE_STATS: usize = 4;

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

/// Returns source and target.
fn places(request: &Request<'_>, app: &App) -> Result<(Place, Place), Failure> {
    if is_address(request.source) {
        return app.places(request.source, request.dest);
    }
    let source = app.place(request.source)?;
    // A new local folder may be called like a remote.
    let dest = match source.is_local() {
        true => app.place(request.dest)?,
        false => app.place_as_typed(request.dest)?,
    };
    Ok((source, dest))
}

/// Returns the mark behind which everything is that changes in the source from now on, if that is a folder in a Dropbox and a plan
/// is to be written.
async fn source_cursor(source: &Place, flags: &Flags) -> Result<Option<String>, Failure> {
    let store = source.dropbox().filter(|_| flags.plan_out.is_some());
    let Some(store) = store else { return Ok(None) };
    match source.stat().await {
        Ok(Some(there)) if there.file().is_none() => {}
        // The listing will say it.
        _ => return Ok(None),
    }
    let cursor = store.latest_cursor().await;
    cursor.map(Some).map_err(|e| place_failure("list", source, &e))
}

/// Refuses two places on this machine: that is another program's job.
fn refuse_local(source: &Place, dest: &Place) -> Result<(), Failure> {
    match (source.local_path(), dest.local_path()) {
        (Some(from), Some(to)) => Err(Failure::usage("both places are on this machine").next(format!(
            "rsync -a {} {}",
            quoted(&format!("{}/", from.display())),
            quoted(&format!("{}/", to.display()))
        ))),
        _ => Ok(()),
    }
}

/// Within an account cloud documents are copied as they are. Otherwise their exports are copied from a source, and those of a
/// target have nothing to do with its files.
fn with_documents(source: Place, dest: Place) -> (Place, Place) {
    if source.shares_paths(&dest) {
        let how = Documents::AsTheyAre;
        (source.with_documents(how), dest.with_documents(how))
    } else {
        (source, dest.with_documents(Documents::Apart))
    }
}

/// Takes out of the source's listing what is not to be copied. Returns what a sync must not delete for it, and what keeps the
/// folders of a move's source from being empty.
fn prepare_source(
    listing: &mut Listing,
    dest: &Place,
    request: &Request<'_>,
    filter: &Filter,
) -> Vec<String> {
    let spares = request.verb == Verb::Sync && !request.sync.delete_excluded;
    let mut left_out = listing.apply_filter(filter, spares || request.moving.delete_empty_src_dirs);
    if spares && !request.flags.links {
        // What the source has as a symlink, a pipe or a device is left out as well.
        left_out.extend(listing.specials.iter().map(|(path, _)| path.clone()));
    }
    set_raw_names_apart(listing, dest);
    left_out
}

/// Sets apart what has names that aren't UTF-8, if it has no place in the Dropbox on the other side, whose names aren't mapped: it
/// must not be deleted for that.
fn set_raw_names_apart(listing: &mut Listing, other: &Place) {
    let takes_none = other.dropbox().is_some_and(|store| !store.view().encodes);
    if takes_none && listing.root == RootKind::Folder {
        let reason = "its name is not UTF-8, which Dropbox needs; --encode-names maps such names";
        listing.set_apart(|entry| raw::is_raw(&entry.path), reason);
    }
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

/// Returns whether all these paths are different in Dropbox.
fn are_apart(paths: &[&str]) -> bool {
    let mut seen = std::collections::HashSet::new();
    paths.iter().all(|path| seen.insert(fold(path)))
}

/// Returns the folder that a single file goes into, and its name there. `name` is its own.
fn single_target(
    request: &Request<'_>,
    dest: &Place,
    entry: Option<&Entry>,
    typed: &str,
    name: &str,
) -> (Place, String) {
    let is_document = entry.is_some_and(|entry| entry.document().is_some());
    match dest.split().filter(|_| request.dest_is_name) {
        Some((folder, wanted)) if is_document => {
            // Called by its export's name, a document stays a document.
            let is_by_export = documents::is_export(typed) && fold(typed) != fold(name);
            let wanted = match is_by_export {
                true => documents::renamed(name, &wanted),
                false => wanted,
            };
            (folder, wanted)
        }
        Some(named) => named,
        None if is_document => (dest.clone(), name.to_owned()),
        None => (dest.clone(), typed.to_owned()),
    }
}

impl Job<'_> {
    /// Plans the copy of a single file, which may get another name.
    async fn plan_file(mut self, listing: &Listing) -> Result<(Self, Plan), Failure> {
        let request = self.request;
        let (from, typed) = self.source.split().ok_or_else(|| missing(&self.source))?;
        let entry = listing.entries.first();
        let name = entry.map_or(&typed, |entry| &entry.path).clone();
        let (to, new_name) = single_target(request, &self.target, entry, &typed, &name);
        let around = to.stat().await.map_err(|e| place_failure("look at", &to, &e))?;
        let (to, new_name) = match around {
            None => name::meant(request, &to, &new_name)?.unwrap_or((to, new_name)),
            Some(_) => (to, new_name),
        };
        refuse_new(&to, around.is_some())?;
        if around.is_some_and(|at| at.file().is_some()) {
            return Err(self.not_a_folder(&to));
        }
        to.learn(&new_name).await;
        let place = to.join(&new_name);
        let is_same = self.source.relation(&place) == Relation::Same;
        (self.source, self.target) = (from, to);
        if is_same {
            if request.rev.is_some() {
                return Err(revision::in_place(request, &place));
            }
            if request.verb != Verb::Copy {
                return Err(overlap::same_place());
            }
            overlap::note_same_place();
            return Ok((self, Plan::default()));
        }
        if let Some(permissions) = &mut self.permissions {
            let places = ((&self.source, &*name), (&self.target, &*new_name));
            let noted = permissions.note_single(places.0, places.1).await;
            noted.map_err(|e| place_failure("look at", &place, &e))?;
        }
        let target = self.list_single_target(&new_name).await;
        let target = target.map_err(|e| place_failure("look at", &place, &e))?;
        let wanted = listing.entries.iter().map(|entry| Entry {
            path: new_name.clone(),
            ..entry.clone()
        });
        let source = Listing {
            root: RootKind::Folder,
            entries: wanted.collect(),
            ..Listing::default()
        };
        let mut options = self.plan_options();
        if options.verb == Verb::Sync {
            options.verb = Verb::Copy; // beside a single file, nothing is extra
        }
        let mut plan = self.plan(&source, &target, &options)?;
        self.compare_lists(&source, &target);
        plan.set_source_path(&name);
        let parts = (listing.read_only.as_slice(), &target);
        overlap::refuse_unwritable(&plan, (&self.source, &self.target), parts, request.verb).await?;
        Ok((self, plan))
    }

    /// Returns what is at the place that a single file goes to.
    async fn list_single_target(&self, name: &str) -> engine::Result<Listing> {
        let link = name.strip_suffix(LINK_ENDING).filter(|_| self.makes_links());
        let mut listing = self.target.list_only(&[name]).await?;
        if let (Some(link), Place::Local(store)) = (link, &self.target) {
            // It becomes a symlink, in whose place something else may be.
            listing.entries.extend(store.list_only(&[link])?.entries);
            listing.entries.extend(store.link_at(link));
            listing.entries.sort_by(|a, b| a.path.cmp(&b.path));
        }
        listing.root = RootKind::Folder;
        Ok(listing)
    }

    /// Plans what makes the target's folder like the source's.
    async fn plan_folders(mut self, listing: &Listing) -> Result<(Self, Plan), Failure> {
        let Request {
            verb, flags, sync, ..
        } = *self.request;
        let mut target = self.list_target(listing).await?;
        if target.root == RootKind::File {
            return Err(self.not_a_folder(&self.target));
        }
        refuse_new(&self.target, target.root != RootKind::Missing)?;
        if let Some(permissions) = &mut self.permissions {
            permissions.take_target(&mut target, &self.target);
        }
        set_raw_names_apart(&mut target, &self.source);
        if let Some(backup) = &self.backup {
            backup.check_source(&listing.entries, &self.target, flags)?;
        }
        let mut plan = self.plan(listing, &target, &self.plan_options())?;
        self.compare_lists(listing, &target);
        let parts = (listing.read_only.as_slice(), &target);
        overlap::refuse_unwritable(&plan, (&self.source, &self.target), parts, verb).await?;
        plan.warnings
            .iter()
            .for_each(|warning| report::warn(&warning.to_string()));
        if let Some(permissions) = &mut self.permissions {
            permissions.remove_with_folders(&mut plan);
        }
        if verb == Verb::Sync {
            if !self.target.takes_documents_for_files() {
                tell::kept_documents(&target, &self.deletable(), &self.target);
            }
            if sync.track_renames {
                let (from, to) = (self.source.store(), self.target.store());
                run::track_renames(&mut plan, from, to, self.makes_links()).await;
            }
        }
        Ok((self, plan))
    }

    /// Lists the target, or only what a few files meet there.
    async fn list_target(&self, listing: &Listing) -> Result<Listing, Failure> {
        let Request { verb, flags, .. } = *self.request;
        let few: Vec<&str> = listing.entries.iter().map(|entry| entry.path.as_str()).collect();
        let is_few = verb == Verb::Copy
            && self.target.store().capabilities().stats_many
            && (1..=MAX_SINGLE_STATS).contains(&few.len())
            // Dropbox would say of each of two spellings that it is there.
            && are_apart(&few)
            && self.permissions.is_none()
            && !flags.lists.is_any()
            && !flags.create_empty_src_dirs;
        let listed = if is_few {
            self.target.list_only(&few).await
        } else {
            self.target
                .list_target(&self.deletable(), flags.symlinks_of_target())
                .await
        };
        listed.map_err(|e| place_failure("list", &self.target, &e))
    }

    /// Returns the filter for what a sync may delete.
    fn deletable(&self) -> std::borrow::Cow<'_, Filter> {
        match self.request.sync.delete_excluded {
            true => std::borrow::Cow::Owned(self.filter.depth_only()),
            false => std::borrow::Cow::Borrowed(self.filter),
        }
    }

    fn makes_links(&self) -> bool {
        self.request.flags.links && self.target.store().capabilities().has_symlinks
    }

    /// Returns the target's name rules.
    fn names(&self) -> NameRules {
        let names = self.target.store().capabilities().names;
        NameRules {
            ignores_case: names.ignores_case || self.request.flags.ignore_case_sync,
            ..names
        }
    }

    fn plan_options(&self) -> PlanOptions<'_> {
        let Request {
            verb,
            flags,
            sync,
            moving,
            ..
        } = *self.request;
        PlanOptions {
            verb,
            names: self.names(),
            rules: flags.rules(),
            filter: (!sync.delete_excluded).then_some(self.filter),
            max_depth: self.filter.max_depth(),
            deletes_excluded: sync.delete_excluded,
            max_delete: sync.max_delete(),
            max_delete_bytes: sync.max_delete_size.and_then(|size| size.0),
            deletes_despite_failures: sync.ignore_errors,
            makes_links: self.makes_links(),
            documents_are_files: self.target.takes_documents_for_files(),
            makes_empty_folders: flags.create_empty_src_dirs,
            removes_empty_source_folders: moving.delete_empty_src_dirs,
            order: flags.order_by,
            lists_same: self.request.receipt.is_some(),
            backup: self
                .backup
                .as_ref()
                .map(|backup| backup.in_target(flags))
                .unwrap_or_default(),
        }
    }

    fn plan(&self, source: &Listing, target: &Listing, options: &PlanOptions<'_>) -> Result<Plan, Failure> {
        let source = plan::Source {
            listing: source,
            left_out: &self.left_out,
        };
        plan::plan(source, target, options)
            .map_err(|refusal| tell::refusal(refusal, &self.source, &self.target))
    }

    /// Compares what both sides have, if lists of that are wanted.
    fn compare_lists(&mut self, source: &Listing, target: &Listing) {
        if self.request.flags.lists.is_any() {
            let ignores_case = self.names().ignores_case;
            self.lists = Some(Lists::of(source, target, &self.deletable(), ignores_case));
        }
    }

    fn not_a_folder(&self, to: &Place) -> Failure {
        let verb = word(self.request.verb);
        Failure::usage(format!("'{to}' is a file; {verb} needs a folder to copy into")).code(exit::ERROR)
    }

    /// Shows the plan, or asks about it and carries it out.
    async fn carry_out(
        self,
        mut plan: Plan,
        tally: Tally,
        app: &App,
        started: Instant,
    ) -> Result<u8, Failure> {
        let Request {
            verb, flags, sync, ..
        } = *self.request;
        let options = self.transfer_options(app);
        let concurrency = options.transfers.min(options.open_files);
        let Some(transfer) = stores::transfer(&self.source, &self.target, verb == Verb::Move, options) else {
            return Err(overlap::same_place()); // two local places were refused before
        };
        let backup = self.backup.as_ref().and_then(|kept| {
            let place = self.target.backup_in(&kept.place, self.makes_links())?;
            Some((place, kept.is_beside))
        });
        let backup = backup.as_ref().map(|(place, is_beside)| Backup {
            place: &**place,
            names: flags.backup_names(),
            is_beside: *is_beside,
        });
        let transfer = self.with_elsewhere(&*transfer, app);
        let job = run::Job {
            source: self.source.store(),
            target: self.target.store(),
            transfer: &transfer,
            backup: backup.as_ref(),
            keeps_times: flags.no_update_modtime || flags.dry_run,
        };
        let shown = Arc::new(Shown::new(
            flags.progress,
            app.stats,
            (self.source.clone(), &self.target),
        ));
        let observers = self.observers(Arc::clone(&shown), &mut plan, transfer.takes_from_source());
        let run = Run::new(&plan, tally, app.shutdown.clone(), Arc::new(observers));
        outcomes::report_failed(&run.tally(), &self.source);
        let max_bytes = flags.max_transfer.and_then(|size| size.0);
        if max_bytes.is_some() && !flags.dry_run || self.lists.is_some() {
            // Only what is really copied counts.
            run::resolve(&mut plan, &job, concurrency, &run).await;
        }
        let lists = self.lists.as_ref().map(|lists| lists.begin(&flags.lists, &plan));
        let lists = lists.transpose()?;
        let is_cut = max_bytes.is_some_and(|max| plan.limit_bytes(max, flags.cutoff()));
        tell::obstacles(&plan, &self.target);
        let is_move = verb == Verb::Move;
        if flags.dry_run {
            preview::show(&plan, (&self.source, &self.target), is_move, &run.tally())?;
            report::statistics(
                &preview::stats(&plan, &run.tally(), started.elapsed()),
                flags.progress,
            )?;
            lists.map_or(Ok(()), |lists| lists::end(lists, &run.tally()))?;
            return Ok(tell::code(&run.tally(), plan.is_idle(), flags));
        }
        if flags.interactive {
            ask::each(&mut plan, verb).await?;
        } else {
            ask::many_deletes(&plan, sync, &self.target).await?;
        }
        if let Some(path) = &flags.plan_out {
            self.refuse_to_write()?;
            if json::is_on() {
                preview::show(&plan, (&self.source, &self.target), is_move, &run.tally())?;
            }
            planned::write(path, plan, self.planned()).await?;
            return Ok(exit_code(run.tally().retry()).unwrap_or(exit::SUCCESS));
        }
        let run_options = RunOptions {
            deadline: flags.max_duration().map(|most| Instant::now() + most),
            concurrency,
            deletes_despite_failures: sync.ignore_errors,
        };
        if let Some(receipt) = self.request.receipt {
            receipt.start();
        }
        let bytes = plan::total_bytes(&plan.copies);
        let stop = tokio::select! {
            stop = run::run(plan, &job, run_options, &run) => stop,
            () = observer::watch(&shown, &self.source, &self.target, bytes) => None,
        };
        let tally = run.tally();
        let has_permissions = match &self.permissions {
            Some(permissions) if stop.is_none() => {
                let is_left = is_move && !is_cut && self.leaves_nothing(&tally);
                permissions.finish(&self.source, &self.target, is_left).await
            }
            _ => true,
        };
        lists.map_or(Ok(()), |lists| lists::end(lists, &tally))?;
        outcomes::count(&tally);
        if let Some(receipt) = self.request.receipt {
            let failed = tally.failed.len() as u64;
            receipt.note_run(self.request.source, failed, stop.is_none() && !is_cut);
        }
        let summary = Summary {
            tally: &tally,
            is_move,
            took: started.elapsed(),
        };
        tell::end(&summary, bytes, flags.progress, app.quiet)?;
        match (stop, is_cut) {
            (Some(stop), _) => Err(self.stopped(stop)),
            (None, true) => Err(tell::over_limit(&tally)),
            (None, false) => Ok(
                match tell::code(&tally, tally.copied + tally.renamed == 0, flags) {
                    exit::SUCCESS if !has_permissions => exit::ERROR,
                    code => code,
                },
            ),
        }
    }

    /// Returns what is notified of the run; the receipt gets the files that are there already.
    fn observers(
        &self,
        shown: Arc<Shown>,
        plan: &mut Plan,
        takes_from_source: bool,
    ) -> Vec<Arc<dyn Observer>> {
        let mut observers: Vec<Arc<dyn Observer>> = vec![shown];
        if json::is_on() {
            observers.push(Arc::new(Outcomes { takes_from_source }));
        }
        if let Some(receipt) = self.request.receipt {
            observers.push(Arc::new(Noted::new(Arc::clone(receipt), plan)));
            let same = std::mem::take(&mut plan.same);
            if receipt.is_first_run(self.request.source) {
                outcomes::note_same(receipt, same);
            }
        }
        observers
    }

    fn transfer_options(&self, app: &App) -> TransferOptions {
        let flags = self.request.flags;
        TransferOptions {
            transfers: app.transfers,
            memory_bytes: app.memory_bytes,
            open_files: OpenFiles::here().files,
            makes_links: flags.links,
            follows_links: self.follows_links(),
            overwrites_newer: flags.overwrite_newer,
            sends_only_listed: false,
            state_dir: app.state.clone(),
            revisions: self.request.rev.map(|_| Arc::default()),
            digests: flags.digest.as_slice().into(),
        }
    }

    fn follows_links(&self) -> bool {
        // A single file that was typed may be a symlink.
        self.request.flags.copy_links || Path::new(self.request.source).is_file()
    }

    /// Refuses to write a plan of what another process could not find again.
    fn refuse_to_write(&self) -> Result<(), Failure> {
        let what = match (self.elsewhere.is_empty(), self.request.rev) {
            _ if self.source.link().is_some() => "what is behind a link",
            (true, None) => return Ok(()),
            (false, _) => "files of several folders",
            (true, Some(_)) => "earlier states of files",
        };
        Err(Failure::usage(format!("a plan of {what} can't be written")).hint("copy them without --plan-out"))
    }

    fn planned(&self) -> planned::Planned<'_> {
        planned::Planned {
            verb: self.request.verb,
            source: &self.source,
            target: &self.target,
            backup: self.backup.as_ref(),
            source_cursor: self.source_cursor.clone(),
            follows_links: self.follows_links(),
            flags: self.request.flags,
        }
    }

    /// Returns whether a move leaves no file of the source.
    fn leaves_nothing(&self, tally: &Tally) -> bool {
        let view = self.source.dropbox().map(|store| store.view().leaves_out);
        tally.failed.is_empty()
            && tally.skipped == 0
            && !self.request.flags.interactive
            && self.filter.is_everything()
            && view.is_none_or(|leaves_out| leaves_out == LeavesOut::Nothing)
    }

    /// Returns the failure for what stopped the run early.
    fn stopped(&self, stop: Stop) -> Failure {
        let remote = self.target.remote().or(self.source.remote()).unwrap_or_default();
        tell::stopped(stop, remote, "")
    }
}

/// Refuses a place that isn't there yet and can't be.
fn refuse_new(to: &Place, is_there: bool) -> Result<(), Failure> {
    match to.refusal().filter(|_| !is_there) {
        Some(reason) => Err(Failure::usage(reason)),
        None => Ok(()),
    }
}

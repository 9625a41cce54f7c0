//! How a plan is carried out: shown or asked about, handed to the engine, and reported.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use engine::{
    plan::{self, Plan, Verb},
    run::{self, Backup, Observer, Run, RunOptions, Stop, Tally, Transfer as _},
};
use shared::{exit, failure::Failure};
use stores::{TransferOptions, dropbox::LeavesOut};

use super::{
    Job, Request, ask, lists,
    observer::{self, Shown},
    outcomes::{self, Noted, Outcomes},
    overlap, planned, preview, tell,
};
use crate::{
    commands::{App, exit_code},
    limits::OpenFiles,
    report::{self, Summary, json},
};

impl Job<'_> {
    /// Shows the plan, or asks about it and carries it out.
    pub(super) async fn carry_out(
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
        if flags.dry_run {
            self.show(&plan, &run.tally(), Some(started.elapsed()))?;
            lists.map_or(Ok(()), |lists| lists::end(lists, &run.tally()))?;
            return Ok(tell::code(&run.tally(), plan.is_idle(), flags));
        }
        if flags.interactive {
            ask::each(&mut plan, verb).await?;
        } else {
            ask::many_deletes(&plan, sync, &self.target).await?;
        }
        if let Some(path) = &flags.plan_out {
            if json::is_on() {
                self.show(&plan, &run.tally(), None)?;
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
        let summary = Summary {
            tally: &tally,
            is_move: verb == Verb::Move,
            took: started.elapsed(),
        };
        let code = self.finish(&summary, stop.is_none(), is_cut).await;
        lists.map_or(Ok(()), |lists| lists::end(lists, &tally))?;
        tell::end(&summary, bytes, flags.progress, app.quiet)?;
        match (stop, is_cut) {
            (Some(stop), _) => Err(self.stopped(stop)),
            (None, true) => Err(tell::over_limit(&tally)),
            (None, false) => Ok(code),
        }
    }

    /// Shows what would be done; with statistics if it took so long to find out.
    fn show(&self, plan: &Plan, tally: &Tally, took: Option<Duration>) -> Result<(), Failure> {
        let is_move = self.request.verb == Verb::Move;
        preview::show(plan, (&self.source, &self.target), is_move, tally)?;
        match took {
            Some(took) => report::statistics(&preview::stats(plan, tally, took), self.request.flags.progress),
            None => Ok(()),
        }
    }

    /// Does what comes after a run: permissions, the count of failures, the receipt. Returns the exit code of a run that came to
    /// its end. `is_cut` says whether the plan was.
    async fn finish(&self, summary: &Summary<'_>, is_whole: bool, is_cut: bool) -> u8 {
        let tally = summary.tally;
        let has_permissions = match &self.permissions {
            Some(permissions) if is_whole => {
                let is_left = summary.is_move && !is_cut && self.leaves_nothing(tally);
                permissions.finish(&self.source, &self.target, is_left).await
            }
            _ => true,
        };
        outcomes::count(tally);
        if let Some(receipt) = self.request.receipt {
            let failed = tally.failed.len() as u64;
            receipt.note_run(self.request.source, failed, is_whole && !is_cut);
        }
        let is_idle = tally.copied + tally.renamed == 0;
        match tell::code(tally, is_idle, self.request.flags) {
            exit::SUCCESS if !has_permissions => exit::ERROR,
            code => code,
        }
    }

    /// Returns what is notified of the run; the receipt gets the files that are there already.
    pub(super) fn observers(
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

    pub(super) fn transfer_options(&self, app: &App) -> TransferOptions {
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
    pub(super) fn stopped(&self, stop: Stop) -> Failure {
        let remote = self.target.remote().or(self.source.remote()).unwrap_or_default();
        tell::stopped(stop, remote, "")
    }
}

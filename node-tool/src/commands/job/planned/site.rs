//! The two places of a plan, found again by the process that carries it out.

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use engine::{
    Error, ErrorKind, Retry,
    plan::{
        BackupNames, Plan, StepId,
        file::{Account, Header, PlanFile, Together},
    },
    run::{self, Backup, BackupPlace, Event, Job, Observer, Run, RunOptions, Stop, Subject, Tally, Transfer},
};
use shared::{exit, failure::Failure};
use stores::{Place, TransferOptions};

use super::{
    super::{
        App,
        observer::{self, Shown},
        outcomes::Outcomes,
        overlap, tell, with_documents,
    },
    Limits,
};
use crate::{commands::place_failure, limits::OpenFiles, plan_dir::WorkerLog, report::json};

/// The two places of a plan, and the ways between them.
pub(super) struct Site<'a> {
    header: &'a Header,
    together: &'a Together,
    pub(super) source: Place,
    target: Place,
    transfer: Box<dyn Transfer>,
    backup: Option<Box<dyn BackupPlace>>,
    concurrency: usize,
    limits: Limits,
}

/// What happened to steps, for the log of this process.
struct Noting(Arc<WorkerLog>);

impl Observer for Noting {
    fn event(&self, subject: Option<Subject<'_>>, event: &Event) {
        if let Some(subject) = subject {
            match event {
                Event::Moved { .. } | Event::Returned { .. } | Event::DeletesWithheld => {}
                Event::Failed(error) => self.0.failed(subject.id, error.to_string()),
                _ => self.0.done(subject.id),
            }
        }
    }
}

/// A transfer whose end is not the job's end: what a store prepares for the next run then would be prepared again and again.
struct OneOfMany<'a>(&'a dyn Transfer);

#[async_trait(?Send)]
impl Transfer for OneOfMany<'_> {
    async fn copy(&self, steps: Vec<engine::plan::Step>, run: &Run) {
        self.0.copy(steps, run).await;
    }

    fn takes_from_source(&self) -> bool {
        self.0.takes_from_source()
    }
}

/// The outcome of a run of some steps.
pub(super) struct Outcome {
    /// Its counts.
    pub(super) tally: Tally,
    /// What stopped it early.
    pub(super) stop: Option<Stop>,
}

impl<'a> Site<'a> {
    /// Finds the places of a plan.
    ///
    /// # Errors
    /// When one can't be found, or is in another account than when the plan was made.
    pub(super) async fn find(file: &'a PlanFile, limits: Limits, app: &App) -> Result<Self, Failure> {
        let header = &file.header;
        let options = &header.options;
        let (mut source, mut target) = (app.place(&header.source)?, app.place(&header.target)?);
        for place in [&source, &target] {
            check_account(place, header).await?;
        }
        let kept = options
            .backup
            .as_ref()
            .and_then(|backup| backup.folder.as_deref());
        let mut kept = kept.map(|folder| app.place(folder)).transpose()?;
        overlap::from_one_root(&mut source, &mut target, kept.as_mut(), header.verb).await?;
        let target = overlap::by_one_name(&source, target, header.verb).await?;
        let (source, target) = with_documents(source, target);
        let makes_links = options.links && target.store().capabilities().has_symlinks;
        let backup = options.backup.as_ref().and_then(|_| {
            let place = kept.map_or_else(|| target.clone(), |kept| kept.by_login_of(&target));
            target.backup_in(&place, makes_links)
        });
        let transfer_options = transfer_options(header, app);
        let concurrency = transfer_options.transfers.min(transfer_options.open_files);
        let takes_source = header.verb == engine::plan::Verb::Move;
        let transfer = stores::transfer(&source, &target, takes_source, transfer_options);
        Ok(Self {
            header,
            together: &file.together,
            transfer: transfer.ok_or_else(overlap::same_place)?,
            backup,
            source,
            target,
            concurrency,
            limits,
        })
    }

    /// Carries out some steps. `is_again` says that they may have been carried out in part. `done` are steps of the plan that are
    /// done, which others wait for.
    pub(super) async fn run(
        &self,
        mut plan: Plan,
        log: &Arc<WorkerLog>,
        is_again: bool,
        done: impl IntoIterator<Item = StepId>,
        app: &App,
    ) -> Result<Outcome, Failure> {
        self.recall();
        let shown = Arc::new(Shown::new(
            self.limits.shows_progress,
            app.stats,
            (self.source.clone(), &self.target),
        ));
        let mut observers: Vec<Arc<dyn Observer>> = vec![Arc::new(Noting(Arc::clone(log)))];
        observers.push(Arc::<Shown>::clone(&shown));
        if json::is_on() {
            let takes_from_source = self.transfer.takes_from_source();
            observers.push(Arc::new(Outcomes { takes_from_source }));
        }
        let run = Run::new(&plan, Tally::default(), app.shutdown.clone(), Arc::new(observers));
        let run = run.with_done(done);
        self.report_changed(&mut plan, &run).await?;
        let backup = self.backup();
        let transfer = OneOfMany(&*self.transfer);
        let job = Job {
            source: self.source.store(),
            target: self.target.store(),
            transfer: &transfer,
            backup: backup.as_ref(),
            keeps_times: self.header.options.keeps_times,
        };
        if is_again
            && (self.source.shares_paths(&self.target) || self.backup.is_some() || !plan.renames.is_empty())
        {
            run::recheck(&mut plan, &job, self.concurrency, &run).await;
        }
        let options = RunOptions {
            deadline: self.limits.deadline,
            concurrency: self.concurrency,
            deletes_despite_failures: false,
        };
        let bytes = engine::plan::total_bytes(&plan.copies);
        let stop = tokio::select! {
            stop = run::run(plan, &job, options, &run) => stop,
            () = observer::watch(&shown, &self.source, &self.target, bytes) => None,
            () = beat(log) => None,
        };
        log.flush();
        Ok(Outcome {
            tally: run.tally(),
            stop,
        })
    }

    /// Returns the failure for what stopped this process early.
    pub(super) fn stopped(&self, stop: Stop, next: &str) -> Failure {
        let remote = self.target.remote().or(self.source.remote()).unwrap_or_default();
        tell::stopped(stop, remote, next)
    }

    fn recall(&self) {
        if let Some(source) = self.source.dropbox() {
            source.recall(&self.together.groups, &[]);
        }
        if let Some(target) = self.target.dropbox() {
            target.recall(&[], &self.together.namespaces);
        }
    }

    fn backup(&self) -> Option<Backup<'_>> {
        let record = self.header.options.backup.as_ref()?;
        Some(Backup {
            place: self.backup.as_deref()?,
            names: BackupNames {
                suffix: record.suffix.clone(),
                keeps_extension: record.keeps_extension,
            },
            is_beside: record.folder.is_none(),
        })
    }

    /// Reports the files of a Dropbox that changed since the plan was made, and removes them from what is copied. Files of this
    /// machine are looked at as they are sent.
    async fn report_changed(&self, plan: &mut Plan, run: &Run) -> Result<(), Failure> {
        let (Some(store), Some(cursor)) = (self.source.dropbox(), &self.header.source_cursor) else {
            return Ok(());
        };
        if plan.all_copies().next().is_none() {
            return Ok(());
        }
        let changes = store.changes_since(cursor).await;
        let changes = changes.map_err(|e| place_failure("find out what changed in", &self.source, &e))?;
        let changed: HashSet<StepId> = plan
            .all_copies()
            .filter(|step| store.has_changed(&changes, &step.from, &step.meta))
            .map(|step| step.id)
            .collect();
        for id in &changed {
            let error = Error::new(Retry::Never, "it has changed since the plan was made");
            run.report(*id, Event::Failed(error.with_kind(ErrorKind::Changed)));
        }
        plan.copies.retain(|step| !changed.contains(&step.id));
        plan.late_copies.retain(|step| !changed.contains(&step.id));
        Ok(())
    }
}

/// Shows others that this process lives, and notes what it has done; never returns.
async fn beat(log: &WorkerLog) {
    /// How often what was done is noted: what a killed process looks at again.
    const NOTED_EVERY: std::time::Duration = std::time::Duration::from_secs(1);
    /// How many notes there are between two signs of life.
    const BEATS: u32 = 10;
    loop {
        for _ in 0..BEATS {
            tokio::time::sleep(NOTED_EVERY).await;
            tokio::task::block_in_place(|| log.flush());
        }
        tokio::task::block_in_place(|| log.beat());
    }
}

fn transfer_options(header: &Header, app: &App) -> TransferOptions {
    TransferOptions {
        transfers: app.transfers,
        memory_bytes: app.memory_bytes,
        open_files: OpenFiles::here().files,
        makes_links: header.options.links,
        follows_links: header.options.follows_links,
        overwrites_newer: header.options.overwrites_newer,
        sends_only_listed: true,
        state_dir: app.state.clone(),
        revisions: None,
        digests: Arc::from([]),
    }
}

/// Refuses a place whose remote is connected to another account than when the plan was made.
async fn check_account(place: &Place, header: &Header) -> Result<(), Failure> {
    let Some(store) = place.dropbox() else {
        return Ok(());
    };
    let remote = store.client().remote();
    let planned = header.accounts.get(remote);
    let now = store.account().await;
    let now = now.map_err(|e| place_failure("ask about the account of", place, &e))?;
    let why = match planned {
        Some(Account { id, .. }) if *id != now.id => {
            format!("'{remote}:' was another account when the plan was made")
        }
        Some(Account { root, .. }) if *root != now.root => {
            format!("paths of '{remote}:' started at another folder when the plan was made")
        }
        Some(_) => return Ok(()),
        None => format!("the plan says nothing about the account of '{remote}:'"),
    };
    Err(
        Failure::new("the plan is for another account; nothing was changed")
            .why(why)
            .hint("use the config with which the plan was made, or make a new plan")
            .code(exit::FATAL),
    )
}

//! `--compare-dest` and `--copy-dest`: what is the same in another folder of the target's store.

use std::collections::HashSet;

use engine::{
    listing::{Listing, RootKind},
    plan::{Plan, StepId, Verb},
    run::{self, Elsewhere, FromElsewhere, Transfer},
};
use shared::failure::Failure;
use stores::Place;

use super::{Job, word};
use crate::commands::{App, missing, place_failure};

/// Files that are copied from another folder than the source.
#[derive(Debug)]
pub(super) struct Copies {
    folder: Place,
    steps: HashSet<StepId>,
}

impl Job<'_> {
    /// Removes from the plan what is the same in the folders of `--compare-dest`; what is the same in those of `--copy-dest`
    /// is copied from there.
    ///
    /// # Errors
    /// When such a folder can't be used or listed.
    pub(super) async fn find_elsewhere(&mut self, plan: &mut Plan, app: &App) -> Result<(), Failure> {
        let flags = self.request.flags;
        let (typed, flag) = match (&*flags.compare_dest, &*flags.copy_dest) {
            ([], []) => return Ok(()),
            ([], typed) => (typed, "--copy-dest"),
            (typed, _) => (typed, "--compare-dest"),
        };
        if self.request.verb == Verb::Move {
            return Err(
                Failure::usage(format!("{flag} can't be used with {}", word(Verb::Move)))
                    .why("what is not copied to the target must not be removed from the source")
                    .hint("copy first, and remove the source when all is where it should be"),
            );
        }
        let mut folders = Vec::new();
        for typed in typed {
            let place = self.folder(typed, flag, app)?;
            let listing = self.list_elsewhere(&place).await?;
            folders.push((place, listing));
        }
        let elsewhere: Vec<Elsewhere<'_>> = folders
            .iter()
            .map(|(place, listing)| Elsewhere {
                store: place.store(),
                listing,
            })
            .collect();
        let late: HashSet<StepId> = plan.late_copies.iter().map(|step| step.id).collect();
        let found = run::find_elsewhere(plan, self.source.store(), &elsewhere, flags.rules()).await;
        if flags.copy_dest.is_empty() {
            plan.unchanged += found.len() as u64;
            return Ok(());
        }
        let mut steps: Vec<HashSet<StepId>> = vec![HashSet::new(); folders.len()];
        for (at, step) in found {
            steps[at].insert(step.id);
            match late.contains(&step.id) {
                true => plan.late_copies.push(step),
                false => plan.copies.push(step),
            }
        }
        let folders = folders.into_iter().map(|(folder, _)| folder);
        self.elsewhere = folders
            .zip(steps)
            .map(|(folder, steps)| Copies { folder, steps })
            .collect();
        Ok(())
    }

    /// Returns a folder of the target's store.
    fn folder(&self, typed: &str, flag: &str, app: &App) -> Result<Place, Failure> {
        let place = app.place(typed)?;
        let copies = flag == "--copy-dest";
        if copies && place.is_local() {
            return Err(
                Failure::usage(format!("{flag} needs a folder in a Dropbox, whose server copies"))
                    .hint("--compare-dest DIR leaves out what is the same there"),
            );
        }
        let is_there = match copies {
            true => place.shares_paths(&self.target),
            false => place.is_on_side_of(&self.target),
        };
        if !is_there {
            return Err(Failure::usage(format!(
                "{flag} '{place}' has to be on the same side as the target"
            ))
            .hint(format!("name it as the target is named: '{}'", self.target)));
        }
        Ok(place)
    }

    async fn list_elsewhere(&self, place: &Place) -> Result<Listing, Failure> {
        let listing = place
            .list(self.filter, self.request.flags.symlinks_of_target())
            .await;
        let listing = listing.map_err(|e| place_failure("list", place, &e))?;
        match listing.root {
            RootKind::Folder => Ok(listing),
            RootKind::Missing => Err(missing(place)),
            RootKind::File => Err(self.not_a_folder(place)),
        }
    }

    /// Returns the way of all copies: from the source, and from other folders.
    pub(super) fn with_elsewhere<'a>(&self, usual: &'a dyn Transfer, app: &App) -> FromElsewhere<'a> {
        let ways = self.elsewhere.iter().filter_map(|copies| {
            let way = stores::transfer(&copies.folder, &self.target, false, self.transfer_options(app))?;
            Some((copies.steps.clone(), way))
        });
        FromElsewhere {
            usual,
            others: ways.collect(),
        }
    }
}

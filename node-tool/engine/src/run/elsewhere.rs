//! `--compare-dest` and `--copy-dest`: files that are the same in another folder of the target's store.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use async_trait::async_trait;

use super::{Run, Transfer, resolve::known_or_read};
use crate::{
    entry::FileMeta,
    listing::Listing,
    plan::{Comparison, Plan, Rules, Step, StepId, StepKind, compare},
    relative_path::fold,
    store::Store,
};

/// Another folder of the target's store.
#[derive(Clone, Copy, Debug)]
pub struct Elsewhere<'a> {
    /// The folder.
    pub store: &'a dyn Store,
    /// What it holds.
    pub listing: &'a Listing,
}

/// Removes the copies of files that are the same elsewhere from a plan. Returns for each the number of the folder, and the copy
/// from there.
pub async fn find_elsewhere(
    plan: &mut Plan,
    source: &dyn Store,
    folders: &[Elsewhere<'_>],
    rules: Rules,
) -> Vec<(usize, Step)> {
    let files: Vec<HashMap<Cow<'_, str>, &FileMeta>> = folders.iter().map(files).collect();
    let mut found = Vec::new();
    for steps in [&mut plan.copies, &mut plan.late_copies] {
        let mut rest = Vec::new();
        for step in std::mem::take(steps) {
            match first_same(&step, source, folders, &files, rules).await {
                Some(same) => found.push(same),
                None => rest.push(step),
            }
        }
        *steps = rest;
    }
    found
}

/// Returns the files of a folder by their paths in it.
fn files<'a>(folder: &Elsewhere<'a>) -> HashMap<Cow<'a, str>, &'a FileMeta> {
    let ignores_case = folder.store.capabilities().names.ignores_case;
    let files = folder.listing.entries.iter().filter_map(|entry| {
        let file = entry.file().filter(|file| file.document().is_none())?;
        Some((key(&entry.path, ignores_case), file))
    });
    files.collect()
}

fn key(path: &str, ignores_case: bool) -> Cow<'_, str> {
    match ignores_case {
        true => fold(path),
        false => Cow::Borrowed(path),
    }
}

/// Returns the copy from the first folder that has the same file.
async fn first_same(
    step: &Step,
    source: &dyn Store,
    folders: &[Elsewhere<'_>],
    files: &[HashMap<Cow<'_, str>, &FileMeta>],
    rules: Rules,
) -> Option<(usize, Step)> {
    if !matches!(step.kind, StepKind::Copy(_)) || step.meta.document().is_some() {
        return None;
    }
    for (at, folder) in folders.iter().enumerate() {
        let ignores_case = folder.store.capabilities().names.ignores_case;
        let Some(file) = files[at].get(&key(&step.to, ignores_case)) else {
            continue;
        };
        let is_same = match compare(&step.meta, file, rules.by, rules.tolerance) {
            Comparison::Same => true,
            Comparison::Different(_) => false,
            Comparison::ChecksumDecides => {
                let wanted = known_or_read(source, &step.from, &step.meta).await;
                wanted.is_some() && wanted == known_or_read(folder.store, &step.to, file).await
            }
        };
        if is_same {
            let copy = Step {
                id: step.id,
                replaces: step.replaces.clone(),
                ..Step::new(step.kind, &step.to, &step.to, (*file).clone())
            };
            return Some((at, copy));
        }
    }
    None
}

/// Copies some files from other folders than the source.
pub struct FromElsewhere<'a> {
    /// The way from the source.
    pub usual: &'a dyn Transfer,
    /// The ways from other folders, with the steps that take them.
    pub others: Vec<(HashSet<StepId>, Box<dyn Transfer + 'a>)>,
}

#[async_trait(?Send)]
impl Transfer for FromElsewhere<'_> {
    async fn copy(&self, mut steps: Vec<Step>, run: &Run) {
        for (ids, way) in &self.others {
            let theirs: Vec<Step> = steps.extract_if(.., |step| ids.contains(&step.id)).collect();
            if !theirs.is_empty() {
                way.copy(theirs, run).await;
            }
        }
        if !steps.is_empty() {
            self.usual.copy(steps, run).await;
        }
    }

    fn takes_from_source(&self) -> bool {
        self.usual.takes_from_source()
    }

    async fn finish(&self, changes: u64) {
        self.usual.finish(changes).await;
    }
}

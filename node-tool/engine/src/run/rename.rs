//! `--track-renames`: a new file of the source that has the content of one that would be deleted is renamed.

use std::collections::{HashMap, HashSet};

use crate::{
    entry::LINK_ENDING,
    plan::{Plan, Step, StepId, StepKind},
    run::resolve::known_or_read,
    store::Store,
};

/// Finds renamed files, and removes them from what is copied and deleted. If the target `makes_links`, files that represent
/// symlinks are made again: there they have other names.
pub async fn track_renames(plan: &mut Plan, source: &dyn Store, target: &dyn Store, makes_links: bool) {
    let is_link = |path: &str| makes_links && path.ends_with(LINK_ENDING);
    let mut by_size: HashMap<u64, Vec<Step>> = HashMap::new();
    for step in plan.deletes.iter().filter(|step| !is_link(&step.to)) {
        by_size
            .entry(step.meta.size_bytes)
            .or_default()
            .push(step.clone());
    }
    let mut renamed: HashSet<StepId> = HashSet::new();
    let mut copies = Vec::new();
    for step in std::mem::take(&mut plan.copies) {
        let is_new = step.replaces.is_none() && !is_link(&step.to);
        let candidates = by_size.get_mut(&step.meta.size_bytes).filter(|_| is_new);
        let found = match candidates {
            Some(candidates) if !candidates.is_empty() => {
                same_content(&step, candidates, source, target).await
            }
            _ => None,
        };
        match found {
            Some(old) => {
                renamed.insert(old.id);
                plan.renames.push(Step {
                    id: step.id,
                    replaces: Some(old.meta),
                    ..Step::new(StepKind::Rename, &old.to, &step.to, step.meta)
                });
            }
            None => copies.push(step),
        }
    }
    plan.copies = copies;
    plan.deletes.retain(|step| !renamed.contains(&step.id));
}

/// Takes the first of `candidates` that has the content of the step's file.
async fn same_content(
    step: &Step,
    candidates: &mut Vec<Step>,
    source: &dyn Store,
    target: &dyn Store,
) -> Option<Step> {
    let wanted = known_or_read(source, &step.from, &step.meta).await?;
    for at in 0..candidates.len() {
        let candidate = &candidates[at];
        if known_or_read(target, &candidate.to, &candidate.meta).await == Some(wanted) {
            return Some(candidates.remove(at));
        }
    }
    None
}

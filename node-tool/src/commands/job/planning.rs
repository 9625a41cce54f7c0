//! How a job is planned: what the target has is listed, and the engine makes a plan of both listings.

use std::{borrow::Cow, collections::HashSet};

use engine::{
    entry::{Entry, LINK_ENDING},
    filter::Filter,
    listing::{Listing, NameRules, RootKind},
    plan::{self, Plan, PlanOptions, Verb},
    relative_path::fold,
    run,
};
use shared::{exit, failure::Failure};
use stores::{Place, Relation, documents};

use super::{Job, Lists, Request, name, overlap, places::set_raw_names_apart, revision, tell, word};
use crate::{
    commands::{missing, place_failure},
    report,
};

/// Maximum number of paths that are looked up one by one, side by side, rather than listing the folder that they are in.
const MAX_SINGLE_STATS: usize = 4;

impl Job<'_> {
    /// Plans the copy of a single file, which may get another name.
    pub(super) async fn plan_file(mut self, listing: &Listing) -> Result<(Self, Plan), Failure> {
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
    pub(super) async fn plan_folders(mut self, listing: &Listing) -> Result<(Self, Plan), Failure> {
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
    pub(super) fn deletable(&self) -> Cow<'_, Filter> {
        match self.request.sync.delete_excluded {
            true => Cow::Owned(self.filter.depth_only()),
            false => Cow::Borrowed(self.filter),
        }
    }

    pub(super) fn makes_links(&self) -> bool {
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

    pub(super) fn not_a_folder(&self, to: &Place) -> Failure {
        let verb = word(self.request.verb);
        Failure::usage(format!("'{to}' is a file; {verb} needs a folder to copy into")).code(exit::ERROR)
    }
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

/// Returns whether all these paths are different in Dropbox.
fn are_apart(paths: &[&str]) -> bool {
    let mut seen = HashSet::new();
    paths.iter().all(|path| seen.insert(fold(path)))
}

/// Refuses a place that isn't there yet and can't be.
pub(super) fn refuse_new(to: &Place, is_there: bool) -> Result<(), Failure> {
    match to.refusal().filter(|_| !is_there) {
        Some(reason) => Err(Failure::usage(reason)),
        None => Ok(()),
    }
}

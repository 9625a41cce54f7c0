//! What is still kept of what was: revisions and deletions, for as long as the account's plan keeps them.

use std::sync::Arc;

use super::clock::Seconds;
use super::state::{Call, State};
use super::tree::{Happened, NodeId, Ns, Revision};

/// What is known of a file's past.
#[derive(Debug, Default)]
pub struct PastOfFile {
    /// The revisions that are kept, the newest first.
    pub revisions: Vec<Arc<Revision>>,
    /// When the newest of them was deleted or moved away; `None` if another followed it, or it is there.
    pub deleted: Option<Seconds>,
}

impl State {
    /// Whether what was deleted or replaced at a time is still kept.
    pub fn is_kept(&self, at: Seconds, now: Seconds) -> bool {
        let kept = i64::try_from(self.settings.history.as_secs()).unwrap_or(i64::MAX);
        now.saturating_sub(at) <= kept
    }

    /// A revision that the caller may see, if it is still kept.
    pub fn kept_revision(&self, call: &Call, rev: &str) -> Option<&Arc<Revision>> {
        let revision = self.tree.revisions.get(rev)?;
        let past = self.tree.past.get(&(revision.ns, revision.path.clone()))?;
        let is_kept = self
            .kept(past, call.now)
            .any(|kept| kept.data.rev == revision.data.rev);
        Some(revision).filter(|_| is_kept && self.tree.may_see(call.view.account, revision.ns))
    }

    /// The revisions at a path, of those before `before` if that is given. `None` if there was no such revision at the path.
    pub fn past_of_path(
        &self,
        place: &(Ns, String),
        before: Option<&str>,
        now: Seconds,
    ) -> Option<PastOfFile> {
        let past = self.tree.past.get(place).map_or(&[][..], Vec::as_slice);
        let end = match before {
            None => past.len(),
            Some(rev) => past
                .iter()
                .position(|event| matches!(event, Happened::Written(written) if written == rev))?,
        };
        let before = &past[..end];
        let all: Vec<_> = self.kept(past, now).collect();
        let mut revisions: Vec<_> = before
            .iter()
            .filter_map(|event| match event {
                Happened::Written(rev) => all.iter().find(|kept| kept.data.rev == *rev).cloned(),
                Happened::Gone(_) => None,
            })
            .collect();
        revisions.reverse();
        Some(PastOfFile {
            revisions,
            deleted: match before.last() {
                Some(Happened::Gone(at)) => Some(*at),
                _ => None,
            },
        })
    }

    /// The revisions of a file that is there, wherever it was.
    pub fn past_of_file(&self, id: NodeId, now: Seconds) -> PastOfFile {
        let id = self.tree.node(id).map_or("", |node| node.id.as_str());
        let paths = self.tree.past.values();
        let mut revisions: Vec<_> = paths
            .flat_map(|past| self.kept(past, now))
            .filter(|revision| revision.id == id)
            .collect();
        revisions.sort_by(|a, b| b.data.rev.cmp(&a.data.rev));
        revisions.dedup_by(|a, b| a.data.rev == b.data.rev);
        PastOfFile {
            revisions,
            deleted: None,
        }
    }

    /// The revisions of a path's past that were replaced or deleted not too long ago, or are there.
    fn kept<'a>(&'a self, past: &'a [Happened], now: Seconds) -> impl Iterator<Item = Arc<Revision>> + 'a {
        past.iter().enumerate().filter_map(move |(at, event)| {
            let Happened::Written(rev) = event else {
                return None;
            };
            let is_over = match past.get(at + 1) {
                None => None,
                Some(Happened::Gone(at)) => Some(*at),
                Some(Happened::Written(next)) => Some(self.tree.revisions.get(next)?.data.server_modified),
            };
            let revision = self.tree.revisions.get(rev)?;
            is_over
                .is_none_or(|at| self.is_kept(at, now))
                .then(|| Arc::clone(revision))
        })
    }
}

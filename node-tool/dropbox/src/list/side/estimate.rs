//! Whether a large tree is worth listing side by side, from what a few of its folders have shown. All of it is pure.

/// Share of one cursor's calls that listing side by side may cost on top of them, if the folders that were looked at are like the
/// others.
const SHARE: f64 = 0.25;
/// What a folder costs besides its full pages, as long as its end hasn't been seen: half of the last page is empty on average.
const USUAL_WASTE: f64 = 0.5;

/// What a folder has shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// Pages of it that have come.
    pub pages: usize,
    /// Entries on them.
    pub entries: usize,
    /// Whether the last one has come.
    pub is_done: bool,
}

/// What is known of a tree.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    /// Pages of the one cursor, and entries on them.
    pub one: (usize, usize),
    /// Calls that found the folders.
    pub search_calls: usize,
    /// Entries that they brought.
    pub search_entries: usize,
    /// Calls that were begun for pages of the folders.
    pub look_calls: usize,
    /// Number of folders that would be listed side by side.
    pub folders: usize,
    /// Number of the folders around them, which might be listed instead. `None` means that there are too few.
    pub outer_folders: Option<usize>,
    /// How many of the folders are looked at before it is decided.
    pub wanted_samples: usize,
    /// Those that have shown something.
    pub samples: Vec<Sample>,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// List the folders side by side.
    Folders,
    /// List the folders around them side by side.
    OuterFolders,
    /// Look further.
    Look,
    /// Leave it to the one cursor.
    Leave,
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn number(count: usize) -> f64 {
    count as f64
}

impl Tree {
    /// Entries on a page of the one cursor.
    fn page(&self) -> f64 {
        (number(self.one.1) / number(self.one.0.max(1))).max(1.0)
    }

    /// Returns how many pages one cursor takes for all of it: an extrapolation, and never less than it has taken.
    fn pages(&self) -> f64 {
        let count = self.samples.len();
        let seen: usize = self.samples.iter().map(|sample| sample.entries).sum();
        let others = self.folders.saturating_sub(count);
        let mean = number(seen) / number(count.max(1));
        let entries = number(seen + self.search_entries) + mean * number(others);
        (entries / self.page()).max(number(self.one.0))
    }

    /// Returns what a folder costs on average besides its full pages.
    fn waste(&self) -> f64 {
        let of = |sample: &Sample| match sample.is_done {
            true => number(sample.pages) - number(sample.entries) / self.page(),
            false => USUAL_WASTE,
        };
        let all: f64 = self.samples.iter().map(of).sum();
        (all / number(self.samples.len().max(1))).max(0.0)
    }

    /// Returns how many calls may be wasted.
    fn allowed(&self) -> f64 {
        SHARE * self.pages()
    }

    /// Returns whether one more call may be made to look at the tree, which is wasted if the one cursor goes on.
    pub(super) fn may_look(&self) -> bool {
        number(self.search_calls + self.look_calls + 1) <= self.allowed()
    }

    /// Decides.
    pub(super) fn judge(&self) -> Verdict {
        if self.samples.len() < self.wanted_samples {
            return Verdict::Look;
        }
        let so_far = number(self.one.0 + self.search_calls);
        if so_far + self.waste() * number(self.folders) <= self.allowed() {
            return Verdict::Folders;
        }
        let of_outer = |outer| so_far + number(self.look_calls) + USUAL_WASTE * number(outer);
        if self
            .outer_folders
            .is_some_and(|outer| of_outer(outer) <= self.allowed())
        {
            return Verdict::OuterFolders;
        }
        match self.samples.iter().all(|sample| sample.is_done) {
            true => Verdict::Leave,
            false => Verdict::Look,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree of so many folders of so many entries each, all samples of which have shown at most so many pages.
    fn judge(folders: usize, entries: usize, shown: usize) -> Verdict {
        let pages = entries.div_ceil(2000).min(shown);
        let sample = Sample {
            pages,
            entries: entries.min(pages * 2000),
            is_done: entries <= pages * 2000,
        };
        let tree = Tree {
            one: (20, 40_000),
            search_calls: 2,
            search_entries: folders,
            look_calls: 4 * pages,
            folders,
            outer_folders: None,
            wanted_samples: 4,
            samples: vec![sample; 4],
        };
        tree.judge()
    }

    #[test]
    fn folders_of_several_pages_are_worth_it_if_there_are_many() {
        for (folders, entries, shown, expected) in [
            (100, 10_201, 1, Verdict::Look),
            (100, 10_201, 2, Verdict::Look),
            (100, 10_201, 3, Verdict::Folders),
            (200, 5101, 3, Verdict::Folders),
            (20, 51_001, 4, Verdict::Look),
            (20, 51_001, 8, Verdict::Folders),
            // Two calls for a little more than a page.
            (400, 2551, 2, Verdict::Leave),
            // A call for half a page.
            (1000, 1021, 1, Verdict::Leave),
            (20_000, 51, 1, Verdict::Leave),
            // Full pages, but the one cursor is nearly through.
            (10, 6000, 3, Verdict::Leave),
        ] {
            assert_eq!(
                judge(folders, entries, shown),
                expected,
                "{folders} × {entries}, {shown}"
            );
        }
    }

    #[test]
    fn looking_never_costs_more_than_its_share() {
        let tree = |calls: usize, samples: &[Sample]| Tree {
            one: (16, 32_000),
            search_calls: calls,
            search_entries: 0,
            look_calls: samples.len(),
            folders: 100,
            outer_folders: None,
            wanted_samples: 4,
            samples: samples.to_vec(),
        };
        let small = Sample {
            pages: 1,
            entries: 10,
            is_done: true,
        };
        assert!(tree(2, &[]).may_look());
        assert!(tree(2, &[small]).may_look());
        assert!(!tree(2, &[small; 2]).may_look());
        // A full page of one folder in a hundred promises a hundred pages.
        let full = Sample {
            entries: 2000,
            is_done: false,
            ..small
        };
        assert!(tree(2, &[full; 20]).may_look());
        assert!(!tree(2, &[full; 24]).may_look());
    }

    #[test]
    fn folders_around_small_ones_are_taken_where_they_cost_less() {
        let small = Sample {
            pages: 2,
            entries: 2551,
            is_done: true,
        };
        let tree = Tree {
            one: (24, 48_000),
            search_calls: 6,
            search_entries: 400,
            look_calls: 12,
            folders: 400,
            outer_folders: Some(4),
            wanted_samples: 6,
            samples: vec![small; 6],
        };
        assert_eq!(tree.judge(), Verdict::OuterFolders);
    }
}

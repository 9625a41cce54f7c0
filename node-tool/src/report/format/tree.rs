//! `tree`: a listing as lines and branches.

use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
};

use jiff::tz::TimeZone;

use super::{Item, clock};

/// The order of the items of a folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// By name, byte by byte.
    #[default]
    Name,
    /// The smallest first.
    Size,
    /// The oldest first.
    Time,
    /// Folders first, then by name.
    FoldersFirst,
}

/// What `tree` shows.
#[derive(Clone, Debug)]
pub struct TreeView {
    /// Names that begin with a dot too.
    pub all: bool,
    /// Folders only.
    pub dirs_only: bool,
    /// Whole paths instead of names.
    pub full_path: bool,
    /// Names in quotes.
    pub quote: bool,
    /// Sizes in bytes, a folder's with all that is below.
    pub size: bool,
    /// Times of files.
    pub modified: bool,
    /// Branches.
    pub indent: bool,
    /// The count at the end.
    pub report: bool,
    /// How many folders deep.
    pub level: Option<usize>,
    /// The order of the items of a folder.
    pub sort: Sort,
    /// Whether the order is reversed.
    pub reverse: bool,
    /// Of the times.
    pub zone: TimeZone,
}

impl Default for TreeView {
    fn default() -> Self {
        Self {
            all: false,
            dirs_only: false,
            full_path: false,
            quote: false,
            size: false,
            modified: false,
            indent: true,
            report: true,
            level: None,
            sort: Sort::Name,
            reverse: false,
            zone: TimeZone::UTC,
        }
    }
}

/// What is in each folder.
type Folders<'a> = HashMap<&'a str, Vec<&'a Item>>;

/// A listing while it is drawn.
struct Drawing<'a> {
    view: &'a TreeView,
    folders: Folders<'a>,
    this_year: i64,
    lines: Vec<String>,
    count_folders: usize,
    count_files: usize,
}

impl TreeView {
    /// The lines, without their ends; `now` decides whether a time shows its year.
    pub fn lines(&self, items: &[Item], now: engine::entry::Modified) -> Vec<String> {
        let mut drawing = Drawing {
            view: self,
            folders: self.folders(items),
            this_year: clock::civil(now, &self.zone).year,
            lines: Vec::new(),
            count_folders: 0,
            count_files: 0,
        };
        let size = self.size.then(|| format!("[{}]  ", drawing.folder_size("", 0)));
        let name = if self.quote { "\"/\"" } else { "/" };
        drawing.lines.push(size.unwrap_or_default() + name);
        drawing.folder("", 0, "");
        if self.report {
            let files = if self.dirs_only {
                String::new()
            } else {
                format!(", {} files", drawing.count_files)
            };
            drawing.lines.push(String::new());
            drawing
                .lines
                .push(format!("{} directories{files}", drawing.count_folders));
        }
        drawing.lines
    }

    fn folders<'a>(&self, items: &'a [Item]) -> Folders<'a> {
        let mut folders: Folders<'a> = HashMap::new();
        let mut seen: HashSet<&str> = HashSet::new();
        for item in items {
            let is_hidden = !self.all && item.name().starts_with('.');
            let is_shown = !is_hidden && (item.is_folder || !self.dirs_only);
            if is_shown && seen.insert(&item.path) {
                let folder = item.path.rsplit_once('/').map_or("", |(folder, _)| folder);
                folders.entry(folder).or_default().push(item);
            }
        }
        for items in folders.values_mut() {
            items.sort_by(|a, b| self.order(a, b));
        }
        folders
    }

    fn order(&self, a: &Item, b: &Item) -> Ordering {
        let first = match self.sort {
            Sort::Name => Ordering::Equal,
            Sort::Size => a.size_bytes.cmp(&b.size_bytes),
            Sort::Time => a.modified.cmp(&b.modified),
            Sort::FoldersFirst => b.is_folder.cmp(&a.is_folder),
        };
        let first = if self.reverse { first.reverse() } else { first };
        let by_name = a.name().cmp(b.name());
        // rclone's order of what is equal is that of the listing, by name, whichever way the rest goes.
        first.then(if self.reverse && self.sort == Sort::Name {
            by_name.reverse()
        } else {
            by_name
        })
    }
}

impl Drawing<'_> {
    fn folder(&mut self, path: &str, depth: usize, indent: &str) {
        if self.is_cut(depth) {
            return;
        }
        let items = self.folders.remove(path).unwrap_or_default();
        let count = items.len();
        for (at, item) in items.into_iter().enumerate() {
            let is_last = at + 1 == count;
            let (branch, below) = match (self.view.indent, is_last) {
                (false, _) => ("", ""),
                (true, false) => ("├── ", "│   "),
                (true, true) => ("└── ", "    "),
            };
            let line = format!(
                "{indent}{branch}{}{}",
                self.properties(item, depth + 1),
                self.name(item)
            );
            self.lines.push(line);
            if item.is_folder {
                self.count_folders += 1;
                self.folder(&item.path, depth + 1, &format!("{indent}{below}"));
            } else {
                self.count_files += 1;
            }
        }
    }

    fn is_cut(&self, depth: usize) -> bool {
        self.view.level.is_some_and(|level| depth >= level)
    }

    fn name(&self, item: &Item) -> String {
        let name = if self.view.full_path {
            format!("/{}", item.path)
        } else {
            item.name().to_owned()
        };
        if self.view.quote {
            format!("\"{name}\"")
        } else {
            name
        }
    }

    fn properties(&self, item: &Item, depth: usize) -> String {
        let size = self.view.size.then(|| {
            if item.is_folder {
                self.folder_size(&item.path, depth)
            } else {
                format!("{:>11}", item.size_or_minus_one())
            }
        });
        let time = item.modified.filter(|_| self.view.modified && !item.is_folder);
        let time = time.map(|time| clock::civil(time, &self.view.zone).short(self.this_year));
        let properties: Vec<String> = [size, time].into_iter().flatten().collect();
        if properties.is_empty() {
            String::new()
        } else {
            format!("[{}]  ", properties.join(" "))
        }
    }

    /// Question marks where `level` hides all there might be.
    fn folder_size(&self, path: &str, depth: usize) -> String {
        let (bytes, is_whole) = self.sum(path, depth);
        if bytes == 0 && !is_whole {
            "?".repeat(11)
        } else {
            format!("{bytes:>11}")
        }
    }

    /// The bytes below a folder, and whether `level` hides none.
    fn sum(&self, path: &str, depth: usize) -> (u64, bool) {
        if self.is_cut(depth) {
            return (0, false);
        }
        let mut sum = (0, true);
        for item in self.folders.get(path).into_iter().flatten() {
            let (bytes, is_whole) = if item.is_folder {
                self.sum(&item.path, depth + 1)
            } else {
                (item.size_bytes.unwrap_or(0), true)
            };
            sum = (sum.0 + bytes, sum.1 && is_whole);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::entry::Modified;

    fn items() -> Vec<Item> {
        let file = |path: &str, size_bytes, seconds| Item {
            path: path.into(),
            size_bytes: Some(size_bytes),
            modified: Some(Modified {
                seconds,
                nanoseconds: 0,
            }),
            ..Item::default()
        };
        let folder = |path: &str| Item {
            path: path.into(),
            is_folder: true,
            ..Item::default()
        };
        vec![
            file("b", 4, 86_400 * 400),
            folder("a"),
            file("a/y", 1, 0),
            folder("a/x"),
            file("a/x/z", 2, 0),
            file(".h", 9, 0),
            folder("e"),
        ]
    }

    fn drawn(view: &TreeView) -> String {
        view.lines(
            &items(),
            Modified {
                seconds: 0,
                nanoseconds: 0,
            },
        )
        .join("\n")
    }

    #[test]
    fn a_tree_has_branches() {
        assert_eq!(
            drawn(&TreeView::default()),
            "/\n├── a\n│   ├── x\n│   │   └── z\n│   └── y\n├── b\n└── e\n\n3 directories, 3 files"
        );
        let view = TreeView {
            report: false,
            dirs_only: true,
            indent: false,
            quote: true,
            ..TreeView::default()
        };
        assert_eq!(drawn(&view), "\"/\"\n\"a\"\n\"x\"\n\"e\"");
    }

    #[test]
    fn properties_stand_in_front() {
        let view = TreeView {
            size: true,
            modified: true,
            full_path: true,
            all: true,
            ..TreeView::default()
        };
        assert_eq!(
            drawn(&view),
            "[         16]  /\n├── [          9 Jan 01 00:00]  /.h\n├── [          3]  /a\n\
             │   ├── [          2]  /a/x\n│   │   └── [          2 Jan 01 00:00]  /a/x/z\n\
             │   └── [          1 Jan 01 00:00]  /a/y\n├── [          4 Feb 05  1971]  /b\n\
             └── [          0]  /e\n\n3 directories, 4 files"
        );
    }

    #[test]
    fn levels_and_orders() {
        let view = TreeView {
            level: Some(1),
            size: true,
            sort: Sort::FoldersFirst,
            ..TreeView::default()
        };
        assert_eq!(
            drawn(&view),
            "[          4]  /\n├── [???????????]  a\n├── [???????????]  e\n└── [          4]  b\n\n\
             2 directories, 1 files"
        );
        let top = |sort, reverse| {
            let view = TreeView {
                level: Some(1),
                indent: false,
                report: false,
                sort,
                reverse,
                ..TreeView::default()
            };
            drawn(&view).replace('\n', "")
        };
        assert_eq!(top(Sort::Name, true), "/eba");
        assert_eq!(top(Sort::Size, false), "/aeb");
        assert_eq!(top(Sort::Size, true), "/bae");
    }
}

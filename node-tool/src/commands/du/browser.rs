//! The browser's state: which folder is shown, what is selected, and what a key does. It draws nothing and removes nothing.

use super::totals::{NodeId, Order, Totals};
use crate::report::{
    self,
    browser::{Key, Page, Row},
    format::on_one_line,
};

/// Number of characters of the bar that compares sizes.
const GRAPH_CHARS: u64 = 10;

/// What the keys do.
const HELP: [&str; 10] = [
    "up, down, k, j     select; page up and down, home, end",
    "right, l, enter    open the folder",
    "left, h            back to the folder around it",
    "s, C, n            sort by size, by count, by name",
    "g                  show the bars, or not",
    "c                  show the number of files, or not",
    "d                  delete what is selected, after a question",
    "r                  list everything again",
    "?                  this help",
    "q, escape          quit",
];

/// What the program has to do after a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Only draw.
    Draw,
    /// End.
    Quit,
    /// List everything again.
    Refresh,
    /// Delete this, which was confirmed.
    Delete(NodeId),
}

/// What is shown over the list.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Over {
    Nothing,
    Help,
    Said(String),
    /// Whether to delete this.
    Question(NodeId),
}

/// The state of the browser.
#[derive(Debug)]
pub(super) struct Browser {
    totals: Totals,
    /// What the root is called.
    root: String,
    folder: NodeId,
    rows: Vec<NodeId>,
    selected: usize,
    order: Order,
    /// Whether all that is in the folders is shown, and nothing left out.
    shows_all: bool,
    has_graph: bool,
    has_counts: bool,
    over: Over,
}

impl Browser {
    /// Shows the root of a tree. `shows_all` says whether it has all that is there: of what is not shown, nothing is deleted.
    pub fn new(totals: Totals, root: String, order: Order, shows_all: bool) -> Self {
        let mut browser = Self {
            totals,
            root,
            folder: Totals::ROOT,
            rows: Vec::new(),
            selected: 0,
            order,
            shows_all,
            has_graph: true,
            has_counts: true,
            over: Over::Nothing,
        };
        browser.open(Totals::ROOT, None);
        browser
    }

    /// Returns the tree.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Shows something over the list until the next key.
    pub fn say(&mut self, text: String) {
        self.over = Over::Said(text);
    }

    /// Takes out what was deleted.
    pub fn removed(&mut self, node: NodeId) {
        self.totals.remove(node);
        let selected = self.selected;
        self.open(self.folder, None);
        self.selected = selected.min(self.rows.len().saturating_sub(1));
    }

    /// Shows what was listed again, in the same folder if it is still there.
    pub fn refreshed(&mut self, totals: Totals) {
        let path = self.totals.path(self.folder);
        self.totals = totals;
        let mut folder = Totals::ROOT;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let children = self.totals.children(folder, self.order);
            let found = children.into_iter().find(|id| {
                let node = self.totals.node(*id);
                node.is_folder() && *node.name == *name
            });
            match found {
                Some(found) => folder = found,
                None => break,
            }
        }
        self.open(folder, None);
    }

    /// Does what a key asks for. `height` is the number of rows that are shown.
    pub fn press(&mut self, key: Key, height: usize) -> Action {
        match std::mem::replace(&mut self.over, Over::Nothing) {
            Over::Question(node) => {
                return match key {
                    Key::Char('y') => Action::Delete(node),
                    _ => Action::Draw,
                };
            }
            // Any key but one that quits closes it.
            Over::Help | Over::Said(_) => return Action::Draw,
            Over::Nothing => {}
        }
        let last = self.rows.len().saturating_sub(1);
        match key {
            Key::Up | Key::Char('k') => self.selected = self.selected.saturating_sub(1),
            Key::Down | Key::Char('j') => self.selected = (self.selected + 1).min(last),
            Key::PageUp => self.selected = self.selected.saturating_sub(height),
            Key::PageDown => self.selected = (self.selected + height).min(last),
            Key::Home => self.selected = 0,
            Key::End => self.selected = last,
            Key::Right | Key::Enter | Key::Char('l') => self.enter(),
            Key::Left | Key::Char('h') => self.leave(),
            Key::Char('s') => self.sort(Order::Size),
            Key::Char('C') => self.sort(Order::Count),
            Key::Char('n') => self.sort(Order::Name),
            Key::Char('g') => self.has_graph = !self.has_graph,
            Key::Char('c') => self.has_counts = !self.has_counts,
            Key::Char('?') => self.over = Over::Help,
            Key::Char('d') => {
                if let Some(node) = self.rows.get(self.selected) {
                    self.over = self.question(*node);
                }
            }
            Key::Char('r') => return Action::Refresh,
            Key::Char('q') | Key::Escape => return Action::Quit,
            Key::Char(_) | Key::Other => {}
        }
        Action::Draw
    }

    fn enter(&mut self) {
        if let Some(node) = self.rows.get(self.selected).copied()
            && self.totals.node(node).is_folder()
        {
            self.open(node, None);
        }
    }

    fn leave(&mut self) {
        if let Some(parent) = self.totals.node(self.folder).parent {
            self.open(parent, Some(self.folder));
        }
    }

    fn sort(&mut self, order: Order) {
        self.order = order;
        let selected = self.rows.get(self.selected).copied();
        self.open(self.folder, selected);
    }

    /// Shows a folder, with something in it selected.
    fn open(&mut self, folder: NodeId, selected: Option<NodeId>) {
        self.over = Over::Nothing;
        self.folder = folder;
        self.rows = self.totals.children(folder, self.order);
        let at = selected.and_then(|node| self.rows.iter().position(|row| *row == node));
        self.selected = at.unwrap_or(0);
    }

    /// Returns where something is, as it is shown to a person.
    pub fn shown(&self, node: NodeId) -> String {
        let path = self.totals.path(node);
        match path.as_str() {
            "" => self.root.clone(),
            path if self.root.ends_with([':', '/']) => format!("{}{}", self.root, on_one_line(path)),
            path => format!("{}/{}", self.root, on_one_line(path)),
        }
    }

    /// Returns what is drawn with room for `height` rows.
    pub fn page(&self, height: usize) -> Page {
        // The selected row stays in the middle third where that is possible.
        let most = self.rows.len().saturating_sub(height);
        let first = self.selected.saturating_sub(height / 2).min(most);
        let biggest = self
            .rows
            .iter()
            .map(|row| self.totals.node(*row).size_bytes)
            .max();
        let rows = self.rows.iter().enumerate().skip(first).take(height);
        let all = self.totals.node(self.folder);
        Page {
            path: self.shown(self.folder),
            rows: rows
                .map(|(at, row)| Row {
                    text: self.row(*row, biggest.unwrap_or(0)),
                    is_selected: at == self.selected,
                })
                .collect(),
            footer: format!(
                "{} in {}",
                report::bytes(all.size_bytes),
                report::files(all.files)
            ),
            over: self.over(),
        }
    }

    fn row(&self, node: NodeId, biggest: u64) -> String {
        let node = self.totals.node(node);
        let mut text = format!("{:>11} ", report::bytes(node.size_bytes));
        if self.has_counts {
            text += &format!("{:>9} ", node.files);
        }
        if self.has_graph {
            let full = (node.size_bytes.saturating_mul(GRAPH_CHARS))
                .checked_div(biggest)
                .unwrap_or(0);
            let full = usize::try_from(full).unwrap_or(0);
            let width = usize::try_from(GRAPH_CHARS).unwrap_or(0);
            text += &format!("[{:width$}] ", "#".repeat(full.min(width)));
        }
        let slash = if node.is_folder() { "/" } else { "" };
        text + &on_one_line(&node.name) + slash
    }

    /// Returns the question whether to delete something, or why it is not deleted.
    fn question(&self, node: NodeId) -> Over {
        match self.totals.node(node).is_folder() && !self.shows_all {
            true => Over::Said(format!(
                "{} is not deleted: there may be more in it than is shown here,\n\
                 since filters leave files out, or some could not be listed",
                self.shown(node)
            )),
            false => Over::Question(node),
        }
    }

    fn over(&self) -> Vec<String> {
        match &self.over {
            Over::Nothing => Vec::new(),
            Over::Help => HELP.iter().map(|line| (*line).to_owned()).collect(),
            Over::Said(text) => text.lines().map(str::to_owned).collect(),
            Over::Question(id) => {
                let node = self.totals.node(*id);
                let what = match node.is_folder() {
                    true => format!(
                        "{} and everything in it: {} in {}",
                        self.shown(*id),
                        report::bytes(node.size_bytes),
                        report::files(node.files)
                    ),
                    false => format!("{} ({})", self.shown(*id), report::bytes(node.size_bytes)),
                };
                vec![
                    format!("Delete {what}"),
                    "y deletes it; any other key leaves it".into(),
                ]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::totals::tests::totals, *};

    fn browser() -> Browser {
        let totals = totals(&[
            ("a/x", 3),
            ("a/deep/y", 40),
            ("b", 50),
            ("c/1", 0),
            ("c/2", 1),
            ("c/3", 0),
        ]);
        Browser::new(totals, "dbx:t".into(), Order::Size, true)
    }

    /// The names of the rows, the selected one in brackets.
    fn rows(browser: &Browser, height: usize) -> Vec<String> {
        let page = browser.page(height);
        let name = |row: &Row| {
            let name = row.text.rsplit(' ').next().unwrap_or_default();
            if row.is_selected {
                format!("[{name}]")
            } else {
                name.to_owned()
            }
        };
        page.rows.iter().map(name).collect()
    }

    #[test]
    fn keys_move_through_the_folders() {
        let mut browser = browser();
        assert_eq!(rows(&browser, 9), ["[b]", "a/", "c/"]);
        for (key, expected) in [
            (Key::Down, &["b", "[a/]", "c/"][..]),
            (Key::Enter, &["[deep/]", "x"]),
            (Key::Right, &["[y]"]),
            (Key::Right, &["[y]"]),
            (Key::Left, &["[deep/]", "x"]),
            (Key::Char('h'), &["b", "[a/]", "c/"]),
            (Key::Left, &["b", "[a/]", "c/"]),
            (Key::Char('C'), &["c/", "[a/]", "b"]),
            (Key::Char('n'), &["[a/]", "b", "c/"]),
            (Key::End, &["a/", "b", "[c/]"]),
            (Key::Down, &["a/", "b", "[c/]"]),
            (Key::PageUp, &["[a/]", "b", "c/"]),
        ] {
            assert_eq!(browser.press(key, 9), Action::Draw);
            assert_eq!(rows(&browser, 9), expected, "{key:?}");
        }
        browser.press(Key::End, 2);
        assert_eq!(rows(&browser, 2), ["b", "[c/]"], "it scrolls");
        assert_eq!(browser.press(Key::Escape, 9), Action::Quit);
    }

    #[test]
    fn nothing_is_deleted_without_a_yes() {
        let mut browser = browser();
        for other in [
            Key::Char('n'),
            Key::Enter,
            Key::Escape,
            Key::Char('q'),
            Key::Char('d'),
            Key::Char('Y'),
        ] {
            assert_eq!(browser.press(Key::Char('d'), 9), Action::Draw);
            assert!(browser.page(9).over[0].starts_with("Delete dbx:t/b (50 B)"));
            assert_eq!(browser.press(other, 9), Action::Draw, "{other:?}");
            assert!(browser.page(9).over.is_empty());
        }
        browser.press(Key::Down, 9);
        browser.press(Key::Char('d'), 9);
        let question = &browser.page(9).over[0];
        assert_eq!(question, "Delete dbx:t/a and everything in it: 43 B in 2 files");
        let Action::Delete(node) = browser.press(Key::Char('y'), 9) else {
            panic!("it was confirmed")
        };
        assert_eq!(browser.shown(node), "dbx:t/a");
        browser.removed(node);
        assert_eq!(rows(&browser, 9), ["b", "[c/]"]);
        assert_eq!(browser.page(9).footer, "51 B in 4 files");
    }

    #[test]
    fn a_refresh_stays_in_the_folder() {
        let mut browser = browser();
        browser.press(Key::Down, 9);
        browser.press(Key::Enter, 9);
        assert_eq!(browser.press(Key::Char('r'), 9), Action::Refresh);
        browser.refreshed(totals(&[("a/new", 1), ("b", 1)]));
        assert_eq!(browser.page(9).path, "dbx:t/a");
        assert_eq!(rows(&browser, 9), ["[new]"]);
        browser.refreshed(totals(&[("b", 1)]));
        assert_eq!(browser.page(9).path, "dbx:t");
    }

    #[test]
    fn a_folder_that_is_not_all_shown_is_not_deleted() {
        let mut browser = Browser::new(
            totals(&[("a/x", 3), ("b", 1)]),
            "dbx:t".into(),
            Order::Size,
            false,
        );
        browser.press(Key::Char('d'), 9);
        assert!(browser.page(9).over[0].starts_with("dbx:t/a is not deleted"));
        assert_eq!(browser.press(Key::Char('y'), 9), Action::Draw);
        browser.press(Key::Down, 9);
        browser.press(Key::Char('d'), 9);
        assert!(browser.page(9).over[0].starts_with("Delete dbx:t/b (1 B)"));
    }

    #[test]
    fn an_empty_folder_has_nothing_to_delete() {
        let mut browser = Browser::new(totals(&[]), "dbx:".into(), Order::Size, true);
        assert_eq!(browser.press(Key::Char('d'), 9), Action::Draw);
        assert!(browser.page(9).over.is_empty() && browser.page(9).rows.is_empty());
    }
}

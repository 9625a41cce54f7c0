//! Listings side by side equal those of one cursor, whatever the tree, its pages and its changes; and what they cost.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use proptest::prelude::*;
use rand::{SeedableRng as _, rngs::SmallRng, seq::SliceRandom as _};
use serde_json::{Value, json};

use super::{LARGE, Outcome, Source, side_by_side};
use crate::{
    DropboxPath, Error, Kind,
    api::{error::RouteError, files::ListFolderResult},
    list::{
        Progressed,
        rows::{Collected, Row},
    },
    pages::Page as _,
};

/// How long each call takes, in virtual time.
const CALL: Duration = Duration::from_secs(1);

/// What is at a path: a folder, or a file with the number of its revision.
type Thing = Option<u64>;

/// A change: what is at a path from now on, or that it is gone with all that is below.
#[derive(Clone, Debug)]
enum Edit {
    Put(String, Thing),
    Remove(String),
    Move(String, String),
}

#[derive(Clone, Debug)]
struct Cursor {
    folder: String,
    recursive: bool,
    items: Vec<String>,
    at: usize,
    since: u64,
}

/// A Dropbox in memory, which changes by and by.
struct Model {
    things: RefCell<BTreeMap<String, Thing>>,
    /// The paths of changes, by their numbers: only the last one of each path.
    journal: RefCell<BTreeMap<u64, String>>,
    last_changes: RefCell<HashMap<String, u64>>,
    changes: Cell<u64>,
    cursors: RefCell<Vec<Cursor>>,
    /// Changes to come, one after some calls.
    edits: RefCell<Vec<Edit>>,
    page: usize,
    /// Whether pages are short or empty now and then, and entries come in any order.
    is_odd: bool,
    random: RefCell<SmallRng>,
    calls: Cell<usize>,
    /// Calls for a folder's first page.
    folders: Cell<usize>,
    /// Cursors that are refused from now on.
    is_reset: Cell<bool>,
    width: usize,
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.starts_with('/'))
}

fn refusal(tag: &str) -> Error {
    let body = json!({"error": {".tag": "path", "path": {".tag": tag}}}).to_string();
    Error::Route(RouteError::from_body(body.as_bytes()).unwrap())
}

impl Model {
    fn new(page: usize, is_odd: bool, seed: u64) -> Self {
        Self {
            things: RefCell::default(),
            journal: RefCell::default(),
            last_changes: RefCell::default(),
            changes: Cell::new(0),
            cursors: RefCell::default(),
            edits: RefCell::default(),
            page,
            is_odd,
            random: RefCell::new(SmallRng::seed_from_u64(seed)),
            calls: Cell::new(0),
            folders: Cell::new(0),
            is_reset: Cell::new(false),
            width: 16,
        }
    }

    fn note(&self, path: &str) {
        let number = self.changes.get() + 1;
        self.changes.set(number);
        let before = self.last_changes.borrow_mut().insert(path.to_owned(), number);
        let mut journal = self.journal.borrow_mut();
        before.map(|before| journal.remove(&before));
        journal.insert(number, path.to_owned());
    }

    fn put(&self, path: &str, thing: Thing) {
        if path.is_empty() {
            return;
        }
        if self
            .things
            .borrow()
            .get(parent(path))
            .is_some_and(Option::is_some)
        {
            self.remove(parent(path));
        }
        if !self.things.borrow().contains_key(parent(path)) {
            self.put(parent(path), None);
        }
        let was = self.things.borrow().get(path).copied();
        if was == Some(thing) {
            return;
        }
        if was == Some(None) {
            self.remove(path);
        }
        self.things.borrow_mut().insert(path.to_owned(), thing);
        self.note(path);
    }

    fn remove(&self, path: &str) {
        for path in self.below(path, true) {
            self.things.borrow_mut().remove(&path);
            self.note(&path);
        }
    }

    /// The paths of what is in `folder`, and of itself if it is `recursive`.
    fn below(&self, folder: &str, recursive: bool) -> Vec<String> {
        let things = self.things.borrow();
        let own = recursive && things.contains_key(folder);
        // '0' comes right behind '/'.
        let inside = things.range(format!("{folder}/")..format!("{folder}0"));
        let inside = inside.map(|(path, _)| path.clone());
        let inside = inside.filter(|path| recursive || parent(path) == folder);
        own.then(|| folder.to_owned()).into_iter().chain(inside).collect()
    }

    fn apply(&self, edit: Edit) {
        match edit {
            Edit::Put(path, thing) => self.put(&path, thing),
            Edit::Remove(path) => self.remove(&path),
            Edit::Move(from, to) => {
                if is_below(&to, &from) || to == from {
                    return;
                }
                let moved: Vec<(String, Thing)> = self
                    .below(&from, true)
                    .into_iter()
                    .map(|path| (path.clone(), self.things.borrow()[&path]))
                    .collect();
                self.remove(&from);
                for (path, thing) in moved {
                    self.put(&format!("{to}{}", &path[from.len()..]), thing);
                }
            }
        }
    }

    async fn answer<T>(&self, answer: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        self.calls.set(self.calls.get() + 1);
        tokio::time::sleep(CALL).await;
        let answer = answer();
        if self.random.borrow_mut().random_range(0..4) == 0 {
            let edit = self.edits.borrow_mut().pop();
            edit.into_iter().for_each(|edit| self.apply(edit));
        }
        answer
    }

    fn begin(&self, folder: &str, recursive: bool) -> Result<Cursor, Error> {
        match self.things.borrow().get(folder) {
            _ if folder.is_empty() => {}
            Some(None) => {}
            Some(Some(_)) => return Err(refusal("not_folder")),
            None => return Err(refusal("not_found")),
        }
        let mut items = self.below(folder, recursive);
        if self.is_odd {
            items.shuffle(&mut *self.random.borrow_mut());
        }
        Ok(Cursor {
            folder: folder.to_owned(),
            recursive,
            items,
            at: 0,
            since: self.changes.get(),
        })
    }

    fn entry(&self, path: &str) -> Value {
        let name = path.rsplit('/').next();
        match self.things.borrow().get(path) {
            None => json!({".tag": "deleted", "name": name, "path_lower": path}),
            Some(None) => json!({".tag": "folder", "name": name, "path_lower": path, "id": "id:f"}),
            Some(Some(rev)) => json!({".tag": "file", "name": name, "path_lower": path, "id": "id:1",
                "client_modified": "2020-01-01T00:00:00Z", "rev": format!("{rev:09}"), "size": rev}),
        }
    }

    fn turn(&self, mut cursor: Cursor) -> ListFolderResult {
        let odd = self.is_odd.then(|| self.random.borrow_mut().random_range(0..8));
        let quota = match odd {
            Some(0) => 0,
            Some(1) => self.page / 2 + 1,
            _ => self.page,
        };
        let mut paths = Vec::new();
        while cursor.at < cursor.items.len() && paths.len() < quota {
            let path = cursor.items[cursor.at].clone();
            cursor.at += 1;
            paths.extend(self.things.borrow().contains_key(&path).then_some(path));
        }
        let is_in = |path: &str| match cursor.recursive {
            true => path == cursor.folder || is_below(path, &cursor.folder),
            false => parent(path) == cursor.folder,
        };
        let journal = self.journal.borrow();
        let news = journal.range(cursor.since + 1..).filter(|(_, path)| is_in(path));
        let news: Vec<(&u64, &String)> = news.collect();
        let mut has_more = cursor.at < cursor.items.len() || !news.is_empty();
        if cursor.at == cursor.items.len() {
            let room = quota - paths.len();
            has_more = news.len() > room;
            for (number, path) in news.into_iter().take(room) {
                cursor.since = *number;
                paths.push(path.clone());
            }
        }
        let entries: Vec<Value> = paths.iter().map(|path| self.entry(path)).collect();
        let mut cursors = self.cursors.borrow_mut();
        cursors.push(cursor);
        let page =
            json!({"entries": entries, "cursor": (cursors.len() - 1).to_string(), "has_more": has_more});
        ListFolderResult::read(page.to_string().as_bytes()).unwrap()
    }

    fn entries(&self) -> BTreeSet<(String, Thing)> {
        let things = self.things.borrow();
        things
            .iter()
            .map(|(path, thing)| (path.clone(), *thing))
            .collect()
    }
}

impl Source for Model {
    async fn folder(&self, path: &str, recursive: bool) -> Result<ListFolderResult, Error> {
        self.folders.set(self.folders.get() + 1);
        self.answer(|| Ok(self.turn(self.begin(path, recursive)?))).await
    }

    async fn page(&self, cursor: String) -> Result<ListFolderResult, Error> {
        self.answer(|| {
            let cursor = self.cursors.borrow()[cursor.parse::<usize>().unwrap()].clone();
            match self.is_reset.get() && !cursor.folder.is_empty() {
                true => Err(refusal("reset")),
                false => Ok(self.turn(cursor)),
            }
        })
        .await
    }

    async fn latest(&self) -> Result<String, Error> {
        self.answer(|| {
            let mut cursor = self.begin("", true)?;
            cursor.at = cursor.items.len();
            let mut cursors = self.cursors.borrow_mut();
            cursors.push(cursor);
            Ok((cursors.len() - 1).to_string())
        })
        .await
    }

    fn width(&self) -> usize {
        self.width
    }
}

/// Takes pages up to the last one, or up to `most`. Returns whether the last one has come.
async fn go_on(model: &Model, listed: &mut Progressed, most: usize) -> bool {
    while listed.pages < most {
        let page = model.page(listed.cursor.clone()).await.unwrap();
        let is_last = page.next_cursor().is_none();
        listed.take(page).await.unwrap();
        if is_last {
            return true;
        }
    }
    false
}

async fn first(model: &Model) -> Progressed {
    let mut listed = Progressed::new(Collected::new(&DropboxPath::default()));
    let page = model.folder("", true).await.unwrap();
    listed.take(page).await.unwrap();
    listed
}

/// Lists as the client does. Returns whether it was side by side, too.
async fn list(model: &Model) -> (Progressed, bool) {
    let mut listed = first(model).await;
    if go_on(model, &mut listed, LARGE).await {
        return (listed, false);
    }
    match side_by_side(model, &DropboxPath::default(), listed)
        .await
        .unwrap()
    {
        Outcome::Complete(ended) => (ended, true),
        Outcome::GoOn(mut listed) => {
            go_on(model, &mut listed, usize::MAX).await;
            (listed, false)
        }
    }
}

/// Asks for what changed since.
async fn update(model: &Model, listed: &mut Progressed) {
    listed.check_at = usize::MAX;
    go_on(model, listed, usize::MAX).await;
}

/// What is listed.
fn entries(listed: &mut Progressed) -> BTreeSet<(String, Thing)> {
    listed.collected.settle();
    let thing = |row: &Row<'_>| match &*row.kind {
        Kind::File(file) => Some(file.size_bytes),
        Kind::Folder => None,
    };
    let rows = listed.collected.rows();
    rows.map(|row| (row.path_lower.to_string(), thing(&row)))
        .collect()
}

/// Runs a test in virtual time.
fn play<T>(test: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(test)
}

/// The path of a folder by its number.
type FolderPath = Box<dyn Fn(usize) -> String>;

/// So many folders of so many files, which a path leads to.
fn tree(model: &Model, path: impl Fn(usize) -> String, folders: usize, files: usize) {
    for folder in 0..folders {
        for file in 0..files {
            model.put(&format!("{}/{file}", path(folder)), Some(1));
        }
    }
}

/// Calls and seconds of one cursor, then of what is done instead.
fn costs(model: &Model) -> [(usize, u64); 2] {
    play(async {
        let mut costs = [(0, 0); 2];
        for (at, cost) in costs.iter_mut().enumerate() {
            model.calls.set(0);
            let began = tokio::time::Instant::now();
            let mut listed = match at {
                0 => {
                    let mut listed = first(model).await;
                    go_on(model, &mut listed, usize::MAX).await;
                    listed
                }
                _ => list(model).await.0,
            };
            assert_eq!(entries(&mut listed), model.entries());
            *cost = (model.calls.get(), began.elapsed().as_secs());
        }
        costs
    })
}

#[test]
fn large_trees_take_a_quarter_of_the_time_and_few_more_calls() {
    let trees: [(&str, FolderPath, usize); 5] = [
        (
            "of several pages",
            Box::new(|n| format!("/f{}/d{n}", n % 100)),
            1900,
        ),
        (
            "few of many pages",
            Box::new(|n| format!("/f{}/d{n}", n % 20)),
            1900,
        ),
        (
            "below one folder",
            Box::new(|n| format!("/a/f{}/d{n}", n % 50)),
            1900,
        ),
        (
            "in few folders",
            Box::new(|n| format!("/f{}/g{}/d{n}", n % 5, n % 50)),
            1900,
        ),
        (
            "around small ones",
            Box::new(|n| format!("/f{}/g{}/d{n}", n % 8, n % 160)),
            2080,
        ),
    ];
    for (name, path, folders) in trees {
        let model = Model::new(24, false, 1);
        tree(&model, path, folders, 5);
        let [one, side] = costs(&model);
        assert!(side.0 * 10 <= one.0 * 13, "{name}: {one:?} {side:?}");
        assert!(side.1 * 4 <= one.1, "{name}: {one:?} {side:?}");
    }
}

#[test]
fn trees_that_gain_nothing_cost_little_more_and_no_time() {
    let huge = |n: usize| match n {
        0..900 => format!("/huge/d{n}"),
        _ => format!("/small{n}"),
    };
    let trees: [(&str, FolderPath, usize, usize); 7] = [
        ("flat", Box::new(|_| "/all".to_owned()), 1, 6000),
        ("all in the root", Box::new(|_| String::new()), 1, 6000),
        ("wide", Box::new(|n| format!("/d{n}")), 3000, 1),
        (
            "little more than a page each",
            Box::new(|n| format!("/f{}/d{n}", n % 200)),
            1000,
            5,
        ),
        (
            "half a page each",
            Box::new(|n| format!("/f{}/d{n}", n % 500)),
            1000,
            5,
        ),
        ("deep", Box::new(|n| format!("/d{}", "/e".repeat(n))), 200, 10),
        ("one huge folder", Box::new(huge), 1000, 4),
    ];
    for (name, path, folders, files) in trees {
        for page in [10, 24] {
            let model = Model::new(page, false, 1);
            tree(&model, &path, folders, files);
            let [one, side] = costs(&model);
            assert!(side.0 * 10 <= one.0 * 13, "{name}: {one:?} {side:?}");
            // The one cursor loses a little where it waits for a folder that is nearly everything.
            assert!(side.1 * 100 <= one.1 * 102, "{name}: {one:?} {side:?}");
        }
    }
}

#[test]
fn small_trees_cost_what_they_did() {
    for files in [1, 10, 100, LARGE * 10 - 12] {
        let model = Model::new(10, false, 1);
        tree(&model, |n| format!("/d{n}"), 10, files.div_ceil(10));
        let [one, side] = costs(&model);
        assert!(one.0 <= LARGE, "{one:?}");
        assert_eq!(one, side);
    }
}

#[test]
fn a_cursor_that_is_reset_leaves_it_to_the_one_cursor() {
    let model = Model::new(24, false, 1);
    tree(&model, |n| format!("/f{}/d{n}", n % 100), 1900, 5);
    model.is_reset.set(true);
    let (mut listed, is_side) = play(list(&model));
    assert!(!is_side && model.calls.get() > listed.pages);
    assert_eq!(entries(&mut listed), model.entries());
}

#[test]
fn what_moves_between_folders_meanwhile_is_listed_once() {
    for seed in 0..4 {
        let model = Model::new(24, seed % 2 == 0, seed);
        tree(&model, |n| format!("/f{}/d{n}", n % 100), 1900, 5);
        for _ in 0..300 {
            let mut random = model.random.borrow_mut();
            let (from, to, number) = (
                random.random_range(0..100),
                random.random_range(0..100),
                random.random_range(0..1900),
            );
            model.edits.borrow_mut().push(match number % 10 {
                0 => Edit::Move(format!("/f{from}"), format!("/f{to}")),
                1 => Edit::Remove(format!("/f{from}/d{number}")),
                2 => Edit::Put(format!("/f{from}"), Some(7)),
                _ => Edit::Move(
                    format!("/f{}/d{number}", number % 100),
                    format!("/f{to}/d{number}"),
                ),
            });
        }
        play(async {
            let (mut listed, is_complete) = list(&model).await;
            assert!(
                is_complete && model.folders.get() > 50,
                "{} folders, {is_complete}",
                model.folders.get()
            );
            update(&model, &mut listed).await;
            std::mem::take(&mut *model.edits.borrow_mut());
            update(&model, &mut listed).await;
            assert_eq!(entries(&mut listed), model.entries());
        });
    }
}

/// Paths of few names, so that changes meet.
fn any_path() -> impl Strategy<Value = String> {
    prop::collection::vec(0..12_u8, 1..4)
        .prop_map(|names| names.iter().map(|name| format!("/{name}")).collect())
}

fn any_edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (any_path(), prop::option::of(2..9_u64)).prop_map(|(path, thing)| Edit::Put(path, thing)),
        any_path().prop_map(Edit::Remove),
        (any_path(), any_path()).prop_map(|(from, to)| Edit::Move(from, to)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_listed_while_it_changes_is_what_is_there_at_the_end(
        seed in any::<u64>(),
        page in 3..12_usize,
        is_odd in any::<bool>(),
        edits in prop::collection::vec(any_edit(), 0..60),
        later in prop::collection::vec(any_edit(), 0..20),
    ) {
        let model = Model::new(page, is_odd, seed);
        tree(&model, |n| format!("/{}/{}", n % 12, n), 144, 6);
        tree(&model, |n| format!("/{}/{}/{}", n % 12, n % 11, n % 10), 200, 2);
        *model.edits.borrow_mut() = edits;
        play(async {
            let (mut listed, _) = list(&model).await;
            std::mem::take(&mut *model.edits.borrow_mut());
            update(&model, &mut listed).await;
            prop_assert_eq!(&entries(&mut listed), &model.entries());
            let (number, before) = (model.changes.get(), listed.entries);
            later.iter().for_each(|edit| model.apply(edit.clone()));
            let changed = model.journal.borrow().range(number + 1..).count();
            update(&model, &mut listed).await;
            prop_assert_eq!(listed.entries, before + changed);
            prop_assert_eq!(&entries(&mut listed), &model.entries());
            Ok(())
        })?;
    }
}

//! Cuts the copies of a plan into units, which one worker carries out at a time, and gives each of several parts its fair share of
//! them. Pure and the same in every process, so that workers need not talk about it.

use std::collections::HashMap;

use super::{Step, file::Together};
use crate::relative_path::{ancestors, fold, is_within};

/// What a file costs besides its bytes, in bytes that could be sent in that time: a part of many small files takes as long as one
/// of a few big ones.
const FILE_COST_BYTES: u64 = 128 << 10;
/// Maximum weight of a unit that can be cut further: what a worker loses at most when a slow one holds it.
const MAX_UNIT_WEIGHT: u64 = 512 << 20;
/// Minimum number of units that a plan is cut into, if it has that many files, so that many workers get something to do.
const MIN_UNITS: u64 = 256;

/// Copies that one worker carries out together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// The places of its steps in the list of copies.
    pub steps: Vec<usize>,
    /// Bytes of their files.
    pub bytes: u64,
}

impl Unit {
    /// Returns how much work it is: bytes, and a number of bytes for each file.
    fn weight(&self) -> u64 {
        weight(self.bytes, self.steps.len())
    }

    fn add(&mut self, other: Self) {
        self.steps.extend(other.steps);
        self.bytes += other.bytes;
    }
}

fn weight(bytes: u64, files: usize) -> u64 {
    bytes.saturating_add(FILE_COST_BYTES.saturating_mul(files as u64))
}

/// Cuts copies into units: a group of files that travel as one is never divided, and no unit has files of two namespaces of the
/// target, whose commits take turns. The units of one namespace follow each other, in the order of the copies.
pub fn units(copies: &[Step], together: &Together) -> Vec<Unit> {
    let namespaces = Namespaces::new(together);
    let mut order: Vec<Vec<Unit>> = Vec::new();
    let mut queues: HashMap<Option<&str>, usize> = HashMap::new();
    for (atom, namespace) in atoms(copies, together, &namespaces) {
        let at = *queues.entry(namespace).or_insert_with(|| {
            order.push(Vec::new());
            order.len() - 1
        });
        order[at].push(atom);
    }
    let total = order
        .iter()
        .flatten()
        .map(Unit::weight)
        .fold(0, u64::saturating_add);
    let max = (total / MIN_UNITS).clamp(1, MAX_UNIT_WEIGHT);
    order.into_iter().flat_map(|atoms| pack(atoms, max)).collect()
}

/// Joins what can't be divided into units of at most `max`, or of one such thing.
fn pack(atoms: Vec<Unit>, max: u64) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    for atom in atoms {
        match units.last_mut() {
            Some(unit) if unit.weight().saturating_add(atom.weight()) <= max => unit.add(atom),
            _ => units.push(atom),
        }
    }
    units
}

/// Returns what can't be divided: groups, where their first file is, and single files; each with its namespace.
fn atoms<'a>(
    copies: &[Step],
    together: &'a Together,
    namespaces: &Namespaces<'a>,
) -> Vec<(Unit, Option<&'a str>)> {
    let groups: HashMap<&str, usize> = together
        .groups
        .iter()
        .enumerate()
        .map(|(at, group)| (group.path.as_str(), at))
        .collect();
    let is_all = groups.contains_key("");
    let group_of = |path: &str| match is_all {
        true => groups.get("").copied(),
        false => ancestors(path).find_map(|folder| groups.get(folder).copied()),
    };
    let mut places: HashMap<usize, usize> = HashMap::new();
    let mut atoms: Vec<(Unit, Option<&str>)> = Vec::new();
    for (at, step) in copies.iter().enumerate() {
        let one = Unit {
            steps: vec![at],
            bytes: step.meta.size_bytes,
        };
        let group = group_of(&step.from);
        match group.and_then(|group| places.get(&group)) {
            Some(place) => atoms[*place].0.add(one),
            None => {
                places.extend(group.map(|group| (group, atoms.len())));
                atoms.push((one, namespaces.of(&step.to)));
            }
        }
    }
    atoms
}

/// The namespaces of a target.
struct Namespaces<'a>(Vec<(String, &'a str)>);

impl<'a> Namespaces<'a> {
    fn new(together: &'a Together) -> Self {
        let mut all: Vec<(String, &str)> = together
            .namespaces
            .iter()
            .map(|namespace| (fold(&namespace.path).into_owned(), namespace.id.as_str()))
            .collect();
        // The innermost counts.
        all.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        Self(all)
    }

    /// Returns the innermost one around a path. `None` is that of the target itself.
    fn of(&self, path: &str) -> Option<&'a str> {
        if self.0.is_empty() {
            return None;
        }
        let path = fold(path);
        let around = |(folder, _): &&(String, &str)| path != folder.as_str() && is_within(&path, folder);
        self.0.iter().find(around).map(|(_, id)| *id)
    }
}

/// One of several parts of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    index: u32,
    count: u32,
}

impl Part {
    /// Returns a part: the `index`th of `count`, counted from 0. `None` if there is no such part.
    pub fn new(index: u32, count: u32) -> Option<Self> {
        (index < count).then_some(Self { index, count })
    }

    /// Returns which part it is, counted from 0.
    pub fn index(self) -> u32 {
        self.index
    }

    /// Returns how many parts there are.
    pub fn count(self) -> u32 {
        self.count
    }

    /// Returns the units of this part, by their places: units that follow each other, of about the same weight in each part. Each
    /// unit is in exactly one of the parts.
    pub fn of(self, units: &[Unit]) -> std::ops::Range<usize> {
        let total: u128 = units.iter().map(|unit| u128::from(unit.weight())).sum();
        let mut before = 0_u128;
        let mut range: Option<std::ops::Range<usize>> = None;
        for (at, unit) in units.iter().enumerate() {
            let own = u128::from(unit.weight());
            // A unit is in the part in which its middle lies.
            let part = (2 * before + own) * u128::from(self.count) / (2 * total).max(1);
            if part == u128::from(self.index) {
                range.get_or_insert(at..at).end = at + 1;
            }
            before += own;
        }
        range.unwrap_or(0..0)
    }
}

/// Shown as a person would type it: `1/4` is the first of four.
impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index + 1, self.count)
    }
}

impl std::str::FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(index, count)| {
            let index: u32 = index.parse().ok()?;
            Self::new(index.checked_sub(1)?, count.parse().ok()?)
        });
        numbers.ok_or_else(|| "give a part such as 1/4, the first of four".into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        entry::FileMeta,
        plan::{
            CopyReason, StepKind,
            file::{Group, Namespace},
        },
    };

    fn copy(path: &str, size_bytes: u64) -> Step {
        let meta = FileMeta {
            size_bytes,
            ..FileMeta::default()
        };
        Step::new(StepKind::Copy(CopyReason::New), path, path, meta)
    }

    fn group(path: &str) -> Group {
        Group {
            path: path.into(),
            files: 0,
            entries: 0,
            bytes: 0,
        }
    }

    fn namespace(path: &str) -> Namespace {
        Namespace {
            path: path.into(),
            id: path.into(),
        }
    }

    fn copies() -> impl Strategy<Value = Vec<Step>> {
        let name = prop::sample::select(vec!["a", "b", "c"]);
        let path = prop::collection::vec(name, 1..4).prop_map(|names| names.join("/"));
        let size = prop_oneof![3 => 0_u64..100_000, 1 => 0_u64..(2 << 30)];
        let file = (path, size).prop_map(|(path, size)| copy(&path, size));
        prop::collection::vec(file, 0..600)
    }

    fn together() -> impl Strategy<Value = Together> {
        let apart = prop::sample::subsequence(vec!["a/b", "b", "c/a"], 0..=3);
        let groups = prop_oneof![4 => apart, 1 => Just(vec![""])];
        let namespaces = prop::sample::subsequence(vec!["a", "a/B", "c"], 0..=3);
        (groups, namespaces).prop_map(|(groups, namespaces)| Together {
            groups: groups.into_iter().map(group).collect(),
            namespaces: namespaces.into_iter().map(namespace).collect(),
        })
    }

    proptest! {
        #[test]
        fn units_are_disjoint_and_complete(copies in copies(), together in together()) {
            let units = units(&copies, &together);
            let mut all: Vec<usize> = units.iter().flat_map(|unit| unit.steps.clone()).collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..copies.len()).collect::<Vec<_>>());
            for unit in &units {
                let bytes: u64 = unit.steps.iter().map(|at| copies[*at].meta.size_bytes).sum();
                prop_assert_eq!(unit.bytes, bytes);
            }
        }

        #[test]
        fn parts_are_disjoint_complete_and_fair(
            copies in copies(),
            together in together(),
            count in 1_u32..20,
        ) {
            let units = units(&copies, &together);
            let part = |index| Part::new(index, count).unwrap().of(&units);
            let all: Vec<usize> = (0..count).flat_map(part).collect();
            prop_assert_eq!(all, (0..units.len()).collect::<Vec<_>>());
            let total: u64 = units.iter().map(Unit::weight).sum();
            let largest = units.iter().map(Unit::weight).max().unwrap_or(0);
            for index in 0..count {
                let own: u64 = units[part(index)].iter().map(Unit::weight).sum();
                prop_assert!(own <= total / u64::from(count) + largest + 1, "{} of {}", own, total);
            }
        }

        #[test]
        fn groups_stay_whole_and_namespaces_apart(copies in copies(), together in together()) {
            let units = units(&copies, &together);
            let namespaces = Namespaces::new(&together);
            for group in &together.groups {
                let has = |unit: &&Unit| unit.steps.iter().any(|at| is_within(&copies[*at].from, &group.path));
                let around = |step: &Step| ancestors(&step.from).any(|folder| folder == group.path);
                if copies.iter().any(around) && !copies.iter().any(|step| *step.from == *group.path) {
                    prop_assert_eq!(units.iter().filter(has).count(), 1, "{}", &group.path);
                }
            }
            if together.groups.is_empty() {
                for unit in &units {
                    let mut own = unit.steps.iter().map(|at| namespaces.of(&copies[*at].to));
                    let first = own.next();
                    prop_assert!(own.all(|other| Some(other) == first));
                }
            }
        }
    }

    #[test]
    fn many_small_files_weigh_as_much_as_a_few_big_ones() {
        let small = (0..8192).map(|n| copy(&format!("small/{n}"), 10));
        let big = (0..8).map(|n| copy(&format!("big/{n}"), 128 << 20));
        let copies: Vec<Step> = big.chain(small).collect();
        let units = units(&copies, &Together::default());
        assert!(units.len() >= 100, "{}", units.len());
        let first = Part::new(0, 2).unwrap().of(&units);
        let files: usize = units[first].iter().map(|unit| unit.steps.len()).sum();
        assert!((8..40).contains(&files), "{files}");
    }

    #[test]
    fn namespaces_of_one_size_go_to_different_parts() {
        let copies: Vec<Step> = ["a", "b"]
            .iter()
            .flat_map(|folder| (0..100).map(move |n| copy(&format!("{folder}/{n}"), 10)))
            .collect();
        let together = Together {
            namespaces: vec![namespace("A"), namespace("b")],
            ..Together::default()
        };
        let units = units(&copies, &together);
        for (index, folder) in ["a/", "b/"].iter().enumerate() {
            let range = Part::new(u32::try_from(index).unwrap(), 2).unwrap().of(&units);
            let mut steps = units[range].iter().flat_map(|unit| &unit.steps);
            assert!(steps.all(|at| copies[*at].to.starts_with(folder)), "{folder}");
        }
    }

    #[test]
    fn parts_are_typed_from_one_on() {
        for (text, part) in [
            ("1/4", Part::new(0, 4)),
            ("4/4", Part::new(3, 4)),
            ("0/4", None),
            ("5/4", None),
            ("1/0", None),
            ("1", None),
            ("-1/4", None),
            ("1/4294967296", None),
        ] {
            assert_eq!(text.parse().ok(), part, "{text}");
            if let Some(part) = part {
                assert_eq!(part.to_string(), text);
            }
        }
    }
}

//! Makes a round that goes wrong as small as it can be.

use super::case::{Case, Node, Tree};

/// The most rounds that are tried.
const TRIES: usize = 150;

/// The smallest case found for which `still_wrong` holds.
///
/// # Errors
/// When a round can't be played.
pub fn shrink(
    case: Case,
    mut still_wrong: impl FnMut(&Case) -> anyhow::Result<bool>,
) -> anyhow::Result<Case> {
    let (mut best, mut tries) = (case, 0);
    loop {
        let mut is_smaller = false;
        for candidate in simpler(&best) {
            tries += 1;
            if tries > TRIES {
                return Ok(best);
            }
            if still_wrong(&candidate)? {
                (best, is_smaller) = (candidate, true);
                break;
            }
        }
        if !is_smaller {
            return Ok(best);
        }
    }
}

/// Cases with one thing less.
fn simpler(case: &Case) -> Vec<Case> {
    let mut out = Vec::new();
    let mut with = |change: &dyn Fn(&mut Case)| {
        let mut new = case.clone();
        change(&mut new);
        if new != *case {
            out.push(new);
        }
    };
    for at in 0..case.flags.len() {
        with(&|new| drop(new.flags.remove(at)));
    }
    with(&|new| new.target = None);
    for path in case.source.keys() {
        with(&|new| drop(new.source.remove(path)));
    }
    for path in case.target.iter().flat_map(Tree::keys) {
        with(&|new| {
            if let Some(target) = &mut new.target {
                target.remove(path);
            }
        });
    }
    let plain = Node::File {
        text: "x".into(),
        time: 1_500_000_000,
    };
    for (path, node) in &case.source {
        if !matches!(node, Node::Folder) {
            with(&|new| drop(new.source.insert(path.clone(), plain.clone())));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Verb, Way};

    #[test]
    fn what_does_not_matter_goes() {
        let file = |text: &str| Node::File {
            text: text.into(),
            time: 7,
        };
        let case = Case {
            verb: Verb::Sync,
            way: Way::Up,
            source: Tree::from([("a".into(), file("long")), ("b".into(), file("b"))]),
            target: Some(Tree::from([("c".into(), Node::Folder)])),
            flags: vec![vec!["--checksum".into()], vec!["--update".into()]],
            after_ms: 0,
        };
        let small = shrink(case, |case| {
            Ok(case.source.contains_key("b") && case.has("--update"))
        })
        .unwrap();
        assert_eq!(small.flags, [["--update"]]);
        assert_eq!(small.target, None);
        assert_eq!(small.source.keys().collect::<Vec<_>>(), ["b"]);
    }
}

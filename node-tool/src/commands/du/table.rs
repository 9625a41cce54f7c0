//! What is in each folder, as lines or JSON.

use serde::Serialize;

use super::totals::{NodeId, Order, Totals};
use crate::report::{self, format::on_one_line};

/// A line of the JSON.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Line {
    path: String,
    is_dir: bool,
    bytes: u64,
    count: u64,
}

/// Returns a line for each file and folder down to `depth`, each folder before what is in it, and one for all. `root` is what that
/// is called.
pub(super) fn lines(totals: &Totals, (depth, order): (usize, Order), root: &str) -> Vec<String> {
    let line = |id: NodeId, shown: &str| {
        let node = totals.node(id);
        format!(
            "{:>11} {:>9} {}",
            report::bytes(node.size_bytes),
            node.files,
            shown
        )
    };
    let mut out = Vec::new();
    walk(totals, Totals::ROOT, (depth, order), &mut |id| {
        let slash = if totals.node(id).is_folder() { "/" } else { "" };
        out.push(line(id, &format!("{}{slash}", on_one_line(&totals.path(id)))));
    });
    out.push(line(Totals::ROOT, root));
    out
}

/// Returns the same as lines of a JSON list; the one for all has an empty path and comes last.
pub(super) fn json(totals: &Totals, (depth, order): (usize, Order)) -> Vec<String> {
    let line = |id: NodeId| {
        let node = totals.node(id);
        let line = Line {
            path: totals.path(id),
            is_dir: node.is_folder(),
            bytes: node.size_bytes,
            count: node.files,
        };
        serde_json::to_string(&line).unwrap_or_default()
    };
    let mut out = vec!["[".to_owned()];
    walk(totals, Totals::ROOT, (depth, order), &mut |id| {
        out.push(line(id) + ",")
    });
    out.push(line(Totals::ROOT));
    out.push("]".to_owned());
    out
}

fn walk(totals: &Totals, folder: NodeId, (depth, order): (usize, Order), each: &mut dyn FnMut(NodeId)) {
    if depth == 0 {
        return;
    }
    for id in totals.children(folder, order) {
        each(id);
        if totals.node(id).is_folder() {
            walk(totals, id, (depth - 1, order), each);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::totals::tests::totals, *};

    #[test]
    fn lines_are_sorted_and_end_with_all() {
        let totals = totals(&[("a/x", 3 << 20), ("a/y\nz", 1), ("b", 1 << 30)]);
        assert_eq!(
            lines(&totals, (1, Order::Size), "dbx:t"),
            [
                "   1.00 GiB         1 b",
                "   3.00 MiB         2 a/",
                "   1.00 GiB         3 dbx:t",
            ]
        );
        assert_eq!(lines(&totals, (9, Order::Name), "dbx:t").len(), 5);
        assert_eq!(
            lines(&totals, (9, Order::Name), "dbx:t")[2],
            "        1 B         1 a/y␊z"
        );
        assert_eq!(
            json(&totals, (1, Order::Name)),
            [
                "[",
                r#"{"path":"a","is_dir":true,"bytes":3145729,"count":2},"#,
                r#"{"path":"b","is_dir":false,"bytes":1073741824,"count":1},"#,
                r#"{"path":"","is_dir":true,"bytes":1076887553,"count":3}"#,
                "]"
            ]
        );
    }
}

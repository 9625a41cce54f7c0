//! What differs from rclone and is to differ, in one table.

use super::{
    case::{Case, Node, Verb, Way},
    play::Complaint,
};

/// A wanted difference.
pub struct Known {
    /// Why it is wanted.
    pub why: &'static str,
    /// Whether it explains a complaint.
    pub explains: fn(&Case, &Complaint) -> bool,
}

/// All of them.
pub const KNOWN: &[Known] = &[
    Known {
        why: "an empty source is an unmounted disk more often than a wish: sync deletes nothing then, and says what to type",
        explains: |case, complaint| {
            case.verb == Verb::Sync && complaint.said("is empty; nothing was deleted")
        },
    },
    Known {
        why: "rclone can't send names with combining characters: its header isn't ASCII",
        explains: |_, complaint| {
            complaint.said("Dropbox-API-Arg\": could not decode input as JSON: it must be ASCII")
        },
    },
    Known {
        why: "rclone moves a file into its backup twice, where only its time is to be set",
        explains: |case, complaint| {
            (case.has("--suffix") || case.has("--backup-dir"))
                && complaint.said("Couldn't move: move failed: from_lookup/not_found")
        },
    },
    Known {
        why: "flags that contradict each other are refused; rclone takes one of them",
        explains: |_, complaint| complaint.said("cannot be used with"),
    },
    Known {
        why: "check says that a place is not there, also where nothing would be compared",
        explains: |case, complaint| {
            case.verb == Verb::Check && case.target.is_none() && matches!(complaint, Complaint::Exit { .. })
        },
    },
    Known {
        why: "tree counts the folders that it shows; rclone leaves out those in which a filter leaves nothing",
        explains: |case, complaint| {
            let shown = |out: &str| out.lines().rev().skip(1).map(str::to_owned).collect::<Vec<_>>();
            matches!(complaint, Complaint::Printed { theirs, ours } if case.verb == Verb::Tree && shown(theirs) == shown(ours))
        },
    },
    Known {
        why: "what a filter leaves out of the source for a reason that lies in the source (its size, a marker in its folder) is left \
              alone in the target; rclone judges each side for itself, and deletes",
        explains: |case, complaint| {
            let one_sided = ["--min-size", "--max-size", "--exclude-if-present"]
                .iter()
                .any(|flag| case.has(flag));
            case.verb == Verb::Sync
                && one_sided
                && matches!(complaint, Complaint::Tree { .. } | Complaint::Exit { .. })
        },
    },
    Known {
        why: "check compares what sync would: what a filter leaves out of one side alone is no difference there; rclone judges each side \
              for itself",
        explains: |case, complaint| {
            let one_sided = ["--min-size", "--max-size", "--exclude-if-present"]
                .iter()
                .any(|flag| case.has(flag));
            case.verb == Verb::Check
                && one_sided
                && matches!(complaint, Complaint::Printed { .. } | Complaint::Exit { .. })
        },
    },
    Known {
        why: "--delete-excluded never deletes what the source has beyond --max-depth",
        explains: |case, complaint| {
            case.has("--delete-excluded")
                && case.has("--max-depth")
                && matches!(complaint, Complaint::Tree { .. })
        },
    },
    Known {
        why: "a backup is never overwritten or deleted by the run that keeps it, nor are backups of before synced away",
        explains: |case, complaint| {
            (case.has("--suffix") || case.has("--backup-dir"))
                && case.verb == Verb::Sync
                && matches!(complaint, Complaint::Tree { .. })
        },
    },
    Known {
        why: "before a source is removed its content is proven to be in the target: what a flag leaves unsent, and what only looks the \
              same, stays in the source",
        explains: |case, complaint| {
            let leaves = ["--ignore-existing", "--immutable", "--update", "--size-only"]
                .iter()
                .any(|flag| case.has(flag));
            let is_move = matches!(case.verb, Verb::Move | Verb::KilledMove);
            is_move && (leaves || looks_the_same(case)) && !matches!(complaint, Complaint::Broken { .. })
        },
    },
    Known {
        why: "exit codes say whether a repetition helps: 5 if it does, 6 if it never will; rclone says 1",
        explains: |_, complaint| {
            matches!(
                complaint,
                Complaint::Exit {
                    theirs: 1,
                    ours: 5 | 6,
                    ..
                }
            )
        },
    },
    Known {
        why: "where only the time differs the content decides, and the time stays as it is; rclone sends the file again, or, with a \
              hash, sets the time by sending it again",
        explains: |case, complaint| {
            case.verb.transfers()
                && matches!(
                    complaint,
                    Complaint::Tree {
                        is_only_time: true,
                        ..
                    }
                )
        },
    },
    Known {
        why: "between two folders of a Dropbox a folder that is moved as a whole keeps its empty folders",
        explains: |case, complaint| {
            case.way == Way::Across
                && case.verb.empties_source()
                && matches!(
                    complaint,
                    Complaint::Tree {
                        is_only_folders: true,
                        ..
                    }
                )
        },
    },
];

/// Whether a file differs from its target in nothing but its content.
fn looks_the_same(case: &Case) -> bool {
    let target = |path: &String| case.target.as_ref().and_then(|target| target.get(path));
    case.source.iter().any(|(path, node)| match (node, target(path)) {
        (
            Node::File { text, time },
            Some(Node::File {
                text: other,
                time: then,
            }),
        ) => text != other && text.len() == other.len() && (time - then).abs() <= 1,
        _ => false,
    })
}

/// Why a complaint is none, if it isn't.
pub fn why(case: &Case, complaint: &Complaint) -> Option<&'static str> {
    KNOWN
        .iter()
        .find(|known| (known.explains)(case, complaint))
        .map(|known| known.why)
}

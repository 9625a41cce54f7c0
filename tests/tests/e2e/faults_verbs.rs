//! The same for what copies no files: links, sharing, teams, and what was. Every route that such a verb calls, with every way to go
//! wrong: it ends as without the fault, or in words, and once more it is as without the fault.

use std::fmt::Write as _;

use sandbox::{Fault, Kind, Sandbox};
use serde_json::{Value, json};
use tests::test_env::{Output, TestEnv};

use crate::faults::{End, all, kinds};

/// Calls that a single fault may cost.
const MORE_CALLS: usize = 40;
const BOB: &str = "bob@example.org";

/// What is typed, after what, and whether doing it twice is the same as doing it once.
#[derive(Clone, Copy, Debug)]
struct Verb {
    words: &'static [&'static str],
    /// What is typed before, to prepare.
    before: &'static [&'static str],
    is_repeatable: bool,
}

const fn reads(words: &'static [&'static str]) -> Verb {
    Verb {
        words,
        before: &[],
        is_repeatable: true,
    }
}

const VERBS: [Verb; 14] = [
    reads(&["link", "dbx:p/a", "--expire", "7d"]),
    Verb {
        before: &["link", "dbx:p/a"],
        ..reads(&["link", "dbx:p/a", "--audience", "members"])
    },
    reads(&["link", "list", "dbx:"]),
    reads(&["link", "list", "dbx:p"]),
    reads(&["link", "info", "LINK"]),
    Verb {
        before: &["link", "dbx:p/a"],
        is_repeatable: false,
        ..reads(&["link", "revoke", "dbx:p/a"])
    },
    reads(&["lsf", "-R", "LINK"]),
    reads(&["cat", "LINK//x"]),
    reads(&["shared", "list", "dbx:"]),
    Verb {
        is_repeatable: false,
        ..reads(&["shared", "mount", "dbx:{Lab}"])
    },
    Verb {
        before: &["shared", "mount", "dbx:{Lab}"],
        is_repeatable: false,
        ..reads(&["shared", "unmount", "dbx:{Lab}"])
    },
    reads(&["lsf", "-R", "--deleted", "--format", "psb", "dbx:p"]),
    reads(&["revisions", "dbx:p/a"]),
    Verb {
        is_repeatable: false,
        ..reads(&["restore", "dbx:p", "--as-of", "THEN", "--yes"])
    },
];

const TEAM_VERBS: [Verb; 3] = [
    reads(&["about", "dbx:", "--as-member", BOB]),
    reads(&["lsf", "-R", "dbx:", "--as-member", BOB]),
    reads(&["lsf", "dbx:/", "--as-member", BOB]),
];

struct Case {
    verb: Verb,
    route: String,
    kind: Kind,
    end: End,
    calls: usize,
    /// The number of lines that it prints without a fault.
    lines: usize,
}

impl Verb {
    fn is_of_team(self) -> bool {
        self.words.contains(&BOB)
    }

    /// An environment, and what is to be typed in it.
    fn prepare(self) -> anyhow::Result<(TestEnv, Vec<String>)> {
        let env = match self.is_of_team() {
            true => TestEnv::with(Sandbox::builder().team_app())?,
            false => TestEnv::new()?,
        };
        let mut link = String::new();
        let mut then = String::new();
        if self.is_of_team() {
            env.sandbox.add_member("Bob", "Leaver", BOB);
            env.sandbox.put_file_of(BOB, "/data/x", b"bob's")?;
            env.connect_with("dbx", &["--team"])?;
        } else {
            env.connect("dbx")?;
            for path in ["/p/a", "/p/b"] {
                env.sandbox.put_file(path, b"old", None)?;
            }
            env.sandbox.put_file_of_other("/out/x", b"x", None)?;
            link = env.sandbox.publish("/out", &Value::Null, false)?;
            env.sandbox.share_folder_of_other("/Lab", false)?;
            then = env.sandbox.now();
            env.sandbox.advance(std::time::Duration::from_secs(3600));
            env.sandbox.put_file("/p/a", b"new", None)?;
            env.sandbox.remove("/p/b")?;
        }
        if !self.before.is_empty() {
            env.node_tool(self.before)?.ok()?;
        }
        let typed = self
            .words
            .iter()
            .map(|word| word.replace("LINK", &link).replace("THEN", &then));
        let typed = typed.collect();
        env.sandbox.reset_calls();
        Ok((env, typed))
    }
}

fn run(env: &TestEnv, words: &[String]) -> anyhow::Result<Output> {
    let flags = ["--low-level-retries", "4"].map(str::to_owned);
    env.node_tool(words.iter().chain(&flags))
}

/// The number of lines on stdout: what is in them is another thing in each sandbox.
fn printed(output: &Output) -> usize {
    output.out.lines().count()
}

/// What is wrong with how a case ended; nothing if all is as it should be.
fn play(case: &Case) -> anyhow::Result<String> {
    let (env, words) = case.verb.prepare()?;
    let expected = case.lines;
    env.sandbox.fault(Fault::on(&case.route, case.kind.clone()));
    let said = run(&env, &words)?;
    let made = env.sandbox.calls().len();
    env.sandbox.clear_faults();
    let mut wrong = String::new();
    let is_said = said.err.contains("error: ") && (said.err.contains("next: ") || said.err.contains("why: "));
    if said.code != 0 && !is_said {
        let _ = writeln!(wrong, "  exit code {} without words", said.code);
    }
    if said.code == 0 && printed(&said) != expected {
        let _ = writeln!(wrong, "  all is well, and it printed:\n{}", said.out);
    }
    let is_passing = !matches!(case.kind, Kind::Flip | Kind::ResetCursors | Kind::Revoke);
    // What may have been done is not done once more unseen.
    let may_be_done = matches!(
        case.kind,
        Kind::CutAfter | Kind::Truncate | Kind::Garbage | Kind::Portal
    );
    if case.end == End::Well && is_passing && said.code != 0 && (case.verb.is_repeatable || !may_be_done) {
        let _ = writeln!(wrong, "  exit code {}", said.code);
    }
    if made > case.calls + MORE_CALLS {
        let _ = writeln!(wrong, "  {made} calls instead of {}", case.calls);
    }
    if case.end != End::LoggedOut && case.verb.is_repeatable {
        let again = run(&env, &words)?;
        if again.code != 0 || printed(&again) != expected {
            let _ = writeln!(
                wrong,
                "  once more: exit code {}\n{}{}",
                again.code, again.out, again.err
            );
        }
    }
    Ok(match wrong.is_empty() {
        true => wrong,
        false => format!(
            "{:?}, {}, {}:\n{wrong}{}",
            case.verb.words,
            case.route,
            json!(case.kind),
            said.err
        ),
    })
}

#[test]
fn every_fault_of_a_verb_that_copies_nothing_ends_well_or_in_words() -> anyhow::Result<()> {
    let mut cases = Vec::new();
    for verb in VERBS.into_iter().chain(TEAM_VERBS) {
        let (env, words) = verb.prepare()?;
        let end_of_all = run(&env, &words)?;
        assert_eq!(end_of_all.code, 0, "{words:?}: {}", end_of_all.err);
        let counts = env.sandbox.counts();
        let calls = counts.values().sum();
        for route in counts.into_keys() {
            for (kind, end) in kinds(&route) {
                cases.push(Case {
                    verb,
                    route: route.clone(),
                    kind,
                    end,
                    calls,
                    lines: printed(&end_of_all),
                });
            }
        }
    }
    assert!(cases.len() > 300, "only {} cases", cases.len());
    let wrong = all(cases, play)?;
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

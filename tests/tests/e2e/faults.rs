//! The whole matrix: every route that a job calls, with every way in which a call can go wrong.
//!
//! Whatever happens, no wrong byte stands anywhere, the exit code and the summary are true, what is missing is named, the
//! calls stay within a budget, and running it again without the fault ends with everything in its place.

use std::{collections::BTreeMap, fmt::Write as _, path::Path, sync::Mutex};

use sandbox::{Fault, Kind, Sandbox};
use serde_json::{Value, json};
use tests::{
    files::{noise, write},
    test_env::{Output, TestEnv},
};

/// Calls that a single fault may cost: the call again, a look, a fresh session and all that hangs on it.
const MORE_CALLS: usize = 40;
/// Seconds of waiting that the program may choose for a single fault, added up over all that wait side by side: what is asked
/// for is waited for, and little more. How long it takes on a busy machine is nothing to judge it by.
const MORE_WAITS: f64 = 60.0;

/// A job with all that it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    /// A mixed tree up.
    Up,
    /// A single file up.
    One,
    /// A mixed tree down, a folder of it as a zip.
    Down,
    /// Deletes in the target what the source lacks.
    Sync,
    /// Copies on the server.
    Server,
    /// A small tree down, through a shared link.
    Link,
    /// A small tree down, from a shared folder that isn't mounted.
    Shared,
    /// A small tree down, by a team's admin on behalf of a member.
    Member,
}

const JOBS: [Job; 8] = [
    Job::Up,
    Job::One,
    Job::Down,
    Job::Sync,
    Job::Server,
    Job::Link,
    Job::Shared,
    Job::Member,
];
/// The member of the team.
const BOB: &str = "bob@example.org";

impl Job {
    fn prepare(self) -> anyhow::Result<TestEnv> {
        let builder = Sandbox::builder().page_limit(6);
        let env = match self {
            Self::Member => TestEnv::with(builder.team_app())?,
            _ => TestEnv::with(builder)?,
        };
        match self {
            Self::Member => {
                env.sandbox.add_member("Bob", "Leaver", BOB);
                env.connect_with("dbx", &["--team"])?;
            }
            _ => env.connect("dbx")?,
        }
        if self == Self::Shared {
            env.sandbox.share_folder_of_other("/from", true)?;
        }
        for (path, bytes) in self.source() {
            match self {
                Self::Up | Self::One => write(&env.path("from").join(&path), &bytes, 1_500_000_000)?,
                Self::Sync => {
                    write(&env.path("from").join(&path), &bytes, 1_500_000_000)?;
                    env.sandbox
                        .put_file(&format!("/to/{path}"), &bytes, Some("2017-07-14T02:40:00Z"))?;
                    env.sandbox
                        .put_file(&format!("/to/extra {path}"), b"too much", None)?;
                }
                Self::Down | Self::Server => {
                    env.sandbox
                        .put_file(&format!("/from/{path}"), &bytes, Some("2017-07-14T02:40:00Z"))?;
                }
                Self::Link | Self::Shared => {
                    env.sandbox
                        .put_file_of_other(&format!("/from/{path}"), &bytes, None)?;
                }
                Self::Member => env.sandbox.put_file_of(BOB, &format!("/from/{path}"), &bytes)?,
            }
        }
        if self == Self::Link {
            let link = env.sandbox.publish("/from", &Value::Null, false)?;
            std::fs::write(env.path("link"), link)?;
        }
        Ok(env)
    }

    /// What is to stand in the target in the end.
    fn source(self) -> BTreeMap<String, Vec<u8>> {
        let small = |n: u64| (format!("small/{n}"), noise(n, 1000));
        let mut files: BTreeMap<String, Vec<u8>> = match self {
            Self::One => [("one".to_owned(), noise(1, 50_000))].into(),
            Self::Sync | Self::Server | Self::Link | Self::Shared | Self::Member => {
                (0..4).map(small).collect()
            }
            Self::Up => (0..4).map(small).collect(),
            Self::Down => (0..14).map(small).collect(),
        };
        if matches!(self, Self::Up | Self::Down) {
            files.insert("Größe 😀".into(), noise(77, 300));
            files.insert("empty".into(), Vec::new());
            files.insert("big/scan".into(), noise(99, (17 << 20) + 5));
        }
        files
    }

    fn words(self, env: &TestEnv) -> anyhow::Result<[String; 3]> {
        let link = match self {
            Self::Link => std::fs::read_to_string(env.path("link"))?,
            _ => String::new(),
        };
        let words = match self {
            Self::Link => ["copy", &link, "to"],
            Self::Shared => ["copy", "dbx:{from}", "to"],
            Self::Member => ["copy", "dbx:from", "to"],
            Self::Up | Self::One => ["copy", "from", "dbx:to"],
            Self::Down => ["copy", "dbx:from", "to"],
            Self::Sync => ["sync", "from", "dbx:to"],
            Self::Server => ["copy", "dbx:from", "dbx:to"],
        };
        Ok(words.map(str::to_owned))
    }

    fn run(self, env: &TestEnv) -> anyhow::Result<Output> {
        // With -v it tells each wait.
        let mut flags = ["--low-level-retries", "4", "-v"].map(str::to_owned).to_vec();
        if self == Self::Member {
            flags.extend(["--as-member", BOB].map(str::to_owned));
        }
        env.node_tool(self.words(env)?.iter().chain(&flags))
    }

    /// What stands in the target.
    fn target(self, env: &TestEnv) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
        if matches!(self, Self::Down | Self::Link | Self::Shared | Self::Member) {
            return here(&env.path("to"));
        }
        let files = env.sandbox.tree().into_iter().filter(|stored| !stored.is_folder);
        Ok(files
            .filter_map(|stored| {
                let path = stored.path.strip_prefix("/to/")?.to_owned();
                Some((path, env.sandbox.read_file(&stored.path)?))
            })
            .collect())
    }
}

fn here(root: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    if root.exists() {
        for path in tests::files::snapshot(root)?.keys() {
            files.insert(path.clone(), std::fs::read(root.join(path))?);
        }
    }
    Ok(files)
}

/// The seconds that a run chose to wait, by its log, and what it says beside that log.
fn waits(err: &str) -> (f64, String) {
    let seconds = |line: &str| {
        let (_, rest) = line.split_once("waiting ")?;
        rest.split_once(" s:")?.0.parse::<f64>().ok()
    };
    let (log, said): (Vec<&str>, Vec<&str>) = err.lines().partition(|line| line.contains(" INFO  : "));
    (log.into_iter().filter_map(seconds).sum(), said.join("\n"))
}

/// What may become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It has to succeed all the same.
    Well,
    /// It may succeed, or fail for some files.
    Perhaps,
    /// The login is over.
    LoggedOut,
}

/// Every way in which a call can go wrong, and what may become of it.
pub(crate) fn kinds(route: &str) -> Vec<(Kind, End)> {
    let status = |status, html| Kind::Status { status, html };
    let error = |error: Value| Kind::Route { error };
    let entry = |error: Value| Kind::Entry { error };
    let mut kinds = vec![
        (status(500, false), End::Well),
        (status(502, true), End::Well),
        (status(503, true), End::Well),
        (
            Kind::TooMany {
                retry_after: Some(1),
                plain: false,
            },
            End::Well,
        ),
        (
            Kind::TooMany {
                retry_after: None,
                plain: false,
            },
            End::Well,
        ),
        (
            Kind::TooMany {
                retry_after: None,
                plain: true,
            },
            End::Well,
        ),
        (Kind::Contention, End::Well),
        (Kind::CutBefore, End::Well),
        (Kind::CutDuring, End::Well),
        (Kind::CutAfter, End::Well),
        (Kind::Truncate, End::Well),
        (Kind::Flip, End::Well),
        (Kind::Stall { millis: 300 }, End::Well),
        (Kind::Drip { millis: 1 }, End::Well),
        (Kind::Garbage, End::Well),
        (Kind::Portal, End::Well),
        (Kind::Expire, End::Well),
        (Kind::Revoke, End::LoggedOut),
        (Kind::LoseSessions, End::Well),
        (Kind::ResetCursors, End::Well),
    ];
    if route.contains("append_v2") {
        let back = json!({".tag": "incorrect_offset", "correct_offset": 0});
        kinds.push((error(back), End::Well));
        kinds.push((error(json!({".tag": "not_found"})), End::Well));
        kinds.push((error(json!({".tag": "content_hash_mismatch"})), End::Well));
    }
    if route.contains("append_batch") {
        kinds.push((
            entry(json!({".tag": "incorrect_offset", "correct_offset": 0})),
            End::Well,
        ));
        kinds.push((entry(json!({".tag": "not_found"})), End::Well));
        kinds.push((error(json!({".tag": "content_hash_mismatch"})), End::Well));
    }
    if route.contains("finish") {
        let path = |path: Value| json!({".tag": "path", "path": path});
        kinds.push((
            entry(path(json!({".tag": "too_many_write_operations"}))),
            End::Well,
        ));
        kinds.push((entry(path(json!({".tag": "insufficient_space"}))), End::Perhaps));
        kinds.push((
            entry(path(json!({".tag": "conflict", "conflict": {".tag": "file"}}))),
            End::Perhaps,
        ));
        kinds.push((
            entry(json!({".tag": "lookup_failed", "lookup_failed": {".tag": "not_found"}})),
            End::Well,
        ));
    }
    if route == "files/upload" {
        let path = |reason: Value| {
            error(json!({".tag": "path", "reason": reason, "upload_session_id": "pid_upload_session:x"}))
        };
        kinds.push((path(json!({".tag": "too_many_write_operations"})), End::Well));
        kinds.push((path(json!({".tag": "insufficient_space"})), End::Perhaps));
        kinds.push((
            path(json!({".tag": "conflict", "conflict": {".tag": "file"}})),
            End::Perhaps,
        ));
    }
    if route == "sharing/get_shared_link_file" {
        kinds.push((error(json!({".tag": "shared_link_access_denied"})), End::Perhaps));
        kinds.push((error(json!({".tag": "shared_link_not_found"})), End::Perhaps));
        kinds.push((error(json!({".tag": "other"})), End::Perhaps));
    }
    if route == "files/download" {
        let refused = json!({".tag": "path", "path": {".tag": "restricted_content"}});
        kinds.push((error(refused), End::Perhaps));
    }
    kinds
}

/// The routes that a job calls when all goes well, and how many calls it makes.
fn routes(job: Job) -> anyhow::Result<(Vec<String>, usize)> {
    let env = job.prepare()?;
    job.run(&env)?.ok()?;
    let counts = env.sandbox.counts();
    let all = counts.values().sum();
    Ok((counts.into_keys().collect(), all))
}

struct Case {
    job: Job,
    route: String,
    kind: Kind,
    end: End,
    calls: usize,
}

/// What is wrong with how a case ended; nothing if all is as it should be.
fn play(case: &Case) -> anyhow::Result<String> {
    let Case {
        job,
        route,
        kind,
        end,
        calls,
    } = case;
    let env = job.prepare()?;
    let wanted = job.source();
    let old = job.target(&env)?;
    env.sandbox.reset_calls();
    env.sandbox.fault(Fault::on(route, kind.clone()));
    let mut said = job.run(&env)?;
    let waited;
    (waited, said.err) = waits(&said.err);
    let made = env.sandbox.calls().len();
    env.sandbox.clear_faults();

    let mut wrong = String::new();
    let mut complain = |what: String| {
        let _ = writeln!(wrong, "  {what}");
    };
    let there = job.target(&env)?;
    for (path, bytes) in &there {
        let is_old = old.get(path) == Some(bytes);
        if wanted.get(path) != Some(bytes) && !is_old {
            complain(format!("'{path}' has other bytes"));
        }
    }
    let is_whole = there == wanted;
    // Without a login it can't be asked what was done.
    let is_known = *end != End::LoggedOut;
    if is_known && (said.code == 0) != is_whole {
        complain(format!(
            "exit code {} and the tree is whole: {is_whole}",
            said.code
        ));
    }
    let copied = there.iter().filter(|(path, _)| !old.contains_key(*path)).count();
    let told = said.err.lines().rev().find_map(|line| {
        let (number, rest) = line.split_once(' ')?;
        rest.contains("copied").then(|| number.parse::<usize>().ok())?
    });
    if is_known && told.is_some_and(|told| told != copied) {
        complain(format!("it told {told:?} copied, and {copied} are"));
    }
    match end {
        End::Well if said.code != 0 => complain(format!("exit code {}", said.code)),
        End::LoggedOut if said.code == 0 && made <= *calls => {} // it was over before anybody noticed
        End::LoggedOut if !said.err.contains("reconnect") => complain("no word on reconnecting".into()),
        End::Perhaps if said.code != 0 => {
            let missing = wanted.keys().filter(|path| !there.contains_key(*path));
            let unnamed: Vec<&String> = missing.filter(|path| !said.err.contains(path.as_str())).collect();
            // What ends a run is told once.
            if !unnamed.is_empty() && !said.err.contains("could not copy everything") {
                complain(format!("nobody names {unnamed:?}"));
            }
        }
        _ => {}
    }
    if made > calls + MORE_CALLS || waited > MORE_WAITS {
        complain(format!("{made} calls instead of {calls}, {waited:.1} s waited"));
    }
    if *end != End::LoggedOut {
        let again = job.run(&env)?;
        if again.code != 0 || job.target(&env)? != wanted {
            complain(format!("once more: exit code {}\n{}", again.code, again.err));
        }
    }
    if wrong.is_empty() {
        return Ok(wrong);
    }
    Ok(format!("{job:?}, {route}, {}:\n{wrong}{}", json!(kind), said.err))
}

/// Plays all cases, many at once; gives what is wrong.
pub(crate) fn all<C: Send>(
    cases: Vec<C>,
    play: impl Fn(&C) -> anyhow::Result<String> + Sync,
) -> anyhow::Result<Vec<String>> {
    let (queue, wrong) = (Mutex::new(cases), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let Some(case) = queue.lock().ok().and_then(|mut queue| queue.pop()) else {
                        return;
                    };
                    let told = play(&case).unwrap_or_else(|error| format!("{error:#}"));
                    if !told.is_empty()
                        && let Ok(mut wrong) = wrong.lock()
                    {
                        wrong.push(told);
                    }
                }
            });
        }
    });
    Ok(wrong.into_inner()?)
}

/// What is wrong with how a job ended that met the same fault again and again.
fn play_lasting(case: &Case) -> anyhow::Result<String> {
    let Case {
        job,
        route,
        kind,
        calls,
        ..
    } = case;
    let env = job.prepare()?;
    let (wanted, old) = (job.source(), job.target(&env)?);
    env.sandbox.reset_calls();
    env.sandbox.fault(Fault::on(route, kind.clone()).times(100_000));
    let mut said = job.run(&env)?;
    let waited;
    (waited, said.err) = waits(&said.err);
    let made = env.sandbox.calls().len();
    let there = job.target(&env)?;
    let mut wrong = String::new();
    if there
        .iter()
        .any(|(path, bytes)| wanted.get(path) != Some(bytes) && old.get(path) != Some(bytes))
    {
        wrong += "  other bytes arrived\n";
    }
    // A zip that can't be had is no loss, nor is an answer that is not needed.
    if said.code == 0 && there != wanted {
        wrong += "  it says that all is well\n";
    }
    let missing = wanted.keys().filter(|path| !there.contains_key(*path));
    let unnamed: Vec<&String> = missing.filter(|path| !said.err.contains(path.as_str())).collect();
    if !unnamed.is_empty() && !said.err.contains("error: could not") {
        let _ = writeln!(wrong, "  nobody names {unnamed:?}");
    }
    // Every call of the route may be tried four times, and for every file.
    if made > 4 * calls + 4 * MORE_CALLS || waited > MORE_WAITS * 4.0 {
        let _ = writeln!(wrong, "  {made} calls instead of {calls}, {waited:.1} s waited");
    }
    env.sandbox.clear_faults();
    let again = job.run(&env)?;
    if again.code != 0 || job.target(&env)? != wanted {
        let _ = writeln!(wrong, "  once more: exit code {}\n{}", again.code, again.err);
    }
    Ok(if wrong.is_empty() {
        wrong
    } else {
        format!("{job:?}, {route}, {} for ever:\n{wrong}{}", json!(kind), said.err)
    })
}

#[test]
fn faults_that_last_end_in_words_and_in_time() -> anyhow::Result<()> {
    let kinds = [
        Kind::Status {
            status: 503,
            html: true,
        },
        Kind::CutAfter,
        Kind::Garbage,
        Kind::Flip,
    ];
    let mut cases = Vec::new();
    for job in JOBS {
        let (routes, calls) = routes(job)?;
        for route in routes {
            cases.extend(kinds.iter().map(|kind| Case {
                job,
                route: route.clone(),
                kind: kind.clone(),
                end: End::Perhaps,
                calls,
            }));
        }
    }
    assert!(cases.len() > 60, "only {} cases", cases.len());
    let wrong = all(cases, play_lasting)?;
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

#[test]
fn every_fault_of_every_route_ends_well_or_in_words() -> anyhow::Result<()> {
    let mut cases = Vec::new();
    for job in JOBS {
        let (routes, calls) = routes(job)?;
        for route in routes.into_iter().chain(["oauth2/token".to_owned()]) {
            for (kind, end) in kinds(&route) {
                cases.push(Case {
                    job,
                    route: route.clone(),
                    kind,
                    end,
                    calls,
                });
            }
        }
    }
    assert!(cases.len() > 300, "only {} cases", cases.len());
    let wrong = all(cases, play)?;
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

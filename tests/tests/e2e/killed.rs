//! Killed at any moment, by a signal that can't be caught or by one that can: the next run goes on, and in the end every byte
//! is where it belongs.

use std::{collections::BTreeMap, process::Child, time::Duration};

use anyhow::Context as _;
use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};
use rustix::process::{Pid, Signal, kill_process};
use sandbox::{Fault, Kind, NetworkModel, Sandbox};
use tests::{
    files::{differences, noise, snapshot, write},
    test_env::{Output, TestEnv, output_of, until},
};

/// Calls that take a little, so that there are moments to be killed at.
pub(crate) fn slow_link() -> NetworkModel {
    NetworkModel {
        round_trip: 5,
        plain: 5,
        listing: 10,
        append: 40,
        upload: 40,
        download: 20,
        zip: 60,
        commit: 40,
        commit_entry: 1,
        commit_lock_timeout: 3000,
        connection_rate: Some(40_000_000),
        total_rate: Some(150_000_000),
        calls_per_minute: None,
    }
}

/// Returns files of all sizes: `small` small ones, an empty one, one of 3 MiB and one of `big` bytes.
pub(crate) fn tree_of(small: u64, big: usize) -> BTreeMap<String, Vec<u8>> {
    let mut files: BTreeMap<String, Vec<u8>> = (0..small)
        .map(|n| (format!("small/{}/{n}", n % 3), noise(n, 2000)))
        .collect();
    files.insert("empty".into(), Vec::new());
    files.insert("middle".into(), noise(70, 3 << 20));
    files.insert("big".into(), noise(71, big));
    files
}

fn tree() -> BTreeMap<String, Vec<u8>> {
    tree_of(60, (48 << 20) + 17)
}

fn signal(child: &Child, signal: Signal) -> anyhow::Result<()> {
    let pid = Pid::from_raw(i32::try_from(child.id())?).context("no process")?;
    Ok(kill_process(pid, signal)?)
}

/// Kills a job at random moments until it comes to its end by itself.
fn until_done(env: &TestEnv, args: &[&str], seed: u64) -> anyhow::Result<Output> {
    let mut random = SmallRng::seed_from_u64(seed);
    for _ in 0..12 {
        let mut child = env.start(args)?;
        std::thread::sleep(Duration::from_millis(random.random_range(5..900)));
        child.kill()?; // SIGKILL: nothing can be tidied up
        child.wait()?;
    }
    env.node_tool(args)
}

#[test]
fn an_upload_that_is_killed_again_and_again_ends_whole() -> anyhow::Result<()> {
    for seed in 0..3 {
        let env = TestEnv::with(Sandbox::builder().network(slow_link()))?;
        env.connect("dbx")?;
        for (path, bytes) in tree() {
            write(&env.path("from").join(&path), &bytes, 1_500_000_000)?;
        }
        let end = until_done(&env, &["copy", "from", "dbx:to"], seed)?;
        assert_eq!(end.code, 0, "seed {seed}: {}", end.err);
        let stored = env.sandbox.tree();
        let files: Vec<&str> = stored
            .iter()
            .filter(|s| !s.is_folder)
            .map(|s| s.path.as_str())
            .collect();
        assert_eq!(files.len(), tree().len(), "seed {seed}: {files:?}");
        for (path, bytes) in tree() {
            let there = env.sandbox.read_file(&format!("/to/{path}"));
            assert!(there == Some(bytes), "seed {seed}: {path} has other bytes");
        }
        let again = env.node_tool(["copy", "from", "dbx:to", "--error-on-no-transfer"])?;
        assert_eq!(again.code, 9, "seed {seed}: {}", again.err);
    }
    Ok(())
}

#[test]
fn a_download_that_is_killed_again_and_again_ends_whole() -> anyhow::Result<()> {
    for seed in 10..13 {
        let env = TestEnv::with(Sandbox::builder().network(slow_link()))?;
        env.connect("dbx")?;
        for (path, bytes) in tree() {
            write(&env.path("from").join(&path), &bytes, 1_500_000_000)?;
            env.sandbox
                .put_file(&format!("/from/{path}"), &bytes, Some("2017-07-14T02:40:00Z"))?;
        }
        let end = until_done(&env, &["copy", "dbx:from", "to"], seed)?;
        assert_eq!(end.code, 0, "seed {seed}: {}", end.err);
        // What was killed may have left half files, under names of their own.
        env.node_tool(["cleanup", "to", "--all"])?.ok()?;
        assert_eq!(
            differences(&env.path("from"), &env.path("to"))?,
            Vec::<String>::new(),
            "seed {seed}"
        );
    }
    Ok(())
}

#[test]
fn a_time_limit_lets_what_is_under_way_end_and_the_next_run_go_on() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let bytes = noise(5, 200 << 20);
    write(&env.path("from/big"), &bytes, 1_500_000_000)?;
    let slow = Fault::on("files/upload_session/append_v2", Kind::Stall { millis: 700 });
    env.sandbox.fault(slow.times(1000));
    let child = env.start(&["copy", "from", "dbx:to", "--transfers", "4"])?;
    until(|| env.sandbox.count("files/upload_session/append_v2") >= 2)?;
    signal(&child, Signal::TERM)?;
    let end = output_of(child)?;
    assert_eq!(end.code, 130, "{}", end.err);
    for word in ["SIGTERM", "repeat the command to continue"] {
        assert!(end.err.contains(word), "{word} in {}", end.err);
    }
    assert_eq!(env.sandbox.count("files/upload_session/finish_batch_v2"), 0);
    let sent = env.sandbox.count("files/upload_session/append_v2");
    env.sandbox.clear_faults();
    env.node_tool(["copy", "from", "dbx:to"])?.ok()?;
    let all = env.sandbox.count("files/upload_session/append_v2");
    assert!(
        all <= 26 + 1,
        "{sent} pieces, then {all} in all: none was sent twice"
    );
    assert!(
        env.sandbox.read_file("/to/big") == Some(bytes),
        "other bytes arrived"
    );
    Ok(())
}

#[test]
fn small_files_that_were_sent_are_committed_and_the_second_signal_ends_it_at_once() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for n in 0..200_u64 {
        write(
            &env.path("from").join(n.to_string()),
            &noise(n, 500),
            1_500_000_000,
        )?;
    }
    let slow = |millis| Fault::on("files/upload_session/append_batch", Kind::Stall { millis });
    env.sandbox.fault(slow(500).times(1000));
    let child = env.start(&["copy", "from", "dbx:to", "--transfers", "1"])?;
    until(|| env.sandbox.count("files/upload_session/append_batch") >= 1)?;
    signal(&child, Signal::INT)?;
    let end = output_of(child)?;
    assert_eq!(end.code, 130, "{}", end.err);
    let there = env.sandbox.tree().iter().filter(|s| !s.is_folder).count();
    let told = end.err.lines().find(|line| line.contains("files copied"));
    let told = told.with_context(|| end.err.clone())?;
    assert!(
        told.starts_with(&format!("{there} files copied")),
        "{there} are there: {told}"
    );
    assert!((1..=200).contains(&there), "{there}");

    env.sandbox.clear_faults();
    env.sandbox
        .fault(Fault::on("files/list_folder", Kind::Stall { millis: 1 }));
    env.sandbox.fault(slow(3_600_000).times(1000));
    write(&env.path("from/new"), b"new", 1_500_000_000)?;
    write(&env.path("from/newer"), b"newer", 1_500_000_000)?;
    env.sandbox.reset_calls();
    let child = env.start(&["copy", "from", "dbx:to", "--transfers", "1"])?;
    until(|| env.sandbox.count("files/upload_session/start_batch") >= 1)?;
    signal(&child, Signal::INT)?;
    std::thread::sleep(Duration::from_millis(100)); // two at once would be one to the kernel
    signal(&child, Signal::INT)?;
    // It waits for no answer: that would take an hour.
    let end = output_of(child)?;
    assert_eq!(end.code, 130, "{}", end.err);
    env.sandbox.clear_faults();
    env.node_tool(["copy", "from", "dbx:to"])?.ok()?;
    assert_eq!(
        env.sandbox.tree().iter().filter(|s| !s.is_folder).count(),
        snapshot(&env.path("from"))?.len()
    );
    Ok(())
}

/// Names of half files below `to`.
fn halves(env: &TestEnv) -> usize {
    let names = snapshot(&env.path("to")).map(|files| files.into_keys().collect::<Vec<_>>());
    let is_half = |name: &&String| name.ends_with(".partial");
    names.unwrap_or_default().iter().filter(is_half).count()
}

/// A download of 40 files that stands still, with half files here.
fn standing(env: &TestEnv, before: &str) -> anyhow::Result<Child> {
    for n in 0..40_u64 {
        env.sandbox.put_file(
            &format!("/from/{n}"),
            &noise(n, 5000),
            Some("2020-01-01T00:00:00Z"),
        )?;
    }
    let slow = Fault::on("files/download", Kind::Stall { millis: 3_600_000 });
    env.sandbox.fault(slow.times(1000));
    // Whoever runs the tests may ignore SIGHUP, and a shell can't take that back.
    let mut command = std::process::Command::new("env");
    env.isolate(&mut command);
    command
        .args(["--default-signal=HUP", "bash"])
        .args(["-c", &format!("{before} exec \"$@\""), "bash"])
        .arg(tests::programs::program("node-tool")?)
        .args(["copy", "dbx:from", "to", "--no-zip"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let child = command.spawn()?;
    until(|| halves(env) >= 16)?;
    Ok(child)
}

#[test]
fn a_terminal_that_goes_away_leaves_no_half_files() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let child = standing(&env, "")?;
    signal(&child, Signal::HUP)?;
    // It waits for no answer: that would take an hour.
    let end = output_of(child)?;
    assert_eq!(end.code, 130, "{}", end.err);
    for word in ["SIGHUP", "repeat the command to continue"] {
        assert!(end.err.contains(word), "{word} in {}", end.err);
    }
    assert_eq!(halves(&env), 0, "nothing half is left");
    Ok(())
}

#[test]
fn a_job_below_nohup_outlives_its_terminal() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let child = standing(&env, "trap '' HUP;")?;
    signal(&child, Signal::HUP)?;
    // What was heard would have been said by now: a second signal is the end of both.
    signal(&child, Signal::TERM)?;
    let end = output_of(child)?;
    assert_eq!(end.code, 130, "{}", end.err);
    assert!(
        end.err.contains("SIGTERM") && !end.err.contains("SIGHUP"),
        "{}",
        end.err
    );
    assert_eq!(halves(&env), 0);
    Ok(())
}

#[test]
fn cleanup_tells_half_files_of_the_dead_from_those_of_the_living() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let mut child = standing(&env, "")?;
    let there = halves(&env);
    let age = || -> anyhow::Result<()> {
        let past = std::time::SystemTime::now() - Duration::from_secs(1200);
        for entry in std::fs::read_dir(env.path("to"))? {
            std::fs::File::options()
                .write(true)
                .open(entry?.path())?
                .set_modified(past)?;
        }
        Ok(())
    };
    age()?;
    let end = env.node_tool(["cleanup", "to", "--all"])?;
    assert_eq!(end.code, 0, "{}", end.err);
    // On a file system that nodes share, only their age tells.
    if !end.err.contains("belongs to a download that runs") {
        tests::test_env::skip(
            "the file system of the temporary folder is not known to be this machine's alone",
        );
        child.kill()?;
        return Ok(());
    }
    assert!(halves(&env) >= there, "{}", end.err);
    child.kill()?;
    child.wait()?;
    age()?;
    assert!(halves(&env) >= there);
    let end = env.node_tool(["cleanup", "to"])?;
    assert_eq!(end.code, 0, "{}", end.err);
    assert_eq!(halves(&env), 0, "{}", end.err);
    Ok(())
}

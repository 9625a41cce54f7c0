//! Processes of one login share pace and turns, so that an array of jobs can end with a copy to one account.

use std::{fs, os::unix::fs::PermissionsExt as _};

use sandbox::{Fault, Kind, NetworkModel};
use tests::{
    files::{noise, write},
    test_env::{Output, TestEnv, output_of},
};

const FINISH: &str = "files/upload_session/finish_batch_v2";

/// Commits that overlap are refused at once.
fn strict() -> NetworkModel {
    NetworkModel {
        commit: 100,
        commit_entry: 2,
        commit_lock_timeout: 0,
        ..NetworkModel::default()
    }
}

/// Starts a copy of `files` small files by each of `tasks` processes at once, and waits for all.
fn copy_at_once(env: &TestEnv, tasks: usize, files: u64) -> anyhow::Result<Vec<Output>> {
    let mut running = Vec::new();
    for task in 0..tasks {
        for n in 0..files {
            let path = env.path(&format!("task-{task}/{n}"));
            write(&path, &noise(task as u64 * 1000 + n, 500), 1_500_000_000)?;
        }
        let (from, to) = (format!("task-{task}"), format!("dbx:results/{task}"));
        running.push(env.start(&["copy", &from, &to])?);
    }
    running.into_iter().map(output_of).collect()
}

fn is_complete(env: &TestEnv, tasks: usize, files: u64) -> bool {
    (0..tasks).all(|task| {
        (0..files).all(|n| {
            let there = env.sandbox.read_file(&format!("/results/{task}/{n}"));
            there == Some(noise(task as u64 * 1000 + n, 500))
        })
    })
}

/// Number of calls that were refused because others wrote at the same time.
fn refused(env: &TestEnv, route: &str) -> usize {
    let calls = env.sandbox.calls();
    calls
        .iter()
        .filter(|call| call.route == route && call.status == 429)
        .count()
}

#[test]
fn processes_of_one_login_take_turns_at_committing() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.set_network(strict());
    for end in copy_at_once(&env, 6, 5)? {
        assert_eq!(end.code, 0, "{}", end.err);
    }
    assert!(is_complete(&env, 6, 5));
    assert_eq!(refused(&env, FINISH), 0, "two commits overlapped");
    // What others had sent went along.
    assert!(env.sandbox.count(FINISH) <= 6, "{}", env.sandbox.count(FINISH));
    // Nothing is left of the turns.
    let left = fs::read_dir(env.home().join(".local/state/node-tool/commits"))?
        .flatten()
        .flat_map(|account| fs::read_dir(account.path().join("own")).into_iter().flatten())
        .count();
    assert_eq!(left, 0);
    Ok(())
}

#[test]
fn processes_that_copy_a_single_file_take_turns_too() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.set_network(strict());
    for end in copy_at_once(&env, 6, 1)? {
        assert_eq!(end.code, 0, "{}", end.err);
    }
    assert!(is_complete(&env, 6, 1));
    assert_eq!(refused(&env, "files/upload"), 0);
    Ok(())
}

#[test]
fn where_no_state_can_be_kept_each_goes_alone_with_patience() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.set_network(strict());
    // Where its directory should be is a file.
    let state = env.home().join(".local/state");
    fs::create_dir_all(&state)?;
    fs::write(state.join("node-tool"), "")?;
    for end in copy_at_once(&env, 4, 5)? {
        assert_eq!(end.code, 0, "{}", end.err);
    }
    assert!(is_complete(&env, 4, 5));
    Ok(())
}

#[test]
fn what_could_not_be_committed_is_committed_by_a_later_run_without_being_sent_again() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for n in 0..5_u64 {
        write(&env.path(&format!("from/{n}")), &noise(n, 50_000), 1_500_000_000)?;
    }
    let copy = ["copy", "from", "dbx:to", "--low-level-retries", "2"];
    env.sandbox.fault(Fault::on(FINISH, Kind::Contention).times(100));
    let end = env.node_tool(copy)?;
    assert_eq!(end.code, 5, "{}", end.err);
    let uncommitted = env.home().join(".local/state/node-tool/uncommitted");
    let file = fs::read_dir(&uncommitted)?
        .next()
        .expect("what was sent is noted")?;
    assert_eq!(file.metadata()?.permissions().mode() & 0o777, 0o600);

    // One file changes, and is sent again.
    write(&env.path("from/3"), &noise(33, 50_000), 1_500_000_000)?;
    env.sandbox.clear_faults();
    env.sandbox.reset_calls();
    env.node_tool(copy)?.ok()?;
    for n in 0..5_u64 {
        let expected = noise(if n == 3 { 33 } else { n }, 50_000);
        assert_eq!(env.sandbox.read_file(&format!("/to/{n}")), Some(expected), "{n}");
    }
    let sent: u64 = env.sandbox.calls().iter().map(|call| call.bytes_in).sum();
    assert!(sent < 2 * 50_000, "{sent} bytes were sent");
    assert_eq!(env.sandbox.count("files/upload_session/append_batch"), 1);
    assert_eq!(fs::read_dir(&uncommitted)?.count(), 0, "it is used up");
    Ok(())
}

#[test]
fn a_pause_that_one_process_is_asked_for_is_heeded_by_the_next() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_file("/d/a", b"a", None)?;
    let busy = Kind::TooMany {
        retry_after: Some(3),
        plain: false,
    };
    env.sandbox.fault(Fault::on("files/list_folder", busy));
    let end = env.node_tool(["lsf", "dbx:d", "--low-level-retries", "1"])?;
    assert_eq!(end.code, 5, "{}", end.err);
    assert_eq!(
        fs::read_dir(env.home().join(".local/state/node-tool/pauses"))?.count(),
        1
    );
    // It waits before its first call, and isn't refused.
    env.node_tool(["lsf", "dbx:d"])?.ok()?;
    assert_eq!(refused(&env, "files/list_folder"), 1);
    assert_eq!(
        fs::read_dir(env.home().join(".local/state/node-tool/pauses"))?.count(),
        0,
        "it is over"
    );
    Ok(())
}

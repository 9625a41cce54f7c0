//! Workers of one plan that are killed at random moments, again and again: in the end both sides are the same.

use std::{collections::BTreeMap, process::Child, time::Duration};

use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};
use sandbox::{NetworkModel, Sandbox};
use tests::{
    files::{differences, noise, write},
    test_env::{TestEnv, output_of},
};

use super::killed::{slow_link, tree_of};

/// Number of seeds of each way; each kills workers several times.
const SEEDS: u64 = 3;

fn tree() -> BTreeMap<String, Vec<u8>> {
    tree_of(80, (33 << 20) + 17)
}

/// What the target has before: files that are replaced, and files that are deleted.
fn old() -> BTreeMap<String, Vec<u8>> {
    (0..90)
        .filter(|n| n % 10 == 7)
        .map(|n: u64| (format!("small/{}/{n}", n % 3), noise(1000 + n, 900)))
        .chain([("gone/x".to_owned(), b"gone".to_vec())])
        .collect()
}

fn environment(verb: &str, source: &str, target: &str) -> anyhow::Result<TestEnv> {
    let env = TestEnv::with(Sandbox::builder().network(slow_link()))?;
    env.connect("dbx")?;
    let mut old = old();
    if verb != "sync" {
        // They would stay.
        old.retain(|path, _| tree().contains_key(path));
    }
    for (place, files, then) in [(source, tree(), 1_500_000_000), (target, old, 1_400_000_000)] {
        for (path, bytes) in files {
            match place.strip_prefix("dbx:") {
                Some(folder) => env.sandbox.put_file(
                    &format!("/{folder}/{path}"),
                    &bytes,
                    Some("2017-07-14T02:40:00Z"),
                )?,
                None => write(&env.path(place).join(&path), &bytes, then)?,
            }
        }
    }
    // To compare with.
    for (path, bytes) in tree() {
        write(&env.path("expected").join(&path), &bytes, 1_500_000_000)?;
    }
    Ok(env)
}

/// Kills one of several workers at a random moment, and starts another, several times.
fn harass(env: &TestEnv, seed: u64) -> anyhow::Result<()> {
    let mut random = SmallRng::seed_from_u64(seed);
    let mut workers: Vec<Child> = Vec::new();
    for _ in 0..6 {
        while workers.len() < 2 {
            workers.push(env.start(&["run", "plan", "--take"])?);
        }
        std::thread::sleep(Duration::from_millis(random.random_range(20..600)));
        let mut victim = workers.remove(random.random_range(0..workers.len()));
        let killed = victim.kill();
        victim.wait()?;
        killed?;
    }
    for worker in workers {
        let end = output_of(worker)?;
        anyhow::ensure!(end.code == 0, "seed {seed}: {}", end.err);
    }
    Ok(())
}

fn ends_whole(verb: &str, source: &str, target: &str, flags: &[&str]) -> anyhow::Result<()> {
    for seed in 0..SEEDS {
        let env = environment(verb, source, target)?;
        env.node_tool([&[verb, source, target, "--plan-out", "plan"], flags].concat())?
            .ok()?;
        harass(&env, seed)?;
        let end = env.node_tool(["run", "plan"])?;
        assert_eq!(end.code, 0, "{verb} {source} {target}, seed {seed}: {}", end.err);
        if target.starts_with("dbx:") {
            env.sandbox.set_network(NetworkModel::default());
            env.node_tool(["copy", target, "compared"])?.ok()?;
        }
        let now = if target.starts_with("dbx:") {
            "compared"
        } else {
            target
        };
        env.node_tool(["cleanup", now, "--all"])?.ok()?;
        assert_eq!(
            differences(&env.path("expected"), &env.path(now))?,
            Vec::<String>::new(),
            "{verb} {source} {target}, seed {seed}"
        );
        if verb == "move" {
            let left = env.node_tool(["size", source, "--json"])?.out;
            assert!(
                left.contains("\"count\":0") || left.is_empty(),
                "seed {seed}: {left}"
            );
        }
    }
    Ok(())
}

#[test]
fn of_a_sync_up() -> anyhow::Result<()> {
    ends_whole("sync", "s", "dbx:t", &[])
}

#[test]
fn of_a_sync_down() -> anyhow::Result<()> {
    ends_whole("sync", "dbx:s", "t", &[])
}

#[test]
fn of_a_sync_within_dropbox() -> anyhow::Result<()> {
    ends_whole("sync", "dbx:s", "dbx:t", &[])
}

#[test]
fn of_a_sync_with_backups() -> anyhow::Result<()> {
    ends_whole("sync", "s", "dbx:t", &["--backup-dir", "dbx:kept"])?;
    ends_whole("sync", "dbx:s", "t", &["--backup-dir", "kept"])
}

#[test]
fn of_a_move() -> anyhow::Result<()> {
    ends_whole("move", "s", "dbx:t", &[])?;
    ends_whole("move", "dbx:s", "t", &[])
}

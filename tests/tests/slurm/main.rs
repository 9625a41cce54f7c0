//! Plans on a real Slurm: the guide's recipe, and what happens to jobs: killed, requeued, out of time, cancelled. Skipped where Slurm
//! isn't installed.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use sandbox::{NetworkModel, Sandbox};
use serde_json::Value;
use tests::{
    files::{noise, snapshot, write},
    slurm::{Slurm, missing},
    test_env::{TestEnv, skip, until},
};

const THEN: u64 = 1_600_000_000;

/// Waits for the right to start Slurm: one cluster at a time, since each has jobs that need the processors. `None` if Slurm is missing,
/// which is printed.
fn turn() -> Option<MutexGuard<'static, ()>> {
    static LOCK: Mutex<()> = Mutex::new(());
    let turn = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(why) = missing() {
        skip(&why);
        return None;
    }
    Some(turn)
}

/// Calls that take a little, so that jobs can be met while they run.
fn slow() -> NetworkModel {
    NetworkModel {
        round_trip: 5,
        append: 100,
        upload: 100,
        commit: 100,
        total_rate: Some(4_000_000),
        ..NetworkModel::default()
    }
}

fn environment(network: NetworkModel) -> anyhow::Result<TestEnv> {
    let env = TestEnv::with(Sandbox::builder().network(network))?;
    env.connect("dbx")?;
    Ok(env)
}

/// Writes files to copy: small ones, and some that are worth going on with.
fn fill(env: &TestEnv, folder: &str, big: u64) -> anyhow::Result<()> {
    for n in 0..200 {
        write(
            &env.path(&format!("{folder}/{}/{n}", n % 7)),
            &noise(n, 1000),
            THEN,
        )?;
    }
    for n in 0..big {
        write(
            &env.path(&format!("{folder}/big{n}")),
            &noise(1000 + n, 4 << 20),
            THEN,
        )?;
    }
    Ok(())
}

/// Returns whether a folder of the Dropbox holds exactly what a folder here does.
fn is_same(env: &TestEnv, here: &str, there: &str) -> anyhow::Result<bool> {
    let root = env.path(here);
    let names: Vec<String> = snapshot(&root)?.into_keys().collect();
    let below = format!("{there}/");
    let stored = env.sandbox.tree().into_iter().filter(|stored| !stored.is_folder);
    let stored: BTreeMap<String, Option<Vec<u8>>> = stored
        .filter_map(|stored| {
            Some((
                stored.path.strip_prefix(&below)?.to_owned(),
                env.sandbox.read_file(&stored.path),
            ))
        })
        .collect();
    let same = |name: &String| {
        let bytes = fs::read(root.join(name)).ok();
        bytes.is_some() && stored.get(name) == Some(&bytes)
    };
    Ok(names.len() == stored.len() && names.iter().all(same))
}

fn status(env: &TestEnv) -> anyhow::Result<Value> {
    let out = env.node_tool(["run", "plan", "--status", "--json"])?.ok()?;
    Ok(serde_json::from_str(&out)?)
}

/// Returns what jobs have printed.
fn logs(env: &TestEnv) -> String {
    let files = fs::read_dir(env.path("")).into_iter().flatten().flatten();
    let logs = files.filter(|file| file.path().extension().is_some_and(|ending| ending == "log"));
    logs.map(|file| {
        format!(
            "{}:\n{}",
            file.path().display(),
            fs::read_to_string(file.path()).unwrap_or_default()
        )
    })
    .collect()
}

/// The commands of the guide's blocks of a kind, with what they show.
fn of_the_guide(kind: &str) -> anyhow::Result<Vec<(String, Vec<String>)>> {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide.md");
    let text = fs::read_to_string(guide)?;
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    let mut is_inside = false;
    for line in text.lines() {
        match line.strip_prefix("```") {
            Some(found) => is_inside = found == kind,
            None if is_inside => match (line.strip_prefix("$ "), commands.last_mut()) {
                (Some(command), _) => commands.push((command.to_owned(), Vec::new())),
                (None, Some((_, shown))) => shown.push(line.to_owned()),
                (None, None) => {}
            },
            None => {}
        }
    }
    anyhow::ensure!(!commands.is_empty(), "the guide has no block '{kind}'");
    Ok(commands)
}

/// Whether a line is what the guide shows, where `…` is anything.
fn is_shown(line: &str, shown: &str) -> bool {
    let mut rest = line;
    for (at, piece) in shown.split('…').enumerate() {
        match rest.find(piece) {
            Some(found) if at > 0 || found == 0 => rest = &rest[found + piece.len()..],
            _ => return false,
        }
    }
    rest.is_empty() || shown.ends_with('…')
}

#[test]
#[ignore = "it takes minutes, mostly of waiting: tests/run runs it beside the others"]
fn the_guides_recipe_does_what_it_says() -> anyhow::Result<()> {
    let Some(_turn) = turn() else { return Ok(()) };
    let env = environment(NetworkModel::default())?;
    fill(&env, "scratch/results", 2)?;
    env.sandbox.put_file("/results/old.csv", b"old", None)?;
    let slurm = Slurm::start(&env)?;
    let mut before = "exec 2>&1; ".to_owned();
    for (command, shown) in of_the_guide("console slurm")? {
        let end = slurm.type_line(&env, &format!("{before}{command}"))?;
        let printed: Vec<&str> = end.out.trim_end().lines().map(str::trim_end).collect();
        let alike = printed.len() == shown.len()
            && printed
                .iter()
                .zip(&shown)
                .all(|(line, shown)| is_shown(line, shown));
        anyhow::ensure!(
            alike,
            "{command}\n--- the guide shows\n{}\n--- it printed\n{}\n{}",
            shown.join("\n"),
            end.out,
            logs(&env)
        );
        // What a command prints into a variable is there for the next one, and is not submitted again.
        if let Some((name, _)) = command.split_once("=$(") {
            let value = slurm.type_line(&env, "squeue -h -o %i -S -V | head -1")?.ok()?;
            let value = value.trim().split('_').next().unwrap_or_default().to_owned();
            before += &format!("{name}={value}; ");
        }
        if command.contains("--finish") {
            slurm.wait_for_jobs(&env)?;
        }
    }
    assert!(is_same(&env, "scratch/results", "/results")?, "{}", logs(&env));
    let progress = status(&env)?;
    let parts = progress["workers"].as_array().into_iter().flatten();
    assert_eq!(
        parts.filter(|worker| worker["part"].is_string()).count(),
        4,
        "{progress}"
    );
    Ok(())
}

/// Returns whether a job that was queued again waits for its time.
fn waits(slurm: &Slurm, env: &TestEnv, job: &str) -> bool {
    let shown = slurm.type_line(env, &format!("scontrol show job {job}"));
    shown.is_ok_and(|shown| shown.out.contains("Restarts=1") && shown.out.contains("Reason=BeginTime"))
}

/// Lets it begin: by itself, Slurm lets it wait for two minutes.
fn begin(slurm: &Slurm, env: &TestEnv, job: &str) -> anyhow::Result<()> {
    slurm
        .type_line(env, &format!("scontrol update jobid={job} StartTime=now"))?
        .ok()?;
    Ok(())
}

/// Waits until each of some workers has begun to copy, and returns their processes by their parts.
fn running(env: &TestEnv, count: usize) -> anyhow::Result<BTreeMap<String, (i32, String)>> {
    let workers = || -> Option<BTreeMap<String, (i32, String)>> {
        let logs = fs::read_dir(env.path("plan/workers")).ok()?;
        let mut found = BTreeMap::new();
        for log in logs.flatten() {
            let text = fs::read_to_string(log.path()).ok()?;
            let first: Value = serde_json::from_str(text.lines().next()?.split_once(' ')?.1).ok()?;
            let worker = &first["worker"];
            let pid = i32::try_from(worker["pid"].as_i64()?).ok()?;
            if text.contains("\"took\"") {
                found.insert(
                    worker["part"].as_str()?.to_owned(),
                    (pid, worker["job"].as_str()?.to_owned()),
                );
            }
        }
        Some(found)
    };
    until(|| workers().is_some_and(|found| found.len() >= count))?;
    workers().context("no workers")
}

#[test]
#[ignore = "it takes minutes, mostly of waiting: tests/run runs it beside the others"]
fn a_killed_and_a_requeued_task_go_on_with_an_encrypted_config() -> anyhow::Result<()> {
    let Some(_turn) = turn() else { return Ok(()) };
    let env = environment(NetworkModel {
        total_rate: Some(1_000_000),
        ..slow()
    })?;
    fill(&env, "s", 8)?;
    env.sandbox.put_file("/t/old", b"old", None)?;
    fs::write(env.path("password"), "correct horse\n")?;
    env.node_tool(["config", "password", "set", "--new-password-file", "password"])?
        .ok()?;
    let slurm = Slurm::start(&env)?;
    let ask = "--password-command 'cat password'";
    slurm
        .type_line(&env, &format!("node-tool sync s dbx:t --plan-out plan {ask}"))?
        .ok()?;
    let array = slurm.type_line(
        &env,
        &format!("node-tool submit --now --time 10 --array 0-3 -- run plan {ask}"),
    )?;
    let array = array.ok()?.trim().to_owned();
    let workers = running(&env, 4)?;
    // These two have the big files.
    let (killed, _) = workers["4/4"];
    let (_, requeued) = &workers["3/4"];
    kill_process(Pid::from_raw(killed).context("no process")?, Signal::KILL)?;
    slurm
        .type_line(&env, &format!("scontrol requeue {requeued}"))?
        .ok()?;
    until(|| waits(&slurm, &env, requeued))?;
    begin(&slurm, &env, requeued)?;
    slurm.wait_for_jobs(&env)?;
    // The killed task has failed: what it was at is open, and nothing is deleted.
    let finish = slurm.type_line(&env, &format!("node-tool run plan --finish {ask}"))?;
    assert!(finish.fails(1)?.contains("not copied yet"));
    let again = slurm.type_line(
        &env,
        &format!("node-tool submit --now --time 10 --array 0-3 -- run plan {ask}"),
    )?;
    assert_ne!(again.ok()?.trim(), array);
    slurm.wait_for_jobs(&env)?;
    slurm
        .type_line(&env, &format!("node-tool run plan --finish {ask}"))?
        .ok()?;
    assert!(is_same(&env, "s", "/t")?, "{}", logs(&env));
    Ok(())
}

#[test]
#[ignore = "it takes minutes, mostly of waiting: tests/run runs it beside the others"]
fn a_job_that_runs_out_of_time_is_queued_again_and_one_that_is_cancelled_is_not() -> anyhow::Result<()> {
    let Some(_turn) = turn() else { return Ok(()) };
    let env = environment(NetworkModel {
        total_rate: Some(1_000_000),
        ..slow()
    })?;
    write(&env.path("s/big"), &noise(3, 40 << 20), THEN)?;
    let slurm = Slurm::start(&env)?;
    env.node_tool(["copy", "s", "dbx:t", "--plan-out", "plan"])?
        .ok()?;
    let job = slurm
        .type_line(&env, "node-tool submit --now --time 1 -- run plan")?
        .ok()?;
    // It is told to end in the middle of the file, and queues itself again.
    until(|| logs(&env).contains("stopped by SIGTERM"))?;
    let number = job.trim().to_owned();
    until(|| waits(&slurm, &env, &number))?;
    env.sandbox.set_network(NetworkModel::default());
    begin(&slurm, &env, &number)?;
    slurm.wait_for_jobs(&env)?;
    assert!(is_same(&env, "s", "/t")?, "{}", logs(&env));

    env.sandbox.set_network(NetworkModel {
        total_rate: Some(1_000_000),
        ..slow()
    });
    write(&env.path("u/big"), &noise(4, 40 << 20), THEN)?;
    env.sandbox.reset_calls();
    let job = slurm
        .type_line(&env, "node-tool submit --now -- copy u dbx:u")?
        .ok()?;
    let is_sending = |route: &String| route.starts_with("files/upload_session");
    until(|| env.sandbox.counts().keys().any(is_sending))?;
    slurm.type_line(&env, &format!("scancel {}", job.trim()))?.ok()?;
    slurm.wait_for_jobs(&env)?;
    let shown = slurm
        .type_line(&env, &format!("scontrol show job {}", job.trim()))?
        .out;
    assert!(shown.contains("JobState=CANCELLED"), "{shown}");
    env.sandbox.set_network(NetworkModel::default());
    env.node_tool(["copy", "u", "dbx:u"])?.ok()?;
    assert!(is_same(&env, "u", "/u")?);
    Ok(())
}

//! Plans as files: one process lists, others carry it out, in parts or as they are free, and nothing is done that wasn't planned.

use std::{collections::BTreeMap, fs};

use data_encoding::HEXLOWER;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tests::{
    files::{differences, noise, write},
    test_env::TestEnv,
};

const THEN: u64 = 1_600_000_000;

/// A folder here with some files of different sizes.
fn fill(env: &TestEnv, folder: &str, files: u64) -> anyhow::Result<()> {
    for n in 0..files {
        let bytes = noise(n, 500 + 37 * usize::try_from(n)?);
        write(&env.path(&format!("{folder}/{}/{n}", n % 5)), &bytes, THEN)?;
    }
    Ok(())
}

/// The files below a folder of the Dropbox.
fn there(env: &TestEnv, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let below = format!("{folder}/");
    let files = env.sandbox.tree().into_iter().filter(|stored| !stored.is_folder);
    files
        .filter_map(|stored| {
            let name = stored.path.strip_prefix(&below)?.to_owned();
            Some((name, env.sandbox.read_file(&stored.path)?))
        })
        .collect()
}

/// The files below a folder here.
fn here(env: &TestEnv, folder: &str) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let root = env.path(folder);
    tests::files::snapshot(&root)?
        .into_keys()
        .map(|name| Ok((name.clone(), fs::read(root.join(name))?)))
        .collect()
}

/// Returns how far a plan is.
fn status(env: &TestEnv) -> anyhow::Result<Value> {
    let out = env.node_tool(["run", "plan", "--status", "--json"])?.ok()?;
    Ok(serde_json::from_str(&out)?)
}

fn lines(env: &TestEnv) -> anyhow::Result<Vec<Value>> {
    let text = fs::read_to_string(env.path("plan/plan.jsonl"))?;
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

#[test]
fn a_plan_is_what_is_done_later_and_nothing_is_listed_for_it() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    fill(&env, "s", 40)?;
    env.node_tool(["copy", "s", "dbx:t"])?.ok()?;
    write(&env.path("s/new"), b"new", THEN)?;
    write(&env.path("s/0/5"), b"other", THEN)?;
    fs::remove_file(env.path("s/1/1"))?;
    let before = there(&env, "/t");
    let end = env.node_tool(["sync", "s", "dbx:t", "--plan-out", "plan"])?;
    assert_eq!(end.code, 0, "{}", end.err);
    assert!(
        end.err
            .contains("2 files to copy (8 B), 38 already there, 1 to delete"),
        "{}",
        end.err
    );
    assert!(end.err.contains("next: node-tool run plan"), "{}", end.err);
    assert_eq!(there(&env, "/t"), before, "nothing is done yet");
    let plan = lines(&env)?;
    let action = |line: &&Value| line["type"] == "step";
    let words: Vec<String> = plan
        .iter()
        .filter(action)
        .map(|step| format!("{} {}", step["action"], step["path"]).replace('"', ""))
        .collect();
    assert_eq!(words, ["copy 0/5", "copy new", "delete 1/1"]);
    env.sandbox.reset_calls();
    let end = env.node_tool(["run", "plan"])?;
    assert_eq!(end.code, 0, "{}", end.err);
    assert_eq!(there(&env, "/t"), here(&env, "s")?);
    for route in [
        "files/list_folder",
        "files/list_folder/continue",
        "files/get_metadata",
    ] {
        assert_eq!(env.sandbox.count(route), 0, "{route}");
    }
    let progress = status(&env)?;
    assert_eq!(progress["files"], serde_json::json!({"all": 2, "done": 2}));
    assert_eq!(progress["last"], serde_json::json!({"all": 1, "done": 1}));
    let again = env.node_tool(["run", "plan"])?;
    assert_eq!((again.code, again.err.lines().count()), (0, 1), "{}", again.err);
    assert!(
        env.node_tool(["sync", "s", "dbx:t", "--plan-out", "plan"])?
            .fails(2)?
            .contains("holds a plan already")
    );
    Ok(())
}

#[test]
fn parts_do_it_together_and_what_is_last_waits_for_all() -> anyhow::Result<()> {
    for (source, target, folder) in [
        ("s", "dbx:t", "/t"),
        ("dbx:s", "t", "/s"),
        ("dbx:s", "dbx:t", "/t"),
    ] {
        let env = TestEnv::connected()?;
        fill(&env, "s", 60)?;
        fs::create_dir_all(env.path("s/empty/inner"))?;
        env.node_tool(["copy", "s", "dbx:s", "--create-empty-src-dirs"])?
            .ok()?;
        for old in ["old/x", "0/gone"] {
            env.sandbox.put_file(&format!("/t/{old}"), b"old", None)?;
            write(&env.path(&format!("t/{old}")), b"old", THEN)?;
        }
        // A zip would be one part.
        let flags = ["--create-empty-src-dirs", "--no-zip"];
        env.node_tool([&["sync", source, target, "--plan-out", "plan"], &flags[..]].concat())?
            .ok()?;
        let refused = env.node_tool(["run", "plan", "--finish"])?;
        assert!(
            refused.err.contains("steps are not copied yet"),
            "{}",
            refused.err
        );
        assert!(refused.fails(1)?.contains("next: node-tool run plan"));
        let mut copied = 0;
        for part in ["3/4", "1/4", "4/4", "2/4"] {
            let end = env.node_tool(["run", "plan", "--part", part])?;
            assert_eq!(end.code, 0, "{source} {target} {part}: {}", end.err);
            let count: u64 = end.err.split(' ').next().unwrap_or_default().parse()?;
            assert!((5..40).contains(&count), "{source} {target} {part}: {}", end.err);
            copied += count;
        }
        assert_eq!(copied, 60);
        let workers = status(&env)?["workers"].as_array().map_or(0, Vec::len);
        assert_eq!(workers, 4);
        assert!(folder == "/s" || there(&env, "/t").contains_key("old/x"));
        env.node_tool(["run", "plan", "--finish"])?.ok()?;
        if target == "t" {
            assert_eq!(differences(&env.path("s"), &env.path("t"))?, Vec::<String>::new());
            assert!(env.path("t/empty/inner").is_dir());
        } else {
            assert_eq!(there(&env, folder), here(&env, "s")?, "{source} {target}");
        }
        let end = env.node_tool(["run", "plan", "--finish"])?;
        assert!(end.err.contains("nothing is left to do"), "{}", end.err);
        assert_eq!(end.code, 0);
    }
    Ok(())
}

#[test]
fn a_job_array_says_which_part_it_is() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    fill(&env, "s", 30)?;
    env.node_tool(["copy", "s", "dbx:t", "--plan-out", "plan"])?
        .ok()?;
    let run = |variables: &[(&str, &str)]| {
        let mut command = env.command("node-tool")?;
        command.args(["run", "plan"]).envs(variables.iter().copied());
        tests::test_env::run(command, "")
    };
    for id in ["7", "9", "11"] {
        let end = run(&[
            ("SLURM_ARRAY_TASK_ID", id),
            ("SLURM_ARRAY_TASK_COUNT", "3"),
            ("SLURM_ARRAY_TASK_MIN", "7"),
            ("SLURM_ARRAY_TASK_STEP", "2"),
        ])?;
        assert_eq!(end.code, 0, "{}", end.err);
    }
    assert_eq!(there(&env, "/t"), here(&env, "s")?);
    let parts: Vec<String> = status(&env)?["workers"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|worker| Some(worker["part"].as_str()?.to_owned()))
        .collect();
    assert_eq!(parts.len(), 3);
    for part in ["1/3", "2/3", "3/3"] {
        assert!(parts.iter().any(|there| there == part), "{parts:?}");
    }
    let gaps = run(&[("SLURM_ARRAY_TASK_ID", "9"), ("SLURM_ARRAY_TASK_COUNT", "2")])?;
    assert!(gaps.fails(2)?.contains("--take"));
    Ok(())
}

#[test]
fn what_changed_since_the_plan_is_reported_and_left() -> anyhow::Result<()> {
    // Up: a source that is another now, gone, or has another time; a target that is another now, or came meanwhile.
    let env = TestEnv::connected()?;
    for name in ["good", "size", "time", "gone", "target", "came"] {
        write(&env.path(&format!("s/{name}")), name.as_bytes(), THEN)?;
    }
    env.sandbox.put_file("/t/target", b"old", None)?;
    env.node_tool(["copy", "s", "dbx:t", "--plan-out", "plan"])?
        .ok()?;
    write(&env.path("s/size"), b"another size", THEN)?;
    write(&env.path("s/time"), b"emit", THEN + 5)?;
    fs::remove_file(env.path("s/gone"))?;
    env.sandbox.put_file("/t/target", b"theirs", None)?;
    env.sandbox.put_file("/t/came", b"theirs too", None)?;
    let end = env.node_tool(["run", "plan"])?;
    assert!([1, 6].contains(&end.code), "{}: {}", end.code, end.err);
    for name in ["size", "time", "gone", "target", "came"] {
        assert!(
            end.err.contains(&format!("failed: '{name}': ")),
            "{name}: {}",
            end.err
        );
    }
    let now = there(&env, "/t");
    let names: Vec<&str> = now.keys().map(String::as_str).collect();
    assert_eq!(names, ["came", "good", "target"]);
    assert_eq!(
        (&*now["came"], &*now["target"]),
        (&b"theirs too"[..], &b"theirs"[..])
    );
    assert_eq!(status(&env)?["failed"].as_array().map(Vec::len), Some(5));
    let finish = env.node_tool(["run", "plan", "--finish"])?;
    assert!(finish.fails(1)?.contains("needs a new plan"));

    // Down: revisions that are others now.
    let env = TestEnv::connected()?;
    for name in ["good", "other", "gone", "folder/x", "target"] {
        env.sandbox.put_file(
            &format!("/s/{name}"),
            name.as_bytes(),
            Some("2020-01-01T00:00:00Z"),
        )?;
    }
    write(&env.path("t/target"), b"old", THEN)?;
    env.node_tool(["copy", "dbx:s", "t", "--plan-out", "plan"])?
        .ok()?;
    env.sandbox.put_file("/s/other", b"other now", None)?;
    env.sandbox.put_file("/s/unplanned", b"new", None)?;
    env.sandbox.remove("/s/gone")?;
    env.sandbox.remove("/s/folder")?;
    write(&env.path("t/target"), b"mine", THEN + 9)?;
    let end = env.node_tool(["run", "plan"])?;
    assert!([1, 6].contains(&end.code), "{}: {}", end.code, end.err);
    for name in ["other", "gone", "folder/x", "target"] {
        assert!(
            end.err.contains(&format!("failed: '{name}': ")),
            "{name}: {}",
            end.err
        );
    }
    let now = here(&env, "t")?;
    assert_eq!(now.keys().collect::<Vec<_>>(), ["good", "target"]);
    assert_eq!(now["target"], b"mine");
    Ok(())
}

/// Returns a plan with the checksum of what it says.
fn resealed(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let body = lines[..lines.len() - 1].join("\n") + "\n";
    let digest = HEXLOWER.encode(&Sha256::digest(&body));
    format!(
        "{body}{{\"type\":\"end\",\"lines\":{},\"sha256\":\"{digest}\"}}\n",
        lines.len() - 1
    )
}

#[test]
fn a_plan_of_another_account_version_or_shape_is_refused() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    fill(&env, "s", 5)?;
    env.node_tool(["copy", "s", "dbx:t", "--plan-out", "plan"])?
        .ok()?;
    let path = env.path("plan/plan.jsonl");
    let good = fs::read_to_string(&path)?;
    for (bad, words) in [
        (
            good.replacen("\"version\":1", "\"version\":9", 1),
            "it has version 9 of the format",
        ),
        (
            good.replacen("\"path\":\"0/0\"", "\"path\":\"0/1\"", 1),
            "changed or damaged",
        ),
        (good[..good.len() / 2].to_owned(), "its end is missing"),
        ("hello\n".into(), "it is no plan"),
    ] {
        fs::write(&path, bad)?;
        for flags in [&[][..], &["--status"], &["--finish"]] {
            let end = env.node_tool([&["run", "plan"], flags].concat())?;
            assert!(end.err.contains(words), "{}", end.err);
            end.fails(7)?;
        }
    }
    let account = good.split("dbid:").nth(1).and_then(|rest| rest.split('"').next());
    let other = resealed(&good.replace(account.unwrap_or_default(), "another"));
    fs::write(&path, other)?;
    let end = env.node_tool(["run", "plan"])?;
    assert!(end.err.contains("another account"), "{}", end.err);
    end.fails(7)?;
    assert_eq!(there(&env, "/t").len(), 0);
    assert!(
        env.node_tool(["run", "nowhere"])?
            .fails(3)?
            .contains("holds no plan")
    );
    Ok(())
}

#[test]
fn a_move_leaves_its_source_only_at_the_end() -> anyhow::Result<()> {
    for (source, target) in [("s", "dbx:t"), ("dbx:s", "t"), ("dbx:s", "dbx:t")] {
        let env = TestEnv::connected()?;
        fill(&env, "s", 20)?;
        env.node_tool(["copy", "s", "dbx:s"])?.ok()?;
        let all = here(&env, "s")?;
        env.node_tool([
            "move",
            source,
            target,
            "--plan-out",
            "plan",
            "--delete-empty-src-dirs",
        ])?
        .ok()?;
        env.node_tool(["run", "plan", "--take"])?.ok()?;
        match source {
            "s" => assert_eq!(here(&env, "s")?, all),
            // A server moves without copying first.
            _ if target == "dbx:t" => assert_eq!(there(&env, "/s").len(), 0),
            _ => assert_eq!(there(&env, "/s"), all),
        }
        env.node_tool(["run", "plan", "--finish"])?.ok()?;
        let (left, now) = match (source, target) {
            ("s", _) => (here(&env, "s")?, there(&env, "/t")),
            (_, "t") => (there(&env, "/s"), here(&env, "t")?),
            _ => (there(&env, "/s"), there(&env, "/t")),
        };
        assert_eq!((left.len(), &now), (0, &all), "{source} {target}");
    }
    Ok(())
}

#[test]
fn renames_and_backups_are_part_of_a_plan() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    fill(&env, "s", 10)?;
    env.node_tool(["copy", "s", "dbx:t"])?.ok()?;
    fs::rename(env.path("s/0/5"), env.path("s/0/renamed"))?;
    write(&env.path("s/1/1"), b"replaced", THEN + 50)?;
    fs::remove_file(env.path("s/2/2"))?;
    let plan = [
        "sync",
        "s",
        "dbx:t",
        "--track-renames",
        "--backup-dir",
        "dbx:old",
        "--plan-out",
        "plan",
    ];
    env.node_tool(plan)?.ok()?;
    env.node_tool(["run", "plan", "--part", "1/2"])?.ok()?;
    env.node_tool(["run", "plan", "--part", "2/2"])?.ok()?;
    env.node_tool(["run", "plan", "--finish"])?.ok()?;
    assert_eq!(there(&env, "/t"), here(&env, "s")?);
    assert_eq!(
        there(&env, "/old").into_keys().collect::<Vec<_>>(),
        ["1/1", "2/2"]
    );
    Ok(())
}

#[test]
fn a_script_that_is_submitted_runs_its_command_and_queues_itself_again() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    fs::create_dir(env.path("bin"))?;
    let stub = |name: &str, text: &str| -> anyhow::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        fs::write(env.path("bin").join(name), text)?;
        Ok(fs::set_permissions(
            env.path("bin").join(name),
            fs::Permissions::from_mode(0o755),
        )?)
    };
    stub(
        "sbatch",
        "#!/bin/bash\n[ \"$1\" = --parsable ] && cat > job.sh && echo 4711\n",
    )?;
    stub(
        "scontrol",
        "#!/bin/bash\necho \"$@\" >> said; echo JobState=RUNNING\n",
    )?;
    let path = format!("{}:{}", env.path("bin").display(), std::env::var("PATH")?);
    let submit = |args: &[&str]| {
        let mut command = env.command("node-tool")?;
        command.arg("submit").args(args).env("PATH", &path);
        tests::test_env::run(command, "")
    };
    let odd = "it's $HOME";
    write(&env.path("s").join(odd), b"x", THEN)?;
    let target = format!("dbx:{odd}");
    let end = submit(&["--now", "--time", "1-12", "--", "copy", "s", &target])?;
    assert_eq!(end.ok()?, "4711\n");
    let script = fs::read_to_string(env.path("job.sh"))?;
    for line in [
        "#SBATCH --time=1-12",
        "#SBATCH --requeue",
        "#SBATCH --signal=B:TERM@60",
        "#SBATCH --job-name=node-tool-copy",
    ] {
        assert!(script.lines().any(|there| there == line), "{line} in\n{script}");
    }
    let job = |script: &str| {
        let mut command = std::process::Command::new("bash");
        env.isolate(&mut command);
        command.env("PATH", &path).env("SLURM_JOB_ID", "4711").arg(script);
        command
    };
    let end = tests::test_env::run(job("job.sh"), "")?;
    assert_eq!(end.code, 0, "{}", end.err);
    assert_eq!(
        env.sandbox.read_file(&format!("/{odd}/{odd}")).as_deref(),
        Some(&b"x"[..])
    );
    assert!(!env.path("said").exists());

    // Told to end, it ends node-tool, and has itself queued again.
    let slow = sandbox::Fault::on("files/upload", sandbox::Kind::Stall { millis: 3_600_000 });
    env.sandbox.fault(slow.times(1000));
    write(&env.path("s/more"), b"more", THEN)?;
    let mut command = job("job.sh");
    command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    env.sandbox.reset_calls();
    let child = command.spawn()?;
    tests::test_env::until(|| !env.sandbox.calls().is_empty())?;
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id())?);
    rustix::process::kill_process(
        pid.ok_or_else(|| anyhow::anyhow!("no process"))?,
        rustix::process::Signal::TERM,
    )?;
    let end = tests::test_env::output_of(child)?;
    assert_eq!(end.code, 130, "{}", end.err);
    assert_eq!(
        fs::read_to_string(env.path("said"))?,
        "show job 4711\nrequeue 4711\n"
    );

    for (args, words) in [
        (&["--", "config", "list"][..], "can't run in a job"),
        (&["--", "copy", "-i", "s", "dbx:t"], "nobody is there to answer"),
        (&["--", "cpoy", "s", "dbx:t"], "can't be submitted"),
        (
            &["--job-name", "a b", "--", "copy", "s", "dbx:t"],
            "can't have spaces",
        ),
        (
            &["--time", "1h", "--", "copy", "s", "dbx:t"],
            "HOURS:MINUTES:SECONDS",
        ),
    ] {
        let said = submit(args)?.fails(2)?;
        assert!(said.contains(words), "{said}");
    }
    fs::remove_file(env.path("bin/sbatch"))?;
    let end = submit(&["--now", "--", "copy", "s", "dbx:t"])?;
    assert!(
        end.code == 1 && end.err.contains("could not submit") || end.code == 0,
        "{}",
        end.err
    );
    Ok(())
}

#[test]
fn what_cannot_be_planned_is_refused_before_anything_is_listed() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    write(&env.path("s/a"), b"a", THEN)?;
    env.sandbox.put_file("/x/a", b"a", None)?;
    let before = env.sandbox.calls().len();
    for (line, what) in [
        (
            vec!["copy", "s", "dbx:t", "--copy-dest", "dbx:x"],
            "several folders",
        ),
        (
            vec!["copyto", "dbx:x/a", "b", "--rev", "0123456789abcdef"],
            "earlier states",
        ),
    ] {
        let line = line.into_iter().chain(["--plan-out", "plan"]);
        let end = env.node_tool(line)?;
        let said = end.fails(2)?;
        assert!(
            said.contains(what) && said.contains("without --plan-out"),
            "{said}"
        );
    }
    let listed = env.sandbox.calls().split_off(before);
    assert!(
        !listed.iter().any(|call| call.route.contains("list_folder")),
        "{listed:?}"
    );
    assert!(!env.path("plan").exists());
    Ok(())
}

//! A transfer that is killed at any moment goes on where it stopped, in a new process, and never with a wrong byte.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use sandbox::{Fault, Kind};
use serde_json::Value;
use tests::files::{noise, write};
use tests::test_env::{TestEnv, output_of, until};

/// Size of the file that is sent, in bytes.
const SIZE: u64 = 100 << 20;
/// Maximum time to wait for a record of the journal. A test that passes never waits that long.
const MAX_WAIT: Duration = Duration::from_secs(300);

fn journals(env: &TestEnv) -> Vec<PathBuf> {
    let dir = env.home().join(".local/state/node-tool/transfers");
    fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect()
}

/// Starts an upload whose calls hang from the n-th piece on, and kills it when all before have been noted.
fn kill_after(env: &TestEnv, pieces: usize) -> anyhow::Result<()> {
    let hang = Fault::on(
        "files/upload_session/append_v2",
        Kind::Stall { millis: 3_600_000 },
    );
    env.sandbox.fault(hang.nth(u32::try_from(pieces)? + 1).times(100));
    run_until_noted(env, &["copy", "from", "dbx:to", "--transfers", "4"], pieces)
}

fn run_until_noted(env: &TestEnv, args: &[&str], pieces: usize) -> anyhow::Result<()> {
    let mut command = env.command("node-tool")?;
    command.args(args);
    let mut child: Child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let deadline = Instant::now() + MAX_WAIT;
    let noted = || {
        let text = journals(env)
            .first()
            .and_then(|path| fs::read_to_string(path).ok());
        text.map_or(0, |text| text.lines().count().saturating_sub(1))
    };
    while noted() < pieces {
        anyhow::ensure!(Instant::now() < deadline, "only {} pieces were noted", noted());
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill()?; // SIGKILL: nothing can be tidied up
    child.wait()?;
    env.sandbox.clear_faults();
    env.sandbox.reset_calls();
    Ok(())
}

/// Bytes that the journals say have arrived.
fn noted(env: &TestEnv) -> anyhow::Result<u64> {
    Ok(records(env)?.iter().sum())
}

/// Bytes that have arrived by each record of the journals. How many records there are depends on how quick the machine is.
fn records(env: &TestEnv) -> anyhow::Result<Vec<u64>> {
    let mut records = Vec::new();
    for journal in journals(env) {
        for line in fs::read_to_string(journal)?.lines().skip(1) {
            let (_, record) = line.split_once(' ').context("no checksum")?;
            let record: Value = serde_json::from_str(record)?;
            let blocks = record["blocks"].as_array().map_or(0, Vec::len) as u64;
            records.push(record["bytes"].as_u64().unwrap_or(blocks * (4 << 20)));
        }
    }
    Ok(records)
}

/// Asks a run to end, as a batch system does.
fn terminate(child: Child) -> anyhow::Result<()> {
    let pid = Pid::from_raw(i32::try_from(child.id())?).context("no process")?;
    kill_process(pid, Signal::TERM)?;
    let end = output_of(child)?;
    assert_eq!(end.code, 130, "{}", end.err);
    Ok(())
}

/// Bytes that calls have added to upload sessions.
fn appended(env: &TestEnv) -> u64 {
    let calls = env.sandbox.calls();
    let calls = calls
        .iter()
        .filter(|call| call.route == "files/upload_session/append_v2" && call.status == 200);
    calls.map(|call| call.bytes_in).sum()
}

/// An environment in which the upload of 100 MiB was killed after `pieces` pieces, and the file's bytes.
fn killed_upload(seed: u64, pieces: usize) -> anyhow::Result<(TestEnv, Vec<u8>)> {
    let env = TestEnv::connected()?;
    let bytes = noise(seed, 100 << 20);
    write(&env.path("from/big"), &bytes, 1_500_000_000)?;
    kill_after(&env, pieces)?;
    Ok((env, bytes))
}

/// Checks what has arrived in the Dropbox.
fn assert_uploaded(env: &TestEnv, bytes: &[u8]) {
    let arrived = env.sandbox.read_file("/to/big");
    assert!(arrived.as_deref() == Some(bytes), "another content arrived");
}

/// Checks what has arrived here.
fn assert_downloaded(env: &TestEnv, bytes: &[u8]) -> anyhow::Result<()> {
    anyhow::ensure!(
        fs::read(env.path("down/big"))? == bytes,
        "another content arrived"
    );
    Ok(())
}

#[test]
fn a_killed_upload_goes_on_from_the_pieces_that_are_there() -> anyhow::Result<()> {
    let (env, bytes) = killed_upload(3, 5)?;
    let kept = noted(&env)?;
    let end = env.node_tool(["cleanup", "from"])?;
    assert!(
        end.err.contains("/from/big' to 'dbx:to/big' can continue"),
        "{}",
        end.err
    );
    let end = env.node_tool(["copy", "from", "dbx:to", "-v"])?;
    assert_eq!(end.code, 0, "{}", end.err);
    assert!(
        end.err.contains("continuing an upload: ") && kept > 0,
        "{}",
        end.err
    );
    assert_eq!(appended(&env), SIZE - kept);
    assert_eq!(env.sandbox.count("files/upload_session/start_batch"), 0);
    assert_uploaded(&env, &bytes);
    assert_eq!(journals(&env), Vec::<PathBuf>::new(), "nothing is left");
    Ok(())
}

#[test]
fn a_changed_source_or_a_lost_session_starts_again() -> anyhow::Result<()> {
    let (env, _) = killed_upload(3, 5)?;
    let bytes = noise(4, 100 << 20);
    write(&env.path("from/big"), &bytes, 1_500_000_001)?;
    env.node_tool(["copy", "from", "dbx:to"])?.ok()?;
    assert_eq!(appended(&env), SIZE);
    assert_uploaded(&env, &bytes);

    let bytes = noise(5, 100 << 20);
    write(&env.path("from/big"), &bytes, 1_500_000_002)?;
    kill_after(&env, 5)?;
    let end = env.node_tool(["cleanup", "elsewhere", "--all"]);
    assert!(
        end.is_ok() && !journals(&env).is_empty(),
        "only what is below the folder"
    );
    env.sandbox
        .fault(Fault::on("files/upload_session/append_v2", Kind::LoseSessions));
    env.node_tool(["copy", "from", "dbx:to"])?.ok()?;
    assert_eq!(env.sandbox.count("files/upload_session/start_batch"), 1);
    assert_uploaded(&env, &bytes);
    Ok(())
}

#[test]
fn a_damaged_journal_is_no_obstacle() -> anyhow::Result<()> {
    let (env, bytes) = killed_upload(6, 4)?;
    let kept: u64 = records(&env)?.iter().rev().skip(1).sum();
    let journal = journals(&env).pop().context("no journal")?;
    let text = fs::read_to_string(&journal)?;
    // The last line is cut in its middle, and one is nonsense.
    let cut = text.trim_end().len() - 20;
    fs::write(&journal, text[..cut].replacen("\n", "\nnonsense\n", 1))?;
    env.node_tool(["copy", "from", "dbx:to"])?.ok()?;
    assert_eq!(appended(&env), SIZE - kept);
    assert_uploaded(&env, &bytes);
    Ok(())
}

/// Starts a download whose calls hang from the n-th range on, and kills it when all before have been noted.
fn kill_download_after(env: &TestEnv, ranges: usize) -> anyhow::Result<()> {
    let hang = Fault::on("files/download", Kind::Stall { millis: 3_600_000 });
    env.sandbox.fault(hang.nth(u32::try_from(ranges)? + 1).times(100));
    run_until_noted(env, &["copy", "dbx:from", "down", "--transfers", "4"], ranges)
}

/// An environment in which the download of 100 MiB was killed after `ranges` ranges, and the file's bytes.
fn killed_download(seed: u64, ranges: usize) -> anyhow::Result<(TestEnv, Vec<u8>)> {
    let env = TestEnv::connected()?;
    let bytes = noise(seed, 100 << 20);
    env.sandbox.put_file("/from/big", &bytes, None)?;
    kill_download_after(&env, ranges)?;
    Ok((env, bytes))
}

fn leftovers(env: &TestEnv) -> Vec<PathBuf> {
    let listed = fs::read_dir(env.path("down")).into_iter().flatten().flatten();
    let is_hidden = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'))
    };
    listed.map(|entry| entry.path()).filter(is_hidden).collect()
}

#[test]
fn a_killed_download_goes_on_from_the_ranges_on_disk() -> anyhow::Result<()> {
    let (env, bytes) = killed_download(7, 3)?;
    assert!(!env.path("down/big").exists());
    assert_eq!(leftovers(&env).len(), 1);
    // What was left is nobody's file.
    assert_eq!(env.node_tool(["lsf", "down"])?.ok()?, "");
    let end = env.node_tool(["copy", "dbx:from", "down", "-v"])?;
    assert_eq!(end.code, 0, "{}", end.err);
    assert!(
        end.err
            .contains("continuing a download: 3 of 7 parts are on disk"),
        "{}",
        end.err
    );
    assert_eq!(env.sandbox.count("files/download"), 4);
    assert_downloaded(&env, &bytes)?;
    assert_eq!(
        (leftovers(&env), journals(&env)),
        (Vec::new(), Vec::new()),
        "nothing is left"
    );
    Ok(())
}

#[test]
fn what_the_disk_lost_or_dropbox_changed_is_fetched_again() -> anyhow::Result<()> {
    let (env, bytes) = killed_download(8, 3)?;
    // A node that crashed: what was noted isn't all on disk.
    let partial = leftovers(&env).pop().context("nothing is left")?;
    fs::OpenOptions::new()
        .write(true)
        .open(&partial)?
        .set_len(20 << 20)?;
    env.node_tool(["copy", "dbx:from", "down"])?.ok()?;
    assert_downloaded(&env, &bytes)?;
    fs::remove_file(env.path("down/big"))?;

    kill_download_after(&env, 3)?;
    let shorter = noise(9, 50 << 20);
    env.sandbox.put_file("/from/big", &shorter, None)?;
    env.node_tool(["copy", "dbx:from", "down"])?.ok()?;
    assert_downloaded(&env, &shorter)?;
    assert_eq!(
        (leftovers(&env), journals(&env)),
        (Vec::new(), Vec::new()),
        "nothing is left"
    );
    Ok(())
}

#[test]
fn a_symlink_in_the_place_of_a_half_file_is_not_written_through() -> anyhow::Result<()> {
    let (env, bytes) = killed_download(10, 2)?;
    let partial = leftovers(&env).pop().context("nothing is left")?;
    fs::remove_file(&partial)?;
    fs::write(env.path("precious"), "mine")?;
    std::os::unix::fs::symlink(env.path("precious"), &partial)?;
    env.node_tool(["copy", "dbx:from", "down"])?.ok()?;
    assert_eq!(fs::read(env.path("precious"))?, b"mine");
    assert_downloaded(&env, &bytes)?;
    assert!(!env.path("down/big").is_symlink());
    Ok(())
}

#[test]
fn a_halted_download_keeps_every_byte_that_has_arrived() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let bytes = noise(11, (40 << 20) + 7);
    env.sandbox.put_file("/from/big", &bytes, None)?;
    let slow = Fault::on("files/download", Kind::Drip { millis: 1 });
    env.sandbox.fault(slow.times(100));
    let child = env.start(&["copy", "dbx:from", "down"])?;
    // All three ranges are open; of the last one a MiB is there.
    let at = (33 << 20) - 16;
    until(|| {
        use std::os::unix::fs::FileExt as _;
        let partial = leftovers(&env).pop().and_then(|path| fs::File::open(path).ok());
        let mut there = [0; 16];
        partial.is_some_and(|file| file.read_exact_at(&mut there, at).is_ok()) && there != [0; 16]
    })?;
    terminate(child)?;
    let kept = noted(&env)?;
    assert!(
        kept > 1 << 20,
        "{kept} bytes are noted, no whole range among them"
    );
    env.sandbox.clear_faults();
    env.sandbox.reset_calls();
    env.node_tool(["copy", "dbx:from", "down"])?.ok()?;
    let calls = env.sandbox.calls();
    let fetched = calls.iter().filter(|call| call.route == "files/download");
    let fetched: u64 = fetched.map(|call| call.bytes_out).sum();
    assert_eq!(
        fetched + kept,
        bytes.len() as u64,
        "what is there isn't fetched again"
    );
    assert_downloaded(&env, &bytes)?;
    Ok(())
}

#[test]
fn on_a_slow_line_an_upload_keeps_what_has_arrived_to_the_block() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let bytes = noise(12, (40 << 20) + 7);
    write(&env.path("from/big"), &bytes, 1_500_000_000)?;
    let child = env.start(&["copy", "from", "dbx:to", "--transfers", "4", "--bwlimit", "4M"])?;
    until(|| noted(&env).is_ok_and(|bytes| bytes > 0))?;
    terminate(child)?;
    let kept = noted(&env)?;
    assert!(kept > 0 && kept < bytes.len() as u64);
    let route = "files/upload_session/append_v2";
    let sent = |env: &TestEnv| -> Vec<u64> {
        let calls = env.sandbox.calls();
        let calls = calls
            .iter()
            .filter(|call| call.route == route && call.status == 200);
        calls.map(|call| call.bytes_in).collect()
    };
    assert!(
        sent(&env).iter().all(|bytes| *bytes <= 4 << 20),
        "{:?}",
        sent(&env)
    );
    env.sandbox.reset_calls();
    env.node_tool(["copy", "from", "dbx:to"])?.ok()?;
    let again: u64 = sent(&env).iter().sum();
    assert_eq!(again + kept, bytes.len() as u64, "what is there isn't sent again");
    assert_uploaded(&env, &bytes);
    Ok(())
}

#[test]
fn a_journal_with_a_wrong_digit_costs_a_block_and_no_file() -> anyhow::Result<()> {
    let (env, bytes) = killed_upload(13, 4)?;
    let kept: u64 = records(&env)?.iter().skip(2).sum();
    let journal = journals(&env).pop().context("no journal")?;
    let text = fs::read_to_string(&journal)?;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    // A digit of a hash, and one of an offset.
    for (line, at) in [
        (1, lines[1].len() - 10),
        (2, lines[2].find(':').context("no offset")? + 1),
    ] {
        let digit = if lines[line].as_bytes()[at] == b'7' {
            "8"
        } else {
            "7"
        };
        lines[line].replace_range(at..=at, digit);
    }
    fs::write(&journal, lines.join("\n") + "\n")?;
    env.node_tool(["copy", "from", "dbx:to"])?.ok()?;
    assert_eq!(appended(&env), SIZE - kept);
    assert_uploaded(&env, &bytes);
    Ok(())
}

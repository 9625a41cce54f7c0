//! A transfer that is killed at any moment goes on where it stopped, in a new process, and never with a wrong byte.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tests::files::{noise, write};
use tests::sandbox::{Fault, Kind};
use tests::world::{World, ended, until};

/// Of the file that is sent.
const SIZE: u64 = 100 << 20;
/// Only matters when something is wrong.
const PATIENCE: Duration = Duration::from_secs(300);

fn journals(world: &World) -> Vec<PathBuf> {
    let dir = world.home().join(".local/state/node-tool/transfers");
    fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect()
}

/// Starts an upload whose calls hang from the n-th piece on, and kills it when all before have been noted.
fn kill_after(world: &World, pieces: usize) -> anyhow::Result<()> {
    let hang = Fault::on(
        "files/upload_session/append_v2",
        Kind::Stall { millis: 3_600_000 },
    );
    world
        .sandbox
        .fault(hang.nth(u32::try_from(pieces)? + 1).times(100));
    run_until_noted(world, &["copy", "from", "dbx:to", "--transfers", "4"], pieces)
}

fn run_until_noted(world: &World, args: &[&str], pieces: usize) -> anyhow::Result<()> {
    let mut command = world.command("node-tool")?;
    command.args(args);
    let mut child: Child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let deadline = Instant::now() + PATIENCE;
    let noted = || {
        let text = journals(world)
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
    world.sandbox.clear_faults();
    world.sandbox.reset_calls();
    Ok(())
}

/// Bytes that the journals say have arrived.
fn noted(world: &World) -> anyhow::Result<u64> {
    Ok(records(world)?.iter().sum())
}

/// Bytes that have arrived by each record of the journals. How many records there are depends on how quick the machine is.
fn records(world: &World) -> anyhow::Result<Vec<u64>> {
    let mut records = Vec::new();
    for journal in journals(world) {
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
    let end = ended(child)?;
    assert_eq!(end.code, 130, "{}", end.err);
    Ok(())
}

/// Bytes that calls have added to upload sessions.
fn appended(world: &World) -> u64 {
    let calls = world.sandbox.calls();
    let calls = calls
        .iter()
        .filter(|call| call.route == "files/upload_session/append_v2" && call.status == 200);
    calls.map(|call| call.bytes_in).sum()
}

#[test]
fn a_killed_upload_goes_on_from_the_pieces_that_are_there() -> anyhow::Result<()> {
    let world = World::connected()?;
    let bytes = noise(3, 100 << 20);
    write(&world.path("from/big"), &bytes, 1_500_000_000)?;
    kill_after(&world, 5)?;
    let kept = noted(&world)?;
    let end = world.node_tool(["cleanup", "from"])?;
    assert!(
        end.err.contains("/from/big' to 'dbx:to/big' can go on"),
        "{}",
        end.err
    );
    let end = world.node_tool(["copy", "from", "dbx:to", "-v"])?;
    assert_eq!(end.code, 0, "{}", end.err);
    assert!(
        end.err.contains("going on with an upload: ") && kept > 0,
        "{}",
        end.err
    );
    assert_eq!(appended(&world), SIZE - kept);
    assert_eq!(world.sandbox.count("files/upload_session/start_batch"), 0);
    assert!(
        world.sandbox.read_file("/to/big") == Some(bytes),
        "another content arrived"
    );
    assert_eq!(journals(&world), Vec::<PathBuf>::new(), "nothing is left");
    Ok(())
}

#[test]
fn a_changed_source_or_a_lost_session_starts_anew() -> anyhow::Result<()> {
    let world = World::connected()?;
    write(&world.path("from/big"), &noise(3, 100 << 20), 1_500_000_000)?;
    kill_after(&world, 5)?;
    let bytes = noise(4, 100 << 20);
    write(&world.path("from/big"), &bytes, 1_500_000_001)?;
    world.node_tool(["copy", "from", "dbx:to"])?.ok()?;
    assert_eq!(appended(&world), SIZE);
    assert!(
        world.sandbox.read_file("/to/big") == Some(bytes),
        "another content arrived"
    );

    let bytes = noise(5, 100 << 20);
    write(&world.path("from/big"), &bytes, 1_500_000_002)?;
    kill_after(&world, 5)?;
    let end = world.node_tool(["cleanup", "elsewhere", "--all"]);
    assert!(
        end.is_ok() && !journals(&world).is_empty(),
        "only what is below the folder"
    );
    world
        .sandbox
        .fault(Fault::on("files/upload_session/append_v2", Kind::LoseSessions));
    world.node_tool(["copy", "from", "dbx:to"])?.ok()?;
    assert_eq!(world.sandbox.count("files/upload_session/start_batch"), 1);
    assert!(
        world.sandbox.read_file("/to/big") == Some(bytes),
        "another content arrived"
    );
    Ok(())
}

#[test]
fn a_damaged_journal_is_no_obstacle() -> anyhow::Result<()> {
    let world = World::connected()?;
    let bytes = noise(6, 100 << 20);
    write(&world.path("from/big"), &bytes, 1_500_000_000)?;
    kill_after(&world, 4)?;
    let kept: u64 = records(&world)?.iter().rev().skip(1).sum();
    let journal = journals(&world).pop().context("no journal")?;
    let text = fs::read_to_string(&journal)?;
    // The last line is cut in its middle, and one is nonsense.
    let cut = text.trim_end().len() - 20;
    fs::write(&journal, text[..cut].replacen("\n", "\nnonsense\n", 1))?;
    world.node_tool(["copy", "from", "dbx:to"])?.ok()?;
    assert_eq!(appended(&world), SIZE - kept);
    assert!(
        world.sandbox.read_file("/to/big") == Some(bytes),
        "another content arrived"
    );
    Ok(())
}

/// Starts a download whose calls hang from the n-th range on, and kills it when all before have been noted.
fn kill_download_after(world: &World, ranges: usize) -> anyhow::Result<()> {
    let hang = Fault::on("files/download", Kind::Stall { millis: 3_600_000 });
    world
        .sandbox
        .fault(hang.nth(u32::try_from(ranges)? + 1).times(100));
    run_until_noted(world, &["copy", "dbx:from", "down", "--transfers", "4"], ranges)
}

fn leftovers(world: &World) -> Vec<PathBuf> {
    let listed = fs::read_dir(world.path("down")).into_iter().flatten().flatten();
    let is_hidden = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'))
    };
    listed.map(|entry| entry.path()).filter(is_hidden).collect()
}

#[test]
fn a_killed_download_goes_on_from_the_ranges_on_disk() -> anyhow::Result<()> {
    let world = World::connected()?;
    let bytes = noise(7, 100 << 20);
    world.sandbox.put_file("/from/big", &bytes, None)?;
    kill_download_after(&world, 3)?;
    assert!(!world.path("down/big").exists());
    assert_eq!(leftovers(&world).len(), 1);
    // What was left is nobody's file.
    assert_eq!(world.node_tool(["lsf", "down"])?.ok()?, "");
    let end = world.node_tool(["copy", "dbx:from", "down", "-v"])?;
    assert_eq!(end.code, 0, "{}", end.err);
    assert!(
        end.err
            .contains("going on with a download: 3 parts are there, 4 to fetch"),
        "{}",
        end.err
    );
    assert_eq!(world.sandbox.count("files/download"), 4);
    assert!(
        fs::read(world.path("down/big"))? == bytes,
        "another content arrived"
    );
    assert_eq!(
        (leftovers(&world), journals(&world)),
        (Vec::new(), Vec::new()),
        "nothing is left"
    );
    Ok(())
}

#[test]
fn what_the_disk_lost_or_dropbox_changed_is_fetched_anew() -> anyhow::Result<()> {
    let world = World::connected()?;
    let bytes = noise(8, 100 << 20);
    world.sandbox.put_file("/from/big", &bytes, None)?;
    kill_download_after(&world, 3)?;
    // A node that crashed: what was noted isn't all on disk.
    let partial = leftovers(&world).pop().context("nothing is left")?;
    fs::OpenOptions::new()
        .write(true)
        .open(&partial)?
        .set_len(20 << 20)?;
    world.node_tool(["copy", "dbx:from", "down"])?.ok()?;
    assert!(
        fs::read(world.path("down/big"))? == bytes,
        "another content arrived"
    );
    fs::remove_file(world.path("down/big"))?;

    kill_download_after(&world, 3)?;
    let shorter = noise(9, 50 << 20);
    world.sandbox.put_file("/from/big", &shorter, None)?;
    world.node_tool(["copy", "dbx:from", "down"])?.ok()?;
    assert!(
        fs::read(world.path("down/big"))? == shorter,
        "another content arrived"
    );
    assert_eq!(
        (leftovers(&world), journals(&world)),
        (Vec::new(), Vec::new()),
        "nothing is left"
    );
    Ok(())
}

#[test]
fn a_symlink_in_the_place_of_a_half_file_is_not_written_through() -> anyhow::Result<()> {
    let world = World::connected()?;
    let bytes = noise(10, 100 << 20);
    world.sandbox.put_file("/from/big", &bytes, None)?;
    kill_download_after(&world, 2)?;
    let partial = leftovers(&world).pop().context("nothing is left")?;
    fs::remove_file(&partial)?;
    fs::write(world.path("precious"), "mine")?;
    std::os::unix::fs::symlink(world.path("precious"), &partial)?;
    world.node_tool(["copy", "dbx:from", "down"])?.ok()?;
    assert_eq!(fs::read(world.path("precious"))?, b"mine");
    assert!(
        fs::read(world.path("down/big"))? == bytes,
        "another content arrived"
    );
    assert!(!world.path("down/big").is_symlink());
    Ok(())
}

#[test]
fn a_halted_download_keeps_every_byte_that_has_arrived() -> anyhow::Result<()> {
    let world = World::connected()?;
    let bytes = noise(11, (40 << 20) + 7);
    world.sandbox.put_file("/from/big", &bytes, None)?;
    let slow = Fault::on("files/download", Kind::Drip { millis: 1 });
    world.sandbox.fault(slow.times(100));
    let child = world.start(&["copy", "dbx:from", "down"])?;
    // All three ranges are open; of the last one a MiB is there.
    let at = (33 << 20) - 16;
    until(|| {
        use std::os::unix::fs::FileExt as _;
        let partial = leftovers(&world).pop().and_then(|path| fs::File::open(path).ok());
        let mut there = [0; 16];
        partial.is_some_and(|file| file.read_exact_at(&mut there, at).is_ok()) && there != [0; 16]
    })?;
    terminate(child)?;
    let kept = noted(&world)?;
    assert!(
        kept > 1 << 20,
        "{kept} bytes are noted, no whole range among them"
    );
    world.sandbox.clear_faults();
    world.sandbox.reset_calls();
    world.node_tool(["copy", "dbx:from", "down"])?.ok()?;
    let calls = world.sandbox.calls();
    let fetched = calls.iter().filter(|call| call.route == "files/download");
    let fetched: u64 = fetched.map(|call| call.bytes_out).sum();
    assert_eq!(
        fetched + kept,
        bytes.len() as u64,
        "what is there isn't fetched again"
    );
    assert!(
        fs::read(world.path("down/big"))? == bytes,
        "another content arrived"
    );
    Ok(())
}

#[test]
fn on_a_slow_line_an_upload_keeps_what_has_arrived_to_the_block() -> anyhow::Result<()> {
    let world = World::connected()?;
    let bytes = noise(12, (40 << 20) + 7);
    write(&world.path("from/big"), &bytes, 1_500_000_000)?;
    let child = world.start(&["copy", "from", "dbx:to", "--transfers", "4", "--bwlimit", "4M"])?;
    until(|| noted(&world).is_ok_and(|bytes| bytes > 0))?;
    terminate(child)?;
    let kept = noted(&world)?;
    assert!(kept > 0 && kept < bytes.len() as u64);
    let route = "files/upload_session/append_v2";
    let sent = |world: &World| -> Vec<u64> {
        let calls = world.sandbox.calls();
        let calls = calls
            .iter()
            .filter(|call| call.route == route && call.status == 200);
        calls.map(|call| call.bytes_in).collect()
    };
    assert!(
        sent(&world).iter().all(|bytes| *bytes <= 4 << 20),
        "{:?}",
        sent(&world)
    );
    world.sandbox.reset_calls();
    world.node_tool(["copy", "from", "dbx:to"])?.ok()?;
    let again: u64 = sent(&world).iter().sum();
    assert_eq!(again + kept, bytes.len() as u64, "what is there isn't sent again");
    assert!(
        world.sandbox.read_file("/to/big") == Some(bytes),
        "another content arrived"
    );
    Ok(())
}

#[test]
fn a_journal_with_a_wrong_digit_costs_a_block_and_no_file() -> anyhow::Result<()> {
    let world = World::connected()?;
    let bytes = noise(13, 100 << 20);
    write(&world.path("from/big"), &bytes, 1_500_000_000)?;
    kill_after(&world, 4)?;
    let kept: u64 = records(&world)?.iter().skip(2).sum();
    let journal = journals(&world).pop().context("no journal")?;
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
    world.node_tool(["copy", "from", "dbx:to"])?.ok()?;
    assert_eq!(appended(&world), SIZE - kept);
    assert!(
        world.sandbox.read_file("/to/big") == Some(bytes),
        "another content arrived"
    );
    Ok(())
}

//! `copy`, both ways: what arrives, what is skipped, what is reported, and with how few calls.

use std::fs;
use std::path::Path;

use sandbox::{Fault, Kind, Sandbox};
use serde_json::json;
use tests::files::{differences, noise, snapshot, write};
use tests::test_env::{TestEnv, text};

/// A tree with everything that has gone wrong before.
fn odd_tree(root: &Path) -> anyhow::Result<()> {
    let names = [
        "plain.txt",
        "with space.txt",
        " leading",
        "umläute/größe.txt",
        "emoji 😀/👩‍🔬.txt",
        "a.",
        "..b",
        "-dash",
        "q'uo\"te",
        "per%cent",
        "colon:name",
        "star*?.txt",
        "deep/er/and/deeper/x",
        "日本語/ファイル",
        "tab\there",
        "[brackets]{a,b}",
    ];
    for (n, name) in names.iter().enumerate() {
        write(
            &root.join(name),
            name.as_bytes(),
            1_000_000_000 + n as u64 * 86_401,
        )?;
    }
    write(&root.join("empty"), b"", 1_234_567_890)?;
    write(&root.join("deep/also empty"), b"", 1_234_567_891)?;
    for (n, len) in [
        (4 << 20) - 1,
        4 << 20,
        (4 << 20) + 1,
        (8 << 20) + 12_345,
        16 << 20,
    ]
    .into_iter()
    .enumerate()
    {
        write(
            &root.join(format!("sizes/{len}")),
            &noise(n as u64 + 1, len),
            1_500_000_000 + n as u64,
        )?;
    }
    Ok(())
}

#[test]
fn a_tree_comes_back_as_it_was() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let (from, back) = (env.path("from"), env.path("back"));
    odd_tree(&from)?;
    let files = snapshot(&from)?.len();
    let said = env.node_tool(["copy", &text(&from), "dbx:up/here"])?;
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        said.err
            .lines()
            .last()
            .is_some_and(|line| line.starts_with(&format!("{files} files copied"))),
        "{}",
        said.err
    );
    assert_eq!(said.out, "");
    env.node_tool(["copy", "dbx:up/here", &text(&back)])?.ok()?;
    assert_eq!(differences(&from, &back)?, Vec::<String>::new());
    assert_eq!(env.sandbox.open_sessions(), 0, "no upload was left half way");

    let commits = env.sandbox.count("files/upload_session/finish_batch_v2");
    assert!(commits <= 2, "{commits} commits for {files} files");
    env.sandbox.reset_calls();
    let again = env.node_tool(["copy", &text(&from), "dbx:up/here"])?;
    assert!(
        again
            .err
            .contains(&format!("0 files copied (0 B), {files} already there")),
        "{}",
        again.err
    );
    env.node_tool(["copy", "dbx:up/here", &text(&back)])?.ok()?;
    let counts = env.sandbox.counts();
    assert_eq!(
        counts
            .keys()
            .filter(|r| r.contains("upload") || r.contains("download"))
            .count(),
        0,
        "{counts:?}"
    );
    Ok(())
}

#[test]
fn thousands_of_small_files_take_few_calls() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let (from, back) = (env.path("from"), env.path("back"));
    for n in 0..5000_u64 {
        write(
            &from.join(format!("d{:02}/f{n:04}", n % 50)),
            &noise(n, usize::try_from(n % 300)?),
            1_600_000_000 + n,
        )?;
    }
    env.node_tool(["copy", &text(&from), "dbx:small"])?.ok()?;
    let counts = env.sandbox.counts();
    let uploads: usize = counts
        .iter()
        .filter(|(route, _)| route.contains("upload"))
        .map(|(_, n)| n)
        .sum();
    assert!(uploads <= 200, "{counts:?}");
    env.node_tool(["copy", "dbx:small", &text(&back)])?.ok()?;
    assert_eq!(differences(&from, &back)?, Vec::<String>::new());
    Ok(())
}

#[test]
fn a_file_above_every_limit_of_a_call_goes_over_many_connections() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let (from, back) = (env.path("from"), env.path("back"));
    write(&from.join("big.bin"), &noise(7, 160 << 20), 1_700_000_000)?;
    env.node_tool(["copy", &text(&from), "dbx:"])?.ok()?;
    let calls = env.sandbox.calls();
    let pieces: Vec<_> = calls
        .iter()
        .filter(|call| call.route == "files/upload_session/append_v2")
        .collect();
    let connections: std::collections::BTreeSet<u64> = pieces.iter().map(|call| call.connection).collect();
    assert!(
        pieces.len() >= 10 && connections.len() >= 3,
        "{} pieces, {connections:?}",
        pieces.len()
    );
    env.node_tool(["copy", "dbx:", &text(&back)])?.ok()?;
    assert_eq!(differences(&from, &back)?, Vec::<String>::new());
    Ok(())
}

#[test]
fn one_file_goes_into_a_folder() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    write(&env.path("one.txt"), b"one", 1_400_000_000)?;
    env.node_tool(["copy", "one.txt", "dbx:folder"])?.ok()?;
    assert_eq!(
        env.sandbox.read_file("/folder/one.txt").as_deref(),
        Some(&b"one"[..])
    );
    env.node_tool(["copy", "dbx:folder/one.txt", "down/deeper"])?
        .ok()?;
    assert_eq!(fs::read(env.path("down/deeper/one.txt"))?, b"one");
    Ok(())
}

#[test]
fn one_file_is_not_worth_a_listing_of_the_whole_account() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    write(&env.path("one.txt"), b"one", 1_400_000_000)?;
    env.node_tool(["copy", "one.txt", "dbx:"])?.ok()?;
    env.node_tool(["copy", "one.txt", "dbx:"])?.ok()?;
    let counts = env.sandbox.counts();
    assert_eq!(counts.get("files/upload"), Some(&1), "{counts:?}");
    assert_eq!(counts.get("files/list_folder"), None, "{counts:?}");
    Ok(())
}

#[test]
fn progress_moves_and_goes_away() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    write(&env.path("from/big"), &noise(1, 64 << 20), 1_400_000_000)?;
    for args in [["copy", "from", "dbx:to", "-P"], ["copy", "dbx:to", "back", "-P"]] {
        let (code, screen) = env.terminal("node-tool", &args)?.end()?;
        assert_eq!(code, 0, "{screen}");
        assert!(
            screen.contains("64.00 MiB of 64.00 MiB") || screen.contains("of 64.00 MiB"),
            "{screen}"
        );
        let last = screen.trim_end().lines().last().unwrap_or_default();
        assert!(last.contains("1 file copied (64.00 MiB)"), "{screen:?}");
    }
    Ok(())
}

#[test]
fn control_characters_in_names_cannot_drive_the_terminal() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    write(&env.path("from/\u{1b}[2Jgone"), b"x", 1_400_000_000)?;
    let said = env.node_tool(["copy", "from", "dbx:to", "-v"])?;
    assert!(
        !said.err.contains('\u{1b}') && said.err.contains("gone"),
        "{:?}",
        said.err
    );
    // In a pipe a file is data: what rclone prints, byte for byte.
    for (verb, name) in [
        ("ls", "\u{241b}[2Jgone"),
        ("lsl", "\u{241b}[2Jgone"),
        ("tree", "\u{1b}[2Jgone"),
    ] {
        let (code, screen) = env.terminal("node-tool", &[verb, "dbx:to"])?.end()?;
        assert_eq!(code, 0, "{screen}");
        assert!(
            !screen.contains("\u{1b}[2J") && screen.contains("gone"),
            "{verb}: {screen:?}"
        );
        let out = env.node_tool([verb, "dbx:to"])?.ok()?;
        assert!(out.contains(name), "{verb}: {out:?}");
    }
    Ok(())
}

#[test]
fn zips_that_can_not_be_had_are_not_asked_for_again_and_again() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for n in 0..40 * 13_u64 {
        env.sandbox
            .put_file(&format!("/from/{}/{n}", n % 40), &noise(n, 40_000), None)?;
    }
    let kind = Kind::Status {
        status: 500,
        html: false,
    };
    env.sandbox
        .fault(Fault::on("files/download_zip", kind).times(10_000));
    env.node_tool(["copy", "dbx:from", "down"])?.ok()?;
    assert_eq!(snapshot(&env.path("down"))?.len(), 40 * 13);
    let asked = env.sandbox.count("files/download_zip");
    assert!((1..=26).contains(&asked), "{asked} zips were asked for");
    Ok(())
}

#[test]
fn an_interrupted_copy_says_how_to_go_on_and_leaves_no_half_file() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_file("/from/slow", &noise(1, 1 << 20), None)?;
    env.sandbox
        .fault(Fault::on("files/download", Kind::Drip { millis: 50 }).times(10));
    let mut terminal = env.terminal("node-tool", &["copy", "dbx:from", "down", "-P"])?;
    terminal.expect("1.00 MiB")?;
    terminal.send("\u{3}")?;
    let (code, screen) = terminal.end()?;
    assert_eq!(code, 130, "{screen}");
    assert!(screen.contains("repeat the command to continue"), "{screen}");
    assert!(!env.path("down/slow").exists());
    Ok(())
}

#[test]
fn only_what_differs_is_copied() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let from = env.path("from");
    for name in ["same", "touched", "changed", "grown"] {
        write(&from.join(name), b"12345", 1_500_000_000)?;
    }
    env.node_tool(["copy", "from", "dbx:to"])?.ok()?;
    write(&from.join("touched"), b"12345", 1_600_000_000)?;
    write(&from.join("changed"), b"54321", 1_600_000_000)?;
    write(&from.join("grown"), b"123456", 1_500_000_000)?;
    env.sandbox.put_file("/to/only there", b"stays", None)?;
    let said = env.node_tool(["copy", "from", "dbx:to", "-v"])?;
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(
        env.sandbox.read_file("/to/changed").as_deref(),
        Some(&b"54321"[..])
    );
    assert_eq!(
        env.sandbox.read_file("/to/grown").as_deref(),
        Some(&b"123456"[..])
    );
    assert_eq!(
        env.sandbox.read_file("/to/only there").as_deref(),
        Some(&b"stays"[..])
    );
    assert!(!said.err.contains("same: Copied"), "{}", said.err);
    Ok(())
}

#[test]
fn a_dry_run_changes_nothing() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    write(&env.path("from/new"), b"x", 1_500_000_000)?;
    env.sandbox.put_file("/there/file", b"y", None)?;
    let said = env.node_tool(["copy", "from", "dbx:there", "--dry-run"])?;
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        said.err.contains("new: Skipped copy as --dry-run is set"),
        "{}",
        said.err
    );
    assert_eq!(env.sandbox.tree().len(), 2);
    env.node_tool(["copy", "dbx:there", "down", "--dry-run"])?.ok()?;
    assert!(!env.path("down").exists());
    Ok(())
}

#[test]
fn one_bad_file_does_not_stop_the_others() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let from = env.path("from");
    write(&from.join("good"), b"good", 1_500_000_000)?;
    write(&from.join("thumbs.db"), b"refused by name", 1_500_000_000)?;
    write(&from.join("back\\slash"), b"refused by form", 1_500_000_000)?;
    write(&from.join("trailing "), b"refused by form", 1_500_000_000)?;
    let said = env.node_tool(["copy", "from", "dbx:to"])?;
    assert_ne!(said.code, 0, "{}", said.err);
    assert_eq!(env.sandbox.read_file("/to/good").as_deref(), Some(&b"good"[..]));
    for name in ["thumbs.db", "back\\slash", "trailing "] {
        assert!(said.err.contains(name), "{name} in {}", said.err);
    }
    assert!(said.err.contains("3 "), "{}", said.err);
    Ok(())
}

#[test]
fn names_that_are_one_on_dropbox_are_reported_not_mixed() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let from = env.path("from");
    write(&from.join("Readme"), b"upper", 1_500_000_000)?;
    write(&from.join("README"), b"other", 1_500_000_000)?;
    write(&from.join("fine"), b"fine", 1_500_000_000)?;
    let said = env.node_tool(["copy", "from", "dbx:to"])?;
    assert_ne!(said.code, 0, "{}", said.err);
    assert!(
        said.err.contains("Readme") && said.err.contains("README"),
        "{}",
        said.err
    );
    assert_eq!(env.sandbox.read_file("/to/fine").as_deref(), Some(&b"fine"[..]));
    Ok(())
}

#[test]
fn damaged_and_cut_bodies_never_arrive() -> anyhow::Result<()> {
    for kind in [
        Kind::Flip,
        Kind::Truncate,
        Kind::CutAfter,
        Kind::Status {
            status: 503,
            html: true,
        },
    ] {
        let env = TestEnv::connected()?;
        let bytes = noise(3, 20 << 20);
        env.sandbox.put_file("/big", &bytes, None)?;
        env.sandbox.put_file("/small", b"small", None)?;
        env.sandbox
            .fault(Fault::on("files/download", kind.clone()).times(2));
        let said = env.node_tool(["copy", "dbx:", "down"])?;
        assert_eq!(said.code, 0, "{kind:?}: {}", said.err);
        assert_eq!(fs::read(env.path("down/big"))?, bytes, "{kind:?}");
        assert_eq!(fs::read(env.path("down/small"))?, b"small", "{kind:?}");
        assert_eq!(
            fs::read_dir(env.path("down"))?.count(),
            2,
            "{kind:?}: nothing temporary is left"
        );
    }
    Ok(())
}

#[test]
fn a_full_account_ends_the_run_with_what_to_do() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.set_quota(10_000);
    for n in 0..20_u64 {
        write(
            &env.path(&format!("from/f{n:02}")),
            &noise(n, 1000),
            1_500_000_000,
        )?;
    }
    let said = env.node_tool(["copy", "from", "dbx:to"])?;
    assert_ne!(said.code, 0, "{}", said.err);
    assert!(
        said.err.contains("full") || said.err.contains("space"),
        "{}",
        said.err
    );
    Ok(())
}

#[test]
fn somebody_elses_newer_version_is_not_overwritten() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    write(&env.path("from/file"), b"mine", 1_500_000_000)?;
    let conflict = json!({".tag": "path", "path": {".tag": "conflict", "conflict": {".tag": "file"}}});
    env.sandbox.put_file("/to/file", b"old", None)?;
    let fault = Kind::Route {
        error: json!({".tag": "path", "reason": conflict["path"], "upload_session_id": "x"}),
    };
    env.sandbox.fault(Fault::on("files/upload", fault));
    let said = env.node_tool(["copy", "from", "dbx:to"])?;
    assert_ne!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("file"), "{}", said.err);
    assert_eq!(env.sandbox.read_file("/to/file").as_deref(), Some(&b"old"[..]));
    Ok(())
}

#[test]
fn uploads_survive_faults_of_every_route() -> anyhow::Result<()> {
    let kinds = [
        Kind::Status {
            status: 500,
            html: false,
        },
        Kind::Status {
            status: 502,
            html: true,
        },
        Kind::TooMany {
            retry_after: Some(1),
            plain: false,
        },
        Kind::TooMany {
            retry_after: None,
            plain: true,
        },
        Kind::CutBefore,
        Kind::CutDuring,
        Kind::CutAfter,
        Kind::Contention,
        Kind::Expire,
    ];
    let routes = [
        "files/list_folder",
        "files/upload_session/start_batch",
        "files/upload_session/start",
        "files/upload_session/append_batch",
        "files/upload_session/append_v2",
        "files/upload_session/finish_batch_v2",
    ];
    for kind in kinds {
        let env = TestEnv::connected()?;
        let from = env.path("from");
        for n in 0..30_u64 {
            write(&from.join(format!("f{n}")), &noise(n, 1000), 1_500_000_000)?;
        }
        write(&from.join("big"), &noise(99, 20 << 20), 1_500_000_000)?;
        write(&from.join("empty"), b"", 1_500_000_000)?;
        for route in routes {
            env.sandbox.fault(Fault::on(route, kind.clone()));
        }
        let said = env.node_tool(["copy", "from", "dbx:to"])?;
        assert_eq!(said.code, 0, "{kind:?}: {}", said.err);
        env.sandbox.clear_faults();
        env.node_tool(["copy", "dbx:to", "back"])?.ok()?;
        assert_eq!(
            differences(&from, &env.path("back"))?,
            Vec::<String>::new(),
            "{kind:?}"
        );
    }
    Ok(())
}

#[test]
fn small_header_limits_are_found_out() -> anyhow::Result<()> {
    let small = Sandbox::builder().header_limit(6 * 1024);
    // A proxy that doesn't say why: only what is tried beyond 8 KiB may meet it.
    let silent = Sandbox::builder().header_limit(12 * 1024).header_cuts();
    let silent_and_small = Sandbox::builder().header_limit(4 * 1024).header_cuts();
    for builder in [small, silent, silent_and_small] {
        let env = TestEnv::with(builder)?;
        env.connect("dbx")?;
        for n in 0..300_u64 {
            write(&env.path(&format!("from/f{n:03}")), &noise(n, 100), 1_500_000_000)?;
        }
        env.node_tool(["copy", "from", "dbx:to"])?.ok()?;
        let files = env.sandbox.tree().iter().filter(|s| !s.is_folder).count();
        assert_eq!(files, 300);
        let calls = env.sandbox.count("files/upload_session/append_batch");
        assert!(calls <= 80, "{calls} calls");
    }
    Ok(())
}

#[test]
fn shared_folders_have_commits_of_their_own() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_shared_folder("/to/Lab", false)?;
    env.sandbox.put_shared_folder("/to/Lab/Inner", false)?;
    let mut files = Vec::new();
    for n in 0..30_u64 {
        let folder = ["", "lab/", "Lab/inner/", "other/"][n as usize % 4];
        files.push((format!("{folder}f{n:03}"), noise(n, 100)));
    }
    for (path, bytes) in &files {
        write(&env.path("from").join(path), bytes, 1_500_000_000)?;
    }
    env.node_tool(["copy", "from", "dbx:to"])?.ok()?;
    for (path, bytes) in &files {
        assert_eq!(
            env.sandbox.read_file(&format!("/to/{path}")).as_ref(),
            Some(bytes),
            "{path}"
        );
    }
    let calls = env.sandbox.calls();
    let commits = calls
        .iter()
        .filter(|call| call.route.ends_with("finish_batch_v2"));
    let entries: Vec<usize> = commits.map(|call| call.entries).collect();
    assert_eq!(entries.len(), 3, "{entries:?}");
    assert_eq!(entries.iter().sum::<usize>(), 30, "{entries:?}");

    // Where it isn't known what is shared, Dropbox says so.
    for name in ["plain", "lab/deep"] {
        write(&env.path("few").join(name), name.as_bytes(), 1_500_000_000)?;
    }
    env.node_tool(["copy", "few", "dbx:to"])?.ok()?;
    assert_eq!(
        env.sandbox.read_file("/to/Lab/deep").as_deref(),
        Some(&b"lab/deep"[..])
    );
    Ok(())
}

#[test]
fn names_from_the_server_stay_in_the_target() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_file("/d/Name", b"upper", None)?;
    fs::create_dir_all(env.path("down"))?;
    std::os::unix::fs::symlink(env.path("elsewhere"), env.path("down/Name"))?;
    let said = env.node_tool(["copy", "dbx:d", "down"])?;
    assert!(
        !env.path("elsewhere").exists(),
        "nothing is written through a link: {}",
        said.err
    );
    Ok(())
}

#[test]
fn sources_that_are_not_there_are_named() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let err = env.node_tool(["copy", "no/such/folder", "dbx:to"])?.fails(3)?;
    assert!(err.contains("no/such/folder"), "{err}");
    let err = env.node_tool(["copy", "dbx:no/such", "down"])?.fails(3)?;
    assert!(err.contains("no/such"), "{err}");
    assert!(!env.path("down").exists());
    Ok(())
}

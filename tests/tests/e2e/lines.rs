//! The lines that people already have: of guides, scripts and habits with rclone. Each does what rclone's does, or says why not and
//! what to type.

use std::fs;

use sandbox::{Fault, Kind};
use tests::{
    files::write,
    next_lines::words,
    test_env::{Output, TestEnv},
};

const TIME: u64 = 1_600_000_000;

/// A home directory with files, and a Dropbox with some.
fn env() -> anyhow::Result<TestEnv> {
    let env = TestEnv::connected()?;
    for (path, content) in [
        ("src/data.csv", "1,2"),
        ("src/run/a.h5", "aaaa"),
        ("src/run/b.tmp", "b"),
        ("list.txt", "data.csv\n"),
        ("rules.txt", "- *.tmp\n"),
    ] {
        write(&env.path(path), content.as_bytes(), TIME)?;
    }
    fs::copy(env.config(), env.path("mine.toml"))?;
    env.node_tool(["copy", "src", "dbx:data"])?.ok()?;
    Ok(env)
}

fn play(env: &TestEnv, line: &str) -> anyhow::Result<Output> {
    env.node_tool(words(line).into_iter().skip(1))
}

/// What a Dropbox holds.
fn there(env: &TestEnv, place: &str) -> anyhow::Result<Vec<String>> {
    let listed = env.node_tool(["lsf", "-R", "--files-only", place])?.ok()?;
    Ok(listed.lines().map(str::to_owned).collect())
}

#[test]
fn lines_that_people_have_do_what_they_did() -> anyhow::Result<()> {
    let env = env()?;
    for (line, said) in [
        // What guides of computing centres show.
        (
            "node-tool copy -P --transfers 8 --checkers 16 --fast-list src dbx:out",
            "",
        ),
        ("node-tool --dry-run copy src dbx:new", "3 files to copy"),
        ("node-tool copy --dry-run=true src dbx:new", "3 files to copy"),
        ("node-tool -vP copy src dbx:out", ""),
        (
            "node-tool sync src dbx:out --delete-after --backup-dir dbx:old",
            "",
        ),
        (
            "node-tool sync --delete-during --ignore-errors --max-delete-size 1G src dbx:out",
            "",
        ),
        (
            "node-tool copy --max-age 24h --no-traverse src dbx:recent",
            "0 files copied",
        ),
        (
            "node-tool copy --update --use-server-modtime --create-empty-src-dirs src dbx:out",
            "",
        ),
        ("node-tool --config mine.toml lsd dbx:", "data"),
        (
            "node-tool lsf -R --files-only --format tsp dbx:data",
            "4;run/a.h5",
        ),
        (
            "node-tool lsf dbx:data -R --format=ps --separator=,",
            "run/a.h5,4",
        ),
        ("node-tool lsd --max-depth 1 dbx:", "data"),
        ("node-tool lsl --human-readable dbx:data", "run/a.h5"),
        ("node-tool size dbx:data --json", r#""count":3"#),
        ("node-tool about dbx: --json", "total"),
        ("node-tool tree --level 2 dbx:data", "run"),
        // Batch scripts.
        (
            "node-tool copy --log-file=copy.log --log-level INFO --stats 10s --stats-one-line src dbx:out",
            "",
        ),
        (
            "node-tool copy --log-level=DEBUG --log-file debug.log src dbx:out",
            "",
        ),
        (
            "node-tool copy src dbx:out --retries 5 --retries-sleep 10s --low-level-retries 20",
            "",
        ),
        (
            "node-tool copy src dbx:out --tpslimit 12 --tpslimit-burst 4 --timeout 10m --contimeout 60s",
            "",
        ),
        (
            "node-tool copy --dropbox-batch-mode async --dropbox-batch-size 100 --dropbox-chunk-size 96M src dbx:out",
            "",
        ),
        (
            "node-tool copy --bwlimit 50M --buffer-size 32M --use-mmap --multi-thread-streams 8 src dbx:out",
            "",
        ),
        (
            "node-tool copy --checksum --check-first --inplace --order-by size,desc src dbx:out",
            "",
        ),
        (
            "node-tool copy --modify-window 2s --size-only --no-update-modtime src dbx:out",
            "",
        ),
        (
            "node-tool copy --exclude-from rules.txt --include-from rules.txt --ignore-case src dbx:none",
            "",
        ),
        (
            "node-tool copy --files-from list.txt --no-check-dest src dbx:listed",
            "1 file copied",
        ),
        (
            "node-tool copy --filter '- *.tmp' --hash-filter 0/1 -x src dbx:part",
            "2 files copied",
        ),
        (
            "node-tool sync -n --exclude '*.tmp' --delete-excluded src dbx:data",
            "1 to delete",
        ),
        (
            "node-tool move --delete-empty-src-dirs --min-age 10y src dbx:moved",
            "0 files moved",
        ),
        (
            "node-tool check --one-way --size-only src dbx:data",
            "0 differences",
        ),
        (
            "node-tool copyto src/data.csv dbx:out/renamed.csv --ignore-checksum",
            "1 file",
        ),
        ("node-tool cat dbx:data/data.csv --head 3 --fast-list", "1,2"),
        (
            "node-tool hashsum dropbox dbx:data --include '*.csv' -q",
            "data.csv",
        ),
        (
            "node-tool --color NEVER --user-agent Mozilla/5.0 --cache-dir cache ls dbx:data",
            "data.csv",
        ),
        (
            "node-tool delete --rmdirs --max-delete 3 --auto-confirm dbx:listed",
            "",
        ),
        ("node-tool rmdirs --leave-root dbx:data --transfers 4 -v", ""),
        ("node-tool mkdir --dry_run dbx:made", "Skipped make directory"),
        ("node-tool purge --dry-run --retries 1 dbx:data", "Skipped purge"),
        ("node-tool version --fast-list", "node-tool v"),
        // Flags of services that aren't in use.
        (
            "node-tool copy -v --drive-chunk-size 64M --s3-no-check-bucket --rc-addr :1 src dbx:out",
            "--drive-chunk-size has no effect here: it is about Google Drive",
        ),
        (
            "node-tool sync -n src dbx:data --combined - --s3-secret-access-key HUSH --exclude *.tmp --delete-excluded",
            "- run/b.tmp",
        ),
        (
            "node-tool lsd --default-time 2011-12-13T14:15:16Z dbx:",
            "2011-12-13",
        ),
        (
            "node-tool ls -v --log-format nolevel,pid dbx:data --header X-Project:a --bind 127.0.0.1",
            "data.csv",
        ),
        (
            "node-tool ls dbx:data -v --log-file full.log --log-file-max-size 1 --log-file-max-backups 1",
            "data.csv",
        ),
        ("node-tool config show", "[dbx]"),
        ("node-tool config redacted dbx", "[dbx]"),
        ("node-tool config paths", "Config file: "),
    ] {
        let end = play(&env, line)?;
        let all = format!("{}{}", end.out, end.err);
        assert_eq!(end.code, 0, "{line}: {all}");
        assert!(all.contains(said), "{line}: {all}");
    }
    assert_eq!(there(&env, "dbx:data")?, ["data.csv", "run/a.h5", "run/b.tmp"]);
    let log = fs::read_to_string(env.path("copy.log"))?;
    assert!(
        log.contains("INFO  : --stats-one-line: statistics are one line anyway"),
        "{log}"
    );
    Ok(())
}

#[test]
fn lines_that_cannot_be_honoured_end_before_anything_is_done() -> anyhow::Result<()> {
    let env = env()?;
    env.sandbox.reset_calls();
    for (line, said) in [
        (
            "node-tool mount dbx: mnt --vfs-cache-mode writes --daemon",
            "node-tool copy dbx:FOLDER /scratch/FOLDER",
        ),
        ("node-tool serve webdav dbx: --addr :8080", "node-tool link"),
        ("node-tool bisync src dbx:data --resync", "--update"),
        ("node-tool dedupe newest dbx:", "can't hold two files of one name"),
        ("node-tool rm dbx:data/data.csv", "--dry-run"),
        ("node-tool cp src dbx:data", "node-tool copy SOURCE DEST"),
        (
            "node-tool copy --vfs-cache-mode full src dbx:data",
            "nothing is mounted or served here",
        ),
        (
            "node-tool copy --drive-nosuch src dbx:data",
            "unexpected argument",
        ),
        (
            "node-tool copy --header Authorization:HUSH src dbx:data",
            "calls set the header Authorization themselves",
        ),
        (
            "node-tool copyurl --header X-A:b https://example.org/x dbx:x",
            "Dropbox fetches the file itself",
        ),
        (
            "node-tool copy --client-cert list.txt src dbx:data",
            "belong together",
        ),
        ("node-tool config providers", "there is one kind of remote"),
        ("node-tool config string dbx", "its login in it"),
        ("node-tool settier Cool dbx:data", "one storage class"),
        ("node-tool sync --rc --rc-addr :5572 src dbx:data", "--stats 10s"),
        (
            "node-tool sync src dbx:data --delete-exclude",
            "unexpected argument '--delete-exclude'",
        ),
        (
            "node-tool sync src dbx:data --metadata-include x",
            "no such metadata",
        ),
        (
            "node-tool purge dbx:data --include '*.tmp'",
            "node-tool delete dbx:data --include '*.tmp' --dry-run",
        ),
        (
            "node-tool copy src dbx:data --dry-run=perhaps",
            "takes true or false",
        ),
        (
            "node-tool copy src dbx:data --backend-flag",
            "unexpected argument",
        ),
        ("node-tool copy src dbx", "node-tool copy src dbx:"),
        ("node-tool lsf dbx/data", "node-tool lsf dbx:data"),
        ("node-tool purge dbx", "node-tool purge dbx:"),
        (
            "node-tool copy src/data.csv dbx:new.csv",
            "node-tool copyto src/data.csv dbx:new.csv",
        ),
        ("node-tool sync src list.txt dbx:data", "sync takes one source"),
        ("node-tool sync 'dbx:data/*.csv' out", "is a pattern"),
        (
            "node-tool copy dbx:data dbx:more out",
            "have to be on this machine",
        ),
        ("node-tool copy src gone dbx:data", "'gone' is not there"),
        (
            "node-tool lsf dbx:My Folder",
            "a name with a blank needs quotes: 'dbx:My Folder'",
        ),
        (
            "node-tool copy --bwlimit '8am,512k 19:00,off' src dbx:data",
            "'8am,512k' is no slot of a timetable",
        ),
    ] {
        let end = play(&env, line)?;
        assert_eq!(end.code, 2, "{line}: {}{}", end.out, end.err);
        assert!(end.err.contains(said), "{line}: {}", end.err);
        assert!(!end.err.contains("--delete-excluded"), "{line}: {}", end.err);
    }
    let changing = env.sandbox.calls().into_iter().filter(|call| {
        let only_reads = ["get_metadata", "list_folder", "get_current_account"];
        !only_reads.iter().any(|route| call.route.contains(route))
    });
    assert_eq!(changing.count(), 0);
    Ok(())
}

#[test]
fn several_sources_keep_their_names_and_take_few_calls() -> anyhow::Result<()> {
    let env = env()?;
    for number in 0..20 {
        write(&env.path(&format!("many/{number}.csv")), b"x", TIME)?;
    }
    env.sandbox.reset_calls();
    let mut command = env.command("node-tool")?;
    let files = (0..20).map(|number| format!("many/{number}.csv"));
    command
        .arg("copy")
        .args(files)
        .args(["src", "list.txt", "dbx:several"]);
    tests::test_env::run(command, "")?.ok()?;
    assert!(
        env.sandbox.calls().len() < 20,
        "{} calls",
        env.sandbox.calls().len()
    );
    let all = there(&env, "dbx:several")?;
    assert_eq!(all.len(), 24, "{all:?}");
    for path in ["7.csv", "list.txt", "src/data.csv", "src/run/a.h5"] {
        assert!(all.contains(&path.to_owned()), "{all:?}");
    }
    // Filters count inside, and a move takes only what was named.
    play(&env, "node-tool move src list.txt dbx:moved --exclude '*.tmp'")?.ok()?;
    assert_eq!(
        there(&env, "dbx:moved")?,
        ["list.txt", "src/data.csv", "src/run/a.h5"]
    );
    assert!(env.path("src/run/b.tmp").exists() && env.path("rules.txt").exists());
    // A name with a blank that wasn't quoted.
    write(&env.path("my file.txt"), b"x", TIME)?;
    for (line, next) in [
        (
            "node-tool copy my file.txt dbx:x",
            "next: node-tool copy 'my file.txt' dbx:x",
        ),
        (
            "node-tool copy rules.txt dbx:My Folder",
            "next: node-tool copy rules.txt 'dbx:My Folder'",
        ),
    ] {
        let err = play(&env, line)?.fails(2)?;
        assert!(err.contains(next), "{err}");
    }
    Ok(())
}

#[test]
fn a_pattern_in_a_place_is_an_include() -> anyhow::Result<()> {
    let env = env()?;
    play(&env, "node-tool copy 'dbx:data/*.csv' out")?.ok()?;
    play(&env, "node-tool copy 'dbx:data/r*' runs")?.ok()?;
    play(&env, "node-tool copy 'src/run/*.h5' dbx:h5")?.ok()?;
    assert!(env.path("out/data.csv").exists() && !env.path("out/run").exists());
    assert!(env.path("runs/run/a.h5").exists() && !env.path("runs/data.csv").exists());
    assert_eq!(there(&env, "dbx:h5")?, ["a.h5"]);
    let listed = play(&env, "node-tool lsf 'dbx:data/*.csv'")?.ok()?;
    assert_eq!(listed, "data.csv\n");
    let listed = play(&env, "node-tool lsl 'dbx:*/run/*.h5'")?.ok()?;
    assert!(listed.ends_with("data/run/a.h5\n"), "{listed}");
    for (line, next) in [
        (
            "node-tool delete 'dbx:data/run/*'",
            "next: node-tool delete dbx:data/run --include '/*' --dry-run",
        ),
        (
            "node-tool cat 'dbx:data/*.csv'",
            "next: node-tool cat dbx:data --include '/*.csv'",
        ),
    ] {
        let err = play(&env, line)?.fails(2)?;
        assert!(err.contains(next), "{err}");
    }
    // A name that looks like one is a name.
    write(&env.path("src/[1].txt"), b"x", TIME)?;
    play(&env, "node-tool copy 'src/[1].txt' dbx:odd")?.ok()?;
    play(&env, "node-tool copy 'dbx:odd/[1].txt' odd")?.ok()?;
    assert!(env.path("odd/[1].txt").exists());
    Ok(())
}

#[test]
fn a_file_gets_the_name_that_is_certainly_meant() -> anyhow::Result<()> {
    let env = env()?;
    play(&env, "node-tool copy src/data.csv dbx:x/data.csv")?.ok()?;
    assert_eq!(there(&env, "dbx:x")?, ["data.csv"]);
    play(&env, "node-tool copy src/data.csv dbx:new.csv/")?.ok()?;
    assert_eq!(there(&env, "dbx:new.csv")?, ["data.csv"]);
    play(&env, "node-tool copy src/data.csv dbx:new.csv")?.ok()?;
    play(&env, "node-tool copy src/data.csv dbx:v1.2")?.ok()?;
    assert_eq!(there(&env, "dbx:v1.2")?, ["data.csv"]);
    Ok(())
}

#[test]
fn other_folders_of_the_dropbox_spare_an_upload() -> anyhow::Result<()> {
    let env = env()?;
    write(&env.path("src/new.csv"), b"new", TIME)?;
    let end = play(&env, "node-tool copy src dbx:week2 --compare-dest dbx:data")?;
    assert!(end.code == 0 && end.err.contains("1 file copied"), "{}", end.err);
    assert_eq!(there(&env, "dbx:week2")?, ["new.csv"]);
    env.sandbox.reset_calls();
    play(&env, "node-tool sync src dbx:week3 --copy-dest dbx:data")?.ok()?;
    assert_eq!(there(&env, "dbx:week3")?.len(), 4);
    assert_eq!(env.sandbox.count("files/copy_batch_v2"), 1);
    let err = play(&env, "node-tool move src dbx:w --compare-dest dbx:data")?.fails(2)?;
    assert!(err.contains("must not be removed from the source"), "{err}");
    let err = play(&env, "node-tool copy src dbx:w --copy-dest src")?.fails(2)?;
    assert!(err.contains("--copy-dest"), "{err}");
    Ok(())
}

#[test]
fn delete_asks_on_a_terminal_and_keeps_to_its_limits() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for number in 0..7 {
        write(&env.path(&format!("from/{number}")), b"x", TIME)?;
    }
    env.node_tool(["copy", "from", "dbx:to"])?.ok()?;
    let err = env
        .node_tool(["delete", "dbx:to", "--max-delete", "6"])?
        .fails(7)?;
    assert!(
        err.contains("7 files would be deleted, more than --max-delete 6"),
        "{err}"
    );
    let err = env
        .node_tool(["delete", "dbx:to", "--max-delete-size", "6b"])?
        .fails(7)?;
    assert!(err.contains("--max-delete-size"), "{err}");
    let mut terminal = env.terminal("node-tool", &["delete", "dbx:to"])?;
    terminal.expect("Delete 7 files from dbx:to? (y/n) [n]> ")?;
    terminal.send("n\n")?;
    assert_ne!(terminal.end()?.0, 0);
    assert_eq!(there(&env, "dbx:to")?.len(), 7);
    let mut terminal = env.terminal("node-tool", &["delete", "-i", "dbx:to", "--include", "[01]"])?;
    terminal.expect("delete \"0\"?")?;
    terminal.send("n\n")?;
    terminal.expect("delete \"1\"?")?;
    terminal.send("y\n")?;
    assert_eq!(terminal.end()?.0, 0);
    assert_eq!(there(&env, "dbx:to")?.len(), 6);
    let terminal = env.terminal("node-tool", &["delete", "--yes", "dbx:to"])?;
    assert_eq!(terminal.end()?.0, 0);
    assert!(there(&env, "dbx:to")?.is_empty());
    Ok(())
}

#[test]
fn nothing_changes_in_a_dry_run_of_any_verb() -> anyhow::Result<()> {
    let env = env()?;
    let before = there(&env, "dbx:")?;
    env.node_tool(["deletefile", "dbx:data/run/b.tmp"])?.ok()?;
    env.node_tool(["mkdir", "dbx:empty"])?.ok()?;
    env.sandbox.reset_calls();
    for line in [
        "node-tool --dry-run mkdir dbx:made",
        "node-tool -n rmdir dbx:empty",
        "node-tool rmdirs -n dbx:empty",
        "node-tool --dry-run purge dbx:data",
        "node-tool --dry-run delete dbx:data --rmdirs",
        "node-tool deletefile --dry-run=1 dbx:data/data.csv",
        "node-tool touch -n dbx:touched",
        "node-tool --dry_run link dbx:data",
        "node-tool --dry-run restore dbx:data/run/b.tmp",
        "node-tool cleanup -n .",
        "node-tool --dry-run copy src dbx:x",
        "node-tool --dry-run copy src list.txt dbx:x",
        "node-tool --dry-run move src dbx:x",
        "node-tool --dry-run sync src dbx:x",
        "node-tool --dry-run copyto src/data.csv dbx:x",
        "node-tool --dry-run moveto src/data.csv dbx:x",
    ] {
        play(&env, line)?.ok()?;
    }
    let changes = [
        "upload",
        "delete",
        "create",
        "copy",
        "move",
        "restore",
        "permanently",
    ];
    let calls = env.sandbox.calls().into_iter();
    let changing: Vec<String> = calls
        .map(|call| call.route.clone())
        .filter(|route| changes.iter().any(|change| route.contains(change)))
        .collect();
    assert_eq!(changing, [""; 0]);
    assert_eq!(there(&env, "dbx:")?.len() + 1, before.len());
    Ok(())
}

#[test]
fn what_failed_for_a_passing_reason_is_tried_again() -> anyhow::Result<()> {
    let env = env()?;
    for number in 0..6 {
        write(&env.path(&format!("src/{number}")), b"x", TIME)?;
    }
    let broken = Kind::Status {
        status: 500,
        html: false,
    };
    env.sandbox.fault(Fault::on("files/list_folder", broken).times(1));
    let end = play(
        &env,
        "node-tool copy src dbx:again --low-level-retries 1 --retries 2",
    )?;
    assert_eq!(end.code, 0, "{}", end.err);
    assert!(end.err.contains("attempt 1 of 2 failed"), "{}", end.err);
    assert_eq!(there(&env, "dbx:again")?.len(), 9);
    Ok(())
}

//! `archive`: folders as one file and back, here and there, without storing anything in between.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use anyhow::Context as _;
use tests::{
    files::{differences, noise, write},
    test_env::{TestEnv, run},
};

/// The formats that are written and read.
const FORMATS: [&str; 4] = ["zip", "tar", "tar.gz", "tar.zst"];

fn env_with_folder() -> anyhow::Result<TestEnv> {
    let env = TestEnv::connected()?;
    let long = format!("from/{}/{}", "deep".repeat(30), "größe ".repeat(20).trim());
    for (path, bytes) in [
        ("from/small", &b"small"[..]),
        ("from/empty", b""),
        ("from/d/big", &noise(1, 9 << 20)),
        ("from/d/text", "text ".repeat(100_000).as_bytes()),
        (&long, b"long"),
    ] {
        write(&env.path(path), bytes, 1_500_000_000)?;
    }
    fs::set_permissions(env.path("from/small"), fs::Permissions::from_mode(0o755))?;
    Ok(env)
}

#[test]
fn archives_go_to_a_dropbox_and_come_back() -> anyhow::Result<()> {
    let env = env_with_folder()?;
    env.node_tool(["copy", "from", "dbx:from"])?.ok()?;
    for format in FORMATS {
        let there = format!("dbx:made.{format}");
        env.node_tool(["archive", "create", "from", &there])?.ok()?;
        let back = format!("back {format}");
        let end = env.node_tool(["archive", "extract", &there, &back])?;
        assert!(end.err.contains("5 files extracted"), "{format}: {}", end.err);
        assert_eq!(end.code, 0);
        assert_eq!(
            differences(&env.path("from"), &env.path(&back))?,
            [""; 0],
            "{format}"
        );
        let mode = fs::metadata(env.path(&back).join("small"))?.permissions().mode();
        assert!(mode & 0o100 != 0, "{format}: {mode:o}");
        // From a Dropbox to this machine, and into a Dropbox.
        let here = format!("here.{format}");
        env.node_tool(["archive", "create", "dbx:from", &here])?.ok()?;
        let target = format!("dbx:out {format}");
        env.node_tool(["archive", "extract", &here, &target])?.ok()?;
        env.node_tool(["check", "from", &target])?.ok()?;
        // The same again does nothing.
        env.sandbox.reset_calls();
        let end = env.node_tool(["archive", "extract", &here, &target])?;
        assert!(
            end.err.contains("0 files extracted (0 B), 5 already there"),
            "{}",
            end.err
        );
        assert_eq!(env.sandbox.count("files/upload"), 0);
    }
    Ok(())
}

#[test]
fn other_programs_read_them_and_are_read() -> anyhow::Result<()> {
    let env = env_with_folder()?;
    let system = |program: &str, args: &[&str]| {
        let mut command = Command::new(program);
        env.isolate(&mut command);
        command.args(args);
        run(command, "")
    };
    for (format, unpack) in [("tar", "tar xf"), ("tar.gz", "tar xzf")] {
        let name = format!("a.{format}");
        env.node_tool(["archive", "create", "from", &name])?.ok()?;
        let out = format!("out {format}");
        fs::create_dir(env.path(&out))?;
        let args: Vec<&str> = unpack.split(' ').skip(1).chain([&*name, "-C", &out]).collect();
        system("tar", &args)?.ok()?;
        assert_eq!(
            differences(&env.path("from"), &env.path(&out))?,
            [""; 0],
            "{format}"
        );
    }
    system("tar", &["cf", "gnu.tar", "-C", "from", "."])?.ok()?;
    env.node_tool(["archive", "extract", "gnu.tar", "gnu"])?.ok()?;
    assert_eq!(differences(&env.path("from"), &env.path("gnu"))?, [""; 0]);
    // And through a pipe.
    let mut shell = env.shell("set -o pipefail; node-tool archive create --format tar from | tar tf - | grep -c d/big; echo ended $?")?;
    shell.expect("1\r\nended 0")?;
    shell.end()?;
    Ok(())
}

#[test]
fn listing_a_tar_or_a_zip_reads_little_of_it() -> anyhow::Result<()> {
    let env = env_with_folder()?;
    write(&env.path("from/d/huge"), &noise(2, 60 << 20), 1_500_000_000)?;
    for (format, most) in [("tar", 2 << 20), ("zip", 1 << 20)] {
        let there = format!("dbx:made.{format}");
        env.node_tool(["archive", "create", "from", &there])?.ok()?;
        env.sandbox.reset_calls();
        let listed = env
            .node_tool(["archive", "list", &there, "--plain", "--files-only"])?
            .ok()?;
        assert_eq!(listed.lines().count(), 6, "{listed}");
        assert!(listed.contains("d/huge\n"), "{listed}");
        let fetched: u64 = bytes_down(&env);
        assert!(
            fetched < most,
            "{format}: {fetched} bytes of {:?}",
            env.sandbox.counts()
        );
        env.sandbox.reset_calls();
        let end = env.node_tool([
            "archive",
            "extract",
            &there,
            &format!("part {format}"),
            "--include",
            "text",
        ])?;
        assert!(end.err.contains("1 file extracted"), "{}", end.err);
        let fetched = bytes_down(&env);
        assert!(fetched < most + (2 << 20), "{format}: {fetched}");
    }
    let long = env
        .node_tool(["archive", "list", "dbx:made.tar", "--long", "--include", "small"])?
        .ok()?;
    assert_eq!(long, "        5 2017-07-14 02:40:00.000000000 small\n");
    let folders = env
        .node_tool(["archive", "list", "dbx:made.zip", "--dirs-only"])?
        .ok()?;
    assert!(folders.starts_with("        0 d/\n"), "{folders}");
    Ok(())
}

/// The number of bytes that downloads have carried.
fn bytes_down(env: &TestEnv) -> u64 {
    let calls = env.sandbox.calls();
    calls
        .iter()
        .filter(|call| call.route == "files/download")
        .map(|call| call.bytes_out)
        .sum()
}

#[test]
fn nothing_is_written_outside_or_over_what_is_there() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let script = r#"
import io, tarfile, zipfile
with tarfile.open('evil.tar', 'w') as tar:
    def add(name, **more):
        info = tarfile.TarInfo(name)
        info.mtime = 1500000000
        for key, value in more.items(): setattr(info, key, value)
        data = b'evil' if info.isreg() else b''
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    add('good'); add('../outside'); add('/absolute'); add('a/../../up')
    add('link', type=tarfile.SYMTYPE, linkname='../..'); add('link/through')
    add('inner/link', type=tarfile.SYMTYPE, linkname='../good')
    add('dot', type=tarfile.SYMTYPE, linkname='.'); add('odd', type=tarfile.SYMTYPE, linkname='dot/../..')
    add('hard', type=tarfile.LNKTYPE, linkname='good'); add('pipe', type=tarfile.FIFOTYPE); add('there')
with zipfile.ZipFile('evil.zip', 'w') as archive:
    for name in ['good', '../outside', '/absolute', 'a\\..\\..\\up', 'there']: archive.writestr(name, 'evil')
"#;
    let mut command = Command::new("python3");
    env.isolate(&mut command);
    command.args(["-c", script]);
    run(command, "")?.ok()?;
    for (archive, left_out) in [("evil.tar", 8), ("evil.zip", 4)] {
        let out = format!("deep/out {archive}");
        write(&env.path(&out).join("there"), b"mine", 1)?;
        let end = env.node_tool(["archive", "extract", archive, &out])?;
        assert_eq!(end.code, 1, "{}", end.err);
        assert!(end.err.contains(&format!(", {left_out} left out")), "{}", end.err);
        assert_eq!(fs::read(env.path(&out).join("there"))?, b"mine");
        assert_eq!(fs::read(env.path(&out).join("good"))?, b"evil");
        for outside in [
            "outside",
            "up",
            "deep/outside",
            "deep/up",
            "through",
            "deep/through",
        ] {
            assert!(!env.path(outside).exists(), "{archive}: {outside}");
        }
        env.node_tool([
            "archive",
            "extract",
            archive,
            &out,
            "--overwrite",
            "--include",
            "there",
        ])?
        .ok()?;
        assert_eq!(fs::read(env.path(&out).join("there"))?, b"evil");
    }
    let out = env.path("deep/out evil.tar");
    assert_eq!(
        fs::read_link(out.join("inner/link"))?.to_string_lossy(),
        "../good"
    );
    assert!(!out.join("odd").exists() && out.join("link").is_dir());
    Ok(())
}

#[test]
fn what_is_no_archive_or_changes_is_an_error() -> anyhow::Result<()> {
    let env = env_with_folder()?;
    env.sandbox.put_file("/notes.txt", b"hello", None)?;
    env.sandbox.put_file("/cut.zip", b"PK\x03\x04cut", None)?;
    for (args, code, said) in [
        (
            &["list", "dbx:notes.txt"][..],
            1,
            "is no archive that can be read here",
        ),
        (&["list", "dbx:none"], 3, "is not there"),
        (&["list", "from"], 2, "is not an archive"),
        (&["list", "dbx:cut.zip"], 1, "could not read the archive"),
        (&["extract", "dbx:notes.txt", "out"], 1, "is no archive"),
        (
            &["create", "from", "dbx:x.rar"],
            2,
            "give --format: zip, tar, tar.gz, tar.zst",
        ),
        (
            &["create", "from", "dbx:x.tar.xz"],
            2,
            "node-tool archive create --format tar from | xz",
        ),
        (
            &["create", "from", "dbx:x", "--format", "rar"],
            2,
            "there is no format 'rar'",
        ),
        (
            &["create", "from", "dbx:", "--format", "tar"],
            2,
            "name the archive",
        ),
        (&["create", "none", "dbx:x.tar"], 3, "is not there"),
    ] {
        let error = env
            .node_tool(std::iter::once(&"archive").chain(args))?
            .fails(code)?;
        assert!(error.contains(said), "{args:?}: {error}");
    }
    assert_eq!(env.sandbox.tree().len(), 2);
    // A cloud document has no size, and an archive is not put into itself.
    env.sandbox.put_document("/docs/meeting.paper", "text")?;
    env.sandbox.put_file("/docs/file", b"x", None)?;
    env.sandbox.put_file("/docs/docs.zip", b"old", None)?;
    let end = env.node_tool(["archive", "create", "dbx:docs", "dbx:docs/docs.zip"])?;
    assert_eq!(end.code, 1);
    assert!(end.err.contains("left out 'meeting.html'"), "{}", end.err);
    assert_eq!(
        env.node_tool(["archive", "list", "dbx:docs/docs.zip", "--plain"])?
            .ok()?,
        "file\n"
    );
    let listed = env.node_tool([
        "archive", "create", "from/d", "-n", "--format", "tar", "--prefix", "p/",
    ])?;
    assert!(listed.err.contains("p/text: Skipped archiving"), "{}", listed.err);
    let error = env
        .terminal("node-tool", &["archive", "create", "from", "--format", "tar"])?
        .end()?;
    assert!(
        error.0 == 2 && error.1.contains("an archive is nothing for a terminal"),
        "{}",
        error.1
    );
    let _ = env.sandbox.read_file("/docs/docs.zip").context("gone")?;
    Ok(())
}

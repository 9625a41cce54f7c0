//! What one run keeps for the next: listings with their cursors, and hashes of local files. Neither is ever believed over what
//! is true.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use anyhow::Context as _;
use sandbox::Sandbox;
use sha2::{Digest as _, Sha256};
use tests::{
    files::{differences, noise, write},
    test_env::{Output, TestEnv},
};

fn env() -> anyhow::Result<TestEnv> {
    let env = TestEnv::with(Sandbox::builder().page_limit(50).even_pages())?;
    env.connect("dbx")?;
    for n in 0..300_u64 {
        let path = format!("{}/file {n}", n % 7);
        write(&env.path("from").join(&path), &noise(n, 100), 1_500_000_000)?;
        env.sandbox.put_file(
            &format!("/to/{path}"),
            &noise(n, 100),
            Some("2017-07-14T02:40:00Z"),
        )?;
    }
    Ok(env)
}

fn sync(env: &TestEnv, more: &[&str]) -> anyhow::Result<Output> {
    env.sandbox.reset_calls();
    let words = ["sync", "from", "dbx:to", "--yes"];
    let end = env.node_tool(words.iter().chain(more))?;
    anyhow::ensure!(end.code == 0, "{}", end.err);
    Ok(end)
}

fn calls(env: &TestEnv) -> usize {
    env.sandbox.calls().len()
}

fn kept(env: &TestEnv) -> anyhow::Result<PathBuf> {
    let listings = env.home().join(".cache/node-tool/listings");
    let mut files = fs::read_dir(&listings)?.map(|entry| entry.map(|entry| entry.path()));
    Ok(files.next().context("nothing is kept")??)
}

/// The calls of listings, apart from pages of cursors: of folders, and for a cursor of later changes.
fn beginnings(env: &TestEnv) -> (usize, usize) {
    let count = |route: &str| env.sandbox.count(&format!("files/{route}"));
    (count("list_folder"), count("list_folder/get_latest_cursor"))
}

#[test]
fn a_large_account_is_listed_side_by_side_and_the_next_run_asks_only_for_changes() -> anyhow::Result<()> {
    let env = TestEnv::with(Sandbox::builder().page_limit(12).even_pages())?;
    env.connect("dbx")?;
    for n in 0..2560 {
        let path = format!("/to/Folder {}/Sub {}/{n}", n % 80, n % 240);
        env.sandbox.put_file(&path, b"x", None)?;
    }
    env.sandbox.reset_calls();
    let one = env.node_tool(["lsf", "-R", "dbx:to", "--transfers", "3", "--no-cache"])?;
    let pages = calls(&env);
    assert_eq!(beginnings(&env), (1, 0), "{:?}", env.sandbox.counts());
    env.sandbox.reset_calls();
    let side = env.node_tool(["lsf", "-R", "dbx:to"])?;
    assert_eq!((side.code, &side.out), (0, &one.out), "{}", side.err);
    assert_eq!(beginnings(&env), (82, 1), "{:?}", env.sandbox.counts());
    assert!(calls(&env) * 10 <= pages * 13, "{} {pages}", calls(&env));
    env.sandbox.put_file("/to/Folder 3/new", b"x", None)?;
    env.sandbox.reset_calls();
    let next = env.node_tool(["lsf", "-R", "dbx:to"])?;
    assert_eq!(calls(&env), 1, "{:?}", env.sandbox.counts());
    assert_eq!(next.out.lines().count(), one.out.lines().count() + 1);
    Ok(())
}

#[test]
fn the_next_run_asks_only_for_changes() -> anyhow::Result<()> {
    let env = env()?;
    sync(&env, &[])?;
    assert!(calls(&env) > 5, "{:?}", env.sandbox.counts());
    let end = sync(&env, &[])?;
    assert!(end.err.contains("300 already there"), "{}", end.err);
    assert_eq!(calls(&env), 1, "{:?}", env.sandbox.counts());
    assert_eq!(fs::metadata(kept(&env)?)?.mode() & 0o777, 0o600);

    // What others do meanwhile is seen.
    env.sandbox.put_file("/to/0/file 0", b"another content", None)?;
    env.sandbox.put_file("/to/new folder/extra", b"too much", None)?;
    env.sandbox.remove("/to/1/file 1")?;
    env.sandbox.remove("/to/2")?;
    env.sandbox.rename("/to/3/file 3", "/to/3/renamed")?;
    sync(&env, &[])?;
    env.node_tool(["copy", "dbx:to", "back", "--no-cache"])?.ok()?;
    assert_eq!(
        differences(&env.path("from"), &env.path("back"))?,
        Vec::<String>::new()
    );
    // Our own changes are, too.
    let end = sync(&env, &[])?;
    assert!(end.err.contains("300 already there"), "{}", end.err);
    Ok(())
}

#[test]
fn any_doubt_means_a_fresh_listing() -> anyhow::Result<()> {
    let env = env()?;
    sync(&env, &[])?;
    let whole = calls(&env);
    let fresh = |what: &str| -> anyhow::Result<()> {
        env.sandbox.remove("/to/4/file 4")?;
        let end = sync(&env, &[])?;
        assert!(end.err.contains("1 file copied"), "{what}: {}", end.err);
        assert!(calls(&env) >= whole, "{what}: {:?}", env.sandbox.counts());
        Ok(())
    };
    env.sandbox.reset_cursors();
    fresh("the cursors are reset")?;

    let path = kept(&env)?;
    let text = fs::read_to_string(&path)?;
    fs::write(&path, text.replacen("file 5", "file X", 1))?;
    fresh("a line was changed")?;
    fs::write(&path, &text.as_bytes()[..text.len() / 2])?;
    fresh("half of it is gone")?;
    fs::remove_file(&path)?;
    fresh("it is gone")?;

    sync(&env, &["--no-cache"])?;
    assert!(calls(&env) >= whole - 5, "{:?}", env.sandbox.counts());
    // A folder that is gone is gone, whatever was kept.
    env.sandbox.remove("/to")?;
    let end = env.node_tool(["ls", "dbx:to", "-R"])?;
    assert_ne!(end.code, 0, "{}", end.out);
    Ok(())
}

#[test]
fn after_a_large_job_the_next_run_has_little_to_ask() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for n in 0..2100_u64 {
        write(
            &env.path("from").join(format!("{}/{n}", n % 30)),
            &n.to_le_bytes(),
            1_500_000_000,
        )?;
    }
    sync(&env, &[])?;
    let end = sync(&env, &[])?;
    assert!(end.err.contains("2100 already there"), "{}", end.err);
    assert!(calls(&env) <= 2, "{:?}", env.sandbox.counts());
    Ok(())
}

#[test]
fn hashes_of_files_that_have_not_changed_are_kept() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let path = env.path("from/file");
    write(&path, b"content", 1_500_000_000)?;
    // One that was changed a moment ago may change again unseen, so its hash isn't kept.
    let hash = |more: &[&str]| -> anyhow::Result<String> {
        let said = env
            .node_tool(["hashsum", "dropbox", "from"].iter().chain(more))?
            .ok()?;
        Ok(said.split_whitespace().next().unwrap_or_default().to_owned())
    };
    let right = hash(&[])?;
    let file = env.home().join(".cache/node-tool/hashes");
    let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(fs::metadata(&path)?.ctime().unsigned_abs());
    while changed.elapsed()? < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(hash(&[])?, right);
    let mut kept = fs::read(&file).context("nothing is kept")?;
    assert_eq!(fs::metadata(&file)?.mode() & 0o777, 0o600);
    // A record with another hash shows that it is looked at, and when it isn't.
    let record = kept.len() - 80;
    kept[record + 40] ^= 1;
    let sum = Sha256::digest(&kept[record..record + 72]);
    kept[record + 72..].copy_from_slice(&sum[..8]);
    fs::write(&file, &kept)?;
    assert_ne!(hash(&[])?, right, "it is not looked at");
    assert_eq!(hash(&["--no-cache"])?, right);
    kept[record + 41] ^= 1; // the checksum is wrong now
    fs::write(&file, &kept)?;
    assert_eq!(hash(&[])?, right);
    write(&path, b"CONTENT", 1_500_000_000)?;
    assert_ne!(hash(&[])?, right, "the same size and time, but it was written");
    Ok(())
}

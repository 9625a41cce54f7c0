//! No secret is seen: not in the process list, not in logs, not in messages, not in files that others may read.

use std::fs;
use std::path::Path;

use tests::files::{noise, write};
use tests::world::World;

fn secrets(world: &World) -> anyhow::Result<Vec<String>> {
    let config: toml::Table = fs::read_to_string(world.config())?.parse()?;
    let mut found = Vec::new();
    collect(&toml::Value::Table(config), &mut found);
    anyhow::ensure!(found.len() >= 2, "no tokens in the config");
    Ok(found)
}

fn collect(value: &toml::Value, found: &mut Vec<String>) {
    for (name, value) in value.as_table().into_iter().flatten() {
        match value.as_str() {
            Some(text) if name.ends_with("_token") => found.push(text.to_owned()),
            _ => collect(value, found),
        }
    }
}

/// All processes' arguments and environments that can be read.
fn process_list() -> String {
    let mut out = String::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        if entry
            .file_name()
            .to_string_lossy()
            .bytes()
            .all(|b| b.is_ascii_digit())
        {
            for file in ["cmdline", "environ"] {
                out += &String::from_utf8_lossy(&fs::read(entry.path().join(file)).unwrap_or_default());
            }
        }
    }
    out
}

fn files_below(dir: &Path, out: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            files_below(&entry.path(), out)
        } else {
            out.push(entry.path())
        }
    }
}

#[test]
fn tokens_are_seen_nowhere_but_in_the_config() -> anyhow::Result<()> {
    let world = World::connected()?;
    write(&world.path("from/big"), &noise(1, 60 << 20), 1_500_000_000)?;
    let mut command = world.command("node-tool")?;
    command
        .args(["copy", "from", "dbx:to", "-vv", "-P"])
        .env("RUST_LOG", "trace")
        .env("RUST_BACKTRACE", "full");
    command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let child = command.spawn()?;
    let seen = process_list();
    let end = tests::world::ended(child)?;
    let mut said = end.out.clone() + &end.err + &seen;
    world.sandbox.expire_access_tokens();
    for args in [
        vec!["lsd", "dbx:", "-vv"],
        vec!["config", "show", "dbx"],
        vec!["config", "list"],
        vec!["ls", "dbx:no", "-vv"],
    ] {
        let end = world.node_tool(&args)?;
        said += &(end.out + &end.err);
    }
    let secrets = secrets(&world)?;
    for secret in &secrets {
        assert!(!said.contains(secret.as_str()), "a secret was seen");
    }
    let mut files = Vec::new();
    files_below(&world.home(), &mut files);
    for file in files.iter().filter(|file| **file != world.config()) {
        let text = String::from_utf8_lossy(&fs::read(file)?).into_owned();
        assert!(
            secrets.iter().all(|secret| !text.contains(secret.as_str())),
            "{}",
            file.display()
        );
    }
    Ok(())
}

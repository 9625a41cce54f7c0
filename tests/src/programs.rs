//! Builds the two programs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// Returns the directory that cargo built this test into: `target/debug` or `target/release`.
fn target_dir() -> PathBuf {
    let me = std::env::current_exe().unwrap_or_default();
    let dir = me.parent().unwrap_or(Path::new("."));
    if dir.ends_with("deps") {
        dir.parent().unwrap_or(dir).to_owned()
    } else {
        dir.to_owned()
    }
}

/// Builds both programs once per process, in the profile of the test itself.
static BUILT: LazyLock<Result<PathBuf, String>> = LazyLock::new(|| {
    let dir = target_dir();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet"]);
    match dir.ends_with("release") {
        // As users build them: what is measured has no features that only the tests' packages ask for.
        true => cargo.args(["--release", "--bins", "-p", "node-tool", "-p", "authorizer"]),
        // As the tests are built: with the features of anything less, all dependencies would be built once more.
        false => cargo.args(["--workspace", "--all-targets"]),
    };
    cargo
        .arg("--manifest-path")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"));
    if let Some(target) = dir.parent() {
        cargo.arg("--target-dir").arg(target);
    }
    match cargo.status() {
        Ok(status) if status.success() => Ok(dir),
        Ok(status) => Err(format!("cargo build ended with {status}")),
        Err(error) => Err(format!("cargo can't be run: {error}")),
    }
});

/// Returns the path of a program, which is built first.
///
/// # Errors
/// When it can't be built.
pub fn program(name: &str) -> anyhow::Result<PathBuf> {
    BUILT
        .as_ref()
        .map(|dir| dir.join(name))
        .map_err(|why| anyhow::anyhow!("{why}"))
}

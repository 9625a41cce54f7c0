//! A private mount namespace in which Dropbox's names mean this machine, for the race and the fuzzer.

use std::{
    env,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context as _;
use sandbox::NAMES;

/// Set inside the namespace.
const INSIDE: &str = "PRIVATE_HOSTS";

/// Whether other machines can be reached from inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// As outside.
    Shared,
    /// Only this machine, through a loopback interface of its own.
    Loopback,
}

/// Runs this program again with a hosts file of its own, unless that has been done. Returns only inside.
///
/// # Errors
/// Without root, or when a namespace can't be had.
pub fn enter(network: Network) -> anyhow::Result<()> {
    if env::var_os(INSIDE).is_some() {
        return Ok(());
    }
    anyhow::ensure!(
        rustix::process::geteuid().is_root(),
        "this needs root, for a private hosts file and port 443"
    );
    // Before anything is built, which may replace it: afterwards its path would be that of a file that was deleted.
    let myself = env::current_exe()?;
    // Built here, where there is a network.
    crate::programs::program("node-tool")?;
    let (flags, up): (&[&str], &str) = match network {
        Network::Shared => (&["--mount"], ""),
        Network::Loopback => (&["--mount", "--net"], "ip link set lo up; "),
    };
    let script = format!(
        r#"{up}hosts=$(mktemp); echo "127.0.0.1 localhost {}" > "$hosts"; mount --bind "$hosts" /etc/hosts; rm "$hosts"; exec "$@""#,
        NAMES.join(" ")
    );
    let error = Command::new("unshare")
        .args(flags)
        .args(["bash", "-c", &script, "private-hosts"])
        .arg(myself)
        .args(env::args_os().skip(1))
        .env(INSIDE, "1")
        .env_remove("DROPBOX_URL")
        .exec();
    Err(error).context("unshare")
}

/// Returns the rclone to use: `given`, `$RCLONE`, or the one of tests/peers, which pip installs if it is missing.
///
/// # Errors
/// When there is none.
pub fn rclone(given: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(path) = given
        .map(Path::to_owned)
        .or_else(|| env::var_os("RCLONE").map(PathBuf::from))
    {
        return path
            .canonicalize()
            .with_context(|| format!("no rclone at {}", path.display()));
    }
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let rclone = peers.join(".venv/bin/rclone");
    if !rclone.exists() {
        let install = "python3 -m venv .venv && .venv/bin/pip install --quiet -r requirements.txt";
        let status = Command::new("sh")
            .args(["-c", install])
            .current_dir(&peers)
            .status()?;
        anyhow::ensure!(
            status.success(),
            "rclone can't be installed with pip; name one with --rclone"
        );
    }
    rclone.canonicalize().context("no rclone")
}

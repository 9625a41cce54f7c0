//! An OpenSSH server on loopback that lets the current user log in.

use std::ffi::OsStr;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tempfile::TempDir;

/// Paths where distributions install it.
const PROGRAM: &str = "/usr/sbin/sshd";
/// Maximum time until it accepts connections. A test that passes never waits that long.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// A running server, which ends when this is dropped.
pub struct SshServer {
    child: Child,
    dir: TempDir,
}

/// Returns whether this machine has one.
pub fn installed() -> bool {
    Path::new(PROGRAM).is_file()
}

impl SshServer {
    /// Starts the server with a new host key and a new key that may log in.
    ///
    /// # Errors
    /// When it doesn't start.
    pub fn start() -> anyhow::Result<Self> {
        let dir = TempDir::with_prefix("sshd-")?;
        let path = |name: &str| dir.path().join(name);
        for key in ["host", "person"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(path(key))
                .status()?;
            anyhow::ensure!(made.success(), "ssh-keygen: {made}");
        }
        fs::copy(path("person.pub"), path("authorized"))?;
        fs::set_permissions(path("authorized"), fs::Permissions::from_mode(0o600))?;
        let _ = fs::create_dir_all("/run/sshd"); // only root's server needs it, and root can
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let user = String::from_utf8(Command::new("id").arg("-un").output()?.stdout)?;
        fs::write(
            path("sshd_config"),
            format!(
                "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\n\
                 StrictModes no\nPasswordAuthentication no\nPrintMotd no\n",
                path("host").display(),
                path("authorized").display()
            ),
        )?;
        let host_key = fs::read_to_string(path("host.pub"))?;
        fs::write(path("known_hosts"), format!("[127.0.0.1]:{port} {host_key}"))?;
        fs::write(
            path("config"),
            format!(
                "Host login\n  HostName 127.0.0.1\n  Port {port}\n  User {}\n  IdentityFile {}\n  IdentitiesOnly yes\n  \
                 UserKnownHostsFile {}\n  BatchMode yes\n",
                user.trim(),
                path("person").display(),
                path("known_hosts").display()
            ),
        )?;
        let child = Command::new(PROGRAM)
            .args([OsStr::new("-D"), OsStr::new("-e"), OsStr::new("-f")])
            .arg(path("sshd_config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(path("log"))?)
            .spawn()
            .context("starting sshd")?;
        let mut server = Self { child, dir };
        let deadline = Instant::now() + MAX_WAIT;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = server.child.try_wait()?.is_some();
            anyhow::ensure!(
                !ended && Instant::now() < deadline,
                "sshd doesn't come up: {}",
                server.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// Returns the path of an ssh configuration in which the server is called `login`.
    pub fn config(&self) -> PathBuf {
        self.dir.path().join("config")
    }

    /// Returns the log of the server.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for SshServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

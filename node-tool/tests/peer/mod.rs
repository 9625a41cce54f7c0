//! The real rclone, as a peer to compare with.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// rclone without any configuration.
pub struct Rclone {
    program: PathBuf,
    home: tempfile::TempDir,
}

impl Rclone {
    /// rclone from `RCLONE` or `PATH`; nothing, which is told, if it isn't there and `NODE_TOOL_NEEDS_PEERS` isn't 1.
    pub fn find() -> Option<Self> {
        let in_path = || {
            let path = env::var_os("PATH")?;
            env::split_paths(&path)
                .map(|dir| dir.join("rclone"))
                .find(|program| program.is_file())
        };
        let Some(program) = env::var_os("RCLONE").map(PathBuf::from).or_else(in_path) else {
            let needed = env::var("NODE_TOOL_NEEDS_PEERS").is_ok_and(|needed| needed == "1");
            assert!(
                !needed,
                "rclone is needed: put it into PATH, or set RCLONE to its path"
            );
            eprintln!("skipped: rclone is not there (put it into PATH, or set RCLONE)");
            return None;
        };
        assert!(program.is_file(), "RCLONE={} is not a file", program.display());
        Some(Self {
            program,
            home: tempfile::tempdir().unwrap(),
        })
    }

    /// Runs it in `dir`.
    pub fn run(&self, dir: &Path, args: &[&str]) -> Output {
        Command::new(&self.program)
            .args(args)
            .current_dir(dir)
            .env_clear()
            .env("HOME", self.home.path())
            .env("TZ", "UTC")
            .output()
            .unwrap()
    }
}

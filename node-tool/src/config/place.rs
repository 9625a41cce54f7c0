//! Where the config file is, and that nobody else can read it.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy;

/// The environment variable that names the config file.
pub const CONFIG_VARIABLE: &str = "NODE_TOOL_CONFIG";

/// The directory that is made for it.
pub(super) const DIRECTORY: &str = "node-tool";

/// `$XDG_CONFIG_HOME/node-tool/config.toml`, or below `~/.config`.
///
/// # Errors
/// When there is no home directory.
pub fn default_path() -> Result<PathBuf, etcetera::HomeDirError> {
    Ok(etcetera::base_strategy::Xdg::new()?
        .config_dir()
        .join(DIRECTORY)
        .join("config.toml"))
}

/// Makes the directory of `file`, closed to others (0700), if it is missing.
pub(super) fn prepare_directory(file: &Path) -> io::Result<()> {
    let Some(directory) = file.parent().filter(|d| !d.as_os_str().is_empty()) else {
        return Ok(());
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
}

/// Closes `path` to others if it is open to them. Says whether it had to.
pub(super) fn close_to_others(path: &Path, mode: u32) -> io::Result<bool> {
    let permissions = fs::metadata(path)?.permissions();
    if permissions.mode() & 0o077 == 0 {
        return Ok(false);
    }
    fs::set_permissions(path, PermissionsExt::from_mode(mode))?;
    Ok(true)
}

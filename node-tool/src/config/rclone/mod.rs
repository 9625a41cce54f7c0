//! rclone's config: where it is, its text (`ini`), its encryption (`sealed`), and what its Dropbox remotes mean here (`remote`).

mod command;
pub mod encoding;
mod ini;
mod remote;
mod sealed;
mod words;
mod wrapped;

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

pub use command::printed_by;
pub use ini::{IniError, Section, decode, sections};
pub use remote::{Login, Taken, Token, TokenError, take};
pub use sealed::{Sealing, open, sealing};
pub use words::words;
pub use wrapped::wrappers;

/// The variable with the name of rclone's config.
pub const CONFIG_VARIABLE: &str = "RCLONE_CONFIG";
/// The variable with the password of rclone's config.
pub const PASSWORD_VARIABLE: &str = "RCLONE_CONFIG_PASS";
/// The variable with the command whose output is that password; it wins.
pub const COMMAND_VARIABLE: &str = "RCLONE_PASSWORD_COMMAND";

/// What rclone calls its config.
const FILE: &str = "rclone.conf";
/// The kind of remote that can be taken over.
pub const KIND: &str = "dropbox";

/// Where rclone looks for its config, in its order; the first that exists is used. (`RCLONE_CONFIG` comes before these.)
/// Beside its program comes first.
///
/// # Errors
/// When there is no home directory.
pub fn usual_places() -> Result<Vec<PathBuf>, etcetera::HomeDirError> {
    let xdg = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let mut all = beside(&std::env::var_os("PATH").unwrap_or_default());
    all.extend(places(xdg.as_deref(), &etcetera::home_dir()?));
    Ok(all)
}

/// The config beside the program that `path` finds.
fn beside(path: &OsStr) -> Vec<PathBuf> {
    let program = std::env::split_paths(path).map(|directory| directory.join("rclone"));
    let Some(program) = program.into_iter().find(|program| program.is_file()) else {
        return Vec::new();
    };
    vec![program.with_file_name(FILE)]
}

fn places(xdg: Option<&Path>, home: &Path) -> Vec<PathBuf> {
    let below = |base: &Path| base.join("rclone").join(FILE);
    let xdg = xdg.filter(|path| !path.as_os_str().is_empty()).map(below);
    let mut all: Vec<PathBuf> = xdg.into_iter().collect();
    all.extend([below(&home.join(".config")), home.join(".rclone.conf")]);
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_beside_the_program_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let path = std::env::join_paths([Path::new("/none"), directory.path()]).unwrap();
        assert_eq!(beside(&path), Vec::<PathBuf>::new());
        std::fs::write(directory.path().join("rclone"), "").unwrap();
        assert_eq!(beside(&path), [directory.path().join("rclone.conf")]);
    }

    #[test]
    fn places_are_in_rclones_order() {
        let home = Path::new("/h");
        let usual = ["/h/.config/rclone/rclone.conf", "/h/.rclone.conf"].map(PathBuf::from);
        assert_eq!(places(None, home), usual);
        assert_eq!(places(Some(Path::new("")), home), usual);
        assert_eq!(places(Some(Path::new("/h/.config")), home), usual);
        assert_eq!(
            places(Some(Path::new("/x")), home)[0],
            Path::new("/x/rclone/rclone.conf")
        );
    }
}

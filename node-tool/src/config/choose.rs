//! Which config is in force: a named one, our own, or rclone's.

use std::{
    env,
    path::{Path, PathBuf},
};

use etcetera::{BaseStrategy as _, HomeDirError, base_strategy::Xdg};

use super::{CONFIG_VARIABLE, Password, Store, default_path, rclone};
use crate::as_rclone;

/// Returns the config that a flag or its variable has `named`, or else the usual one. Called as rclone, a named file may be one
/// of rclone's, and rclone's usual one is in force where there is none of ours.
///
/// # Errors
/// When there is no home directory to look in.
pub fn choose(named: Option<PathBuf>, password: Password) -> Result<Store, HomeDirError> {
    let is_empty = |name: &str| env::var_os(name).is_some_and(|value| value.is_empty());
    let path = match named {
        Some(path) => path,
        // As in rclone: an empty path means in memory only.
        None if is_empty(CONFIG_VARIABLE) => PathBuf::new(),
        None if as_rclone::is_on() && is_empty(rclone::CONFIG_VARIABLE) => PathBuf::new(),
        None => {
            let own = default_path()?;
            match rclone_instead_of(&own) {
                None => return Ok(Store::new(own, password)),
                Some(path) => path,
            }
        }
    };
    let store = Store::new(path, password);
    Ok(match as_rclone::is_on() {
        true => store.or_rclones(Xdg::new()?.state_dir().map(|dir| dir.join("node-tool/rclone"))),
        false => store,
    })
}

/// Returns the file that a variable names: `RCLONE_CONFIG` wins for a program that is called as rclone.
pub fn named_by_variable() -> Option<PathBuf> {
    let of_rclone = as_rclone::is_on().then_some(rclone::CONFIG_VARIABLE);
    let mut names = of_rclone.into_iter().chain([CONFIG_VARIABLE]);
    names.find_map(|name| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    })
}

/// Returns rclone's usual file, if the program is called as rclone and there is no config of ours.
fn rclone_instead_of(own: &Path) -> Option<PathBuf> {
    if !as_rclone::is_on() || own.exists() {
        return None;
    }
    let places = rclone::usual_places().ok()?;
    places.into_iter().find(|place| place.is_file())
}

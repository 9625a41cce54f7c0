//! A pause that Dropbox asks one process for, heeded by all processes of the login: Dropbox counts calls by login, and counts those
//! that it refuses.
//!
//! One small file in the state directory, which nodes of a cluster share. Its age is taken by the file system's clock.

use std::{fs, io::Write as _, path::PathBuf, time::Duration};

use dropbox::PauseBoard;
use sha2::{Digest as _, Sha256};
use shared::replace::replace_file;

use crate::{StateDir, digits, lock};

/// The pause of one login.
#[derive(Debug)]
pub struct SharedPause {
    path: PathBuf,
}

impl SharedPause {
    /// Returns the pause of a login. `login` is anything that identifies it.
    pub fn new(state: &StateDir, login: &str) -> Self {
        let name = digits::short(&Sha256::digest(login), 16);
        Self {
            path: state.pauses().join(name),
        }
    }
}

impl PauseBoard for SharedPause {
    fn publish(&self, pause: Duration) {
        // A longer one stays.
        if self.current().is_none_or(|left| left < pause) {
            let _ = replace_file(&self.path, |mut file| writeln!(file, "{}", pause.as_millis())); // each hears of it by itself, too
        }
    }

    fn current(&self) -> Option<Duration> {
        let text = fs::read_to_string(&self.path).ok()?;
        let pause = text.trim().parse().ok().map(Duration::from_millis);
        let left = pause
            .zip(lock::age(&self.path))
            .and_then(|(pause, age)| pause.checked_sub(age));
        if left.is_none() {
            let _ = fs::remove_file(&self.path); // then the next look is cheap
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, time::SystemTime};

    use super::*;

    #[test]
    fn a_pause_is_heeded_by_others_of_the_login_until_it_is_over() {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDir::new(directory.path().to_owned());
        let of = |login: &str| SharedPause::new(&state, login);
        let (one, same, other) = (of("dbid:1"), of("dbid:1"), of("dbid:2"));
        assert_eq!(same.current(), None);
        one.publish(Duration::from_secs(300));
        let left = same.current().unwrap();
        assert!(
            left <= Duration::from_secs(300) && left > Duration::from_secs(200),
            "{left:?}"
        );
        assert_eq!(other.current(), None);
        same.publish(Duration::from_secs(5));
        assert!(
            one.current().unwrap() > Duration::from_secs(200),
            "a longer one stays"
        );
        let old = SystemTime::now() - Duration::from_secs(301);
        File::options()
            .write(true)
            .open(&one.path)
            .unwrap()
            .set_modified(old)
            .unwrap();
        assert_eq!(one.current(), None);
        fs::write(&one.path, "nonsense").unwrap();
        assert_eq!(one.current(), None);
        assert_eq!(fs::read_dir(state.pauses()).unwrap().count(), 0);
    }
}

//! The app's secret, for the rare app without PKCE: from a file, or from a prompt.

use std::{fs, io::ErrorKind, path::Path, sync::atomic::AtomicBool, time::Instant};

use shared::{failure::Failure, paste, secret::Secret};

use crate::wait::{self, Stopped};

/// Reads the secret from `file`; `-` asks for it.
///
/// # Errors
/// When it can't be read or isn't a secret, or a signal or the deadline comes first.
pub(crate) fn read(file: &Path, stop: &AtomicBool, deadline: Instant) -> Result<Secret, Failure> {
    let read = if file == Path::new("-") {
        ask(stop, deadline)?
    } else {
        fs::read(file).map(text)
    };
    if read
        .as_ref()
        .is_err_and(|error| error.kind() == ErrorKind::Interrupted)
    {
        return Err(Stopped::Interrupted.into()); // Ctrl-C, typed at the prompt
    }
    let text = read.map(Secret::new).map_err(|e| {
        Failure::usage(format!(
            "could not read the app's secret from '{}'",
            file.display()
        ))
        .why(e)
    })?;
    one_word(&text).ok_or_else(|| {
        Failure::usage(format!(
            "'{}' doesn't contain an app secret: one word is expected",
            file.display()
        ))
    })
}

/// Returns the text of a file: UTF-8, which isn't copied, or the UTF-16 that PowerShell's `>` writes.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| paste::decode(error.as_bytes()))
}

/// Returns the one word of a text.
fn one_word(text: &Secret) -> Option<Secret> {
    let word = text.expose().trim_start_matches('\u{feff}').trim();
    let is_secret = !word.is_empty() && !word.contains(char::is_whitespace);
    is_secret.then(|| Secret::new(word))
}

/// Asks without echo, and leaves the terminal as it was, also if there is no answer.
fn ask(stop: &AtomicBool, deadline: Instant) -> Result<std::io::Result<String>, Stopped> {
    let terminal = terminal::State::save();
    let answer = wait::for_work(stop, deadline, || {
        rpassword::prompt_password("app secret (not shown)> ")
    });
    if answer.is_err() {
        terminal.restore();
    }
    answer
}

#[cfg(unix)]
mod terminal {
    use std::fs::File;

    use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

    /// The settings of the terminal.
    pub(crate) struct State(Option<(File, Termios)>);

    impl State {
        pub(crate) fn save() -> Self {
            let saved = || {
                let file = File::options().read(true).write(true).open("/dev/tty").ok()?;
                let state = tcgetattr(&file).ok()?;
                Some((file, state))
            };
            Self(saved())
        }

        pub(crate) fn restore(self) {
            if let Some((file, state)) = self.0 {
                let _ = tcsetattr(&file, OptionalActions::Now, &state); // the terminal may be gone
            }
        }
    }
}

#[cfg(not(unix))]
mod terminal {
    /// Empty: a console's settings end with the process that reads.
    pub(crate) struct State;

    impl State {
        pub(crate) fn save() -> Self {
            Self
        }

        pub(crate) fn restore(self) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_as_editors_and_shells_write_it() {
        let utf16 = |text: &str| {
            text.encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<u8>>()
        };
        for (bytes, secret) in [
            (b"s3cret\n".to_vec(), Some("s3cret")),
            (b" s3cret \r\n".to_vec(), Some("s3cret")),
            ("\u{feff}s3cret".as_bytes().to_vec(), Some("s3cret")),
            (utf16("\u{feff}s3cret\r\n"), Some("s3cret")),
            (b"\n".to_vec(), None),
            (b"two words".to_vec(), None),
        ] {
            let read = one_word(&Secret::new(text(bytes)));
            assert_eq!(read, secret.map(Secret::new));
        }
    }
}

//! The app's secret, for the rare app without PKCE: from a file, or asked for.

use std::{fs, io::ErrorKind, path::Path, sync::atomic::AtomicBool, time::Instant};

use shared::{failure::Failure, secret::Secret};

use crate::{callback::NoAnswer, patience};

/// Reads it from `file`; `-` asks for it.
///
/// # Errors
/// When it can't be read or isn't one, or a signal or the deadline comes first.
pub fn read(file: &Path, stop: &AtomicBool, deadline: Instant) -> Result<Secret, Failure> {
    let read = if file == Path::new("-") {
        ask(stop, deadline).map_err(|no| no.failure())?
    } else {
        fs::read_to_string(file)
    };
    if read
        .as_ref()
        .is_err_and(|error| error.kind() == ErrorKind::Interrupted)
    {
        return Err(NoAnswer::Interrupted.failure()); // Ctrl-C, typed at the prompt
    }
    let text = read.map(Secret::new).map_err(|e| {
        Failure::usage(format!(
            "could not read the app's secret from '{}'",
            file.display()
        ))
        .why(e)
    })?;
    let secret = text.expose().trim();
    if secret.is_empty() || secret.contains(char::is_whitespace) {
        return Err(Failure::usage(format!(
            "'{}' doesn't hold an app secret: one word is expected",
            file.display()
        )));
    }
    Ok(Secret::new(secret))
}

/// Asks without echo. The terminal is afterwards as it was, also if nobody answers.
fn ask(stop: &AtomicBool, deadline: Instant) -> Result<std::io::Result<String>, NoAnswer> {
    let terminal = terminal::State::save();
    let answer = patience::wait(stop, deadline, || {
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

    /// How the terminal was.
    pub struct State(Option<(File, Termios)>);

    impl State {
        pub fn save() -> Self {
            let saved = || {
                let file = File::options().read(true).write(true).open("/dev/tty").ok()?;
                let state = tcgetattr(&file).ok()?;
                Some((file, state))
            };
            Self(saved())
        }

        pub fn restore(self) {
            if let Some((file, state)) = self.0 {
                let _ = tcsetattr(&file, OptionalActions::Now, &state); // it is gone, then
            }
        }
    }
}

#[cfg(not(unix))]
mod terminal {
    /// Nothing to be kept: a console forgets with the process that reads.
    pub struct State;

    impl State {
        pub fn save() -> Self {
            Self
        }

        pub fn restore(self) {}
    }
}

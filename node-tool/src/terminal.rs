//! Waiting for a person at the terminal: signals still count meanwhile, and the terminal is afterwards as it was.

use std::io;

use rustix::termios::{LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcsetattr};
use shared::failure::Failure;

/// Whether there is a terminal to ask on.
pub fn is_there() -> bool {
    isatty(io::stdin())
}

/// Does what waits for a person, in a thread of its own. Dropped before its end, it leaves no echo switched off.
///
/// # Errors
/// When `work` fails.
pub async fn wait<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    let _settings = Settings::keep();
    let done = tokio::task::spawn_blocking(work).await.map_err(io::Error::other);
    done.and_then(|result| result)
        .map_err(|e| Failure::new("could not read from the terminal").why(e))
}

/// Asks for something that is not shown. It is dark before the prompt appears, so that no quick answer is shown.
///
/// # Errors
/// When there is no terminal.
pub fn ask_secret(prompt: &str) -> io::Result<String> {
    let settings = Settings::keep();
    if let Some(before) = &settings.0 {
        let mut dark = before.clone();
        dark.local_modes.remove(LocalModes::ECHO);
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &dark); // the prompt does the same once more
    }
    rpassword::prompt_password(prompt)
}

/// The terminal's settings as they are, put back when dropped.
struct Settings(Option<Termios>);

impl Settings {
    fn keep() -> Self {
        Self(tcgetattr(io::stdin()).ok())
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before); // a terminal that is gone needs nothing
        }
    }
}

//! While bars are shown, Ctrl-C must not show as `^C`: bars fill their lines, so it would move the cursor to another line, and
//! what was drawn before would stay there forever.

use std::io;

use parking_lot::Mutex;
use rustix::{
    process::getpgrp,
    termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr},
};

/// The terminal's original settings, while they are changed.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Turns it off.
pub(super) fn hide() {
    let mut before = BEFORE.lock();
    if before.is_some() || !is_foreground() {
        return;
    }
    let Ok(now) = tcgetattr(io::stderr()) else { return };
    let mut quiet = now.clone();
    quiet.local_modes.remove(LocalModes::ECHOCTL);
    if tcsetattr(io::stderr(), OptionalActions::Now, &quiet).is_ok() {
        *before = Some(now);
    }
}

/// Restores it.
pub(super) fn show() {
    let before = BEFORE.lock().take();
    if let Some(before) = before.filter(|_| is_foreground()) {
        let _ = tcsetattr(io::stderr(), OptionalActions::Now, &before); // a terminal that is gone needs nothing
    }
}

/// A background process that changes a terminal's settings is stopped by the system.
fn is_foreground() -> bool {
    tcgetpgrp(io::stderr()).is_ok_and(|group| group == getpgrp())
}

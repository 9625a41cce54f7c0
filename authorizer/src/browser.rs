//! Opens the browser, or says how to do it by hand.

use std::{sync::mpsc::channel, thread, time::Duration};

use crate::say;

/// How long a browser's start is waited for: one that runs in the terminal stays until it is left.
const START: Duration = Duration::from_secs(1);

/// Shows the address `shown`, and opens `opened`, which leads there, if `start` (BROWSER is honoured).
///
/// They differ because all users of a computer can see what programs are started with.
pub fn open(shown: &str, opened: &str, start: bool) {
    // On a line of its own without anything before it: so it can be copied whole, however the terminal wraps it.
    if !start {
        say::note(&format!(
            "Open this address in a browser on this computer:\n\n{shown}\n"
        ));
        return;
    }
    say::note(&format!(
        "Opening your browser. If nothing opens, go to this address yourself:\n\n{shown}\n"
    ));
    let (sender, started) = channel();
    let opened = opened.to_owned();
    thread::spawn(move || {
        if let Err(error) = webbrowser::open(&opened) {
            say::note(&format!(
                "No browser could be started ({error}): open the address above by hand."
            ));
        }
        let _ = sender.send(()); // perhaps nobody waits any more
    });
    let _ = started.recv_timeout(START);
}

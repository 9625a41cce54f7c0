//! Opens the browser, or says how to do it by hand.

use std::{sync::mpsc::channel, thread, time::Duration};

use crate::output;

/// How long to wait for the browser to start: a browser in the terminal runs until the person leaves it.
const START_TIME: Duration = Duration::from_secs(1);

/// Prints the address `shown`, and opens `opened`, which leads there, if `start`. The variable BROWSER is honoured.
///
/// The two differ because all users of a computer can see the arguments of programs.
pub(crate) fn open(shown: &str, opened: &str, start: bool) {
    // The address is on a line of its own, so that it can be copied whole, however the terminal wraps it.
    if !start {
        output::note(&format!(
            "Open this address in a browser on this computer:\n\n{shown}\n"
        ));
        return;
    }
    output::note(&format!(
        "Opening your browser. If nothing opens, go to this address yourself:\n\n{shown}\n"
    ));
    let (sender, started) = channel();
    let opened = opened.to_owned();
    thread::spawn(move || {
        if let Err(error) = webbrowser::open(&opened) {
            output::note(&format!(
                "No browser could be started ({error}): open the address above by hand."
            ));
        }
        let _ = sender.send(()); // the wait may be over
    });
    let _ = started.recv_timeout(START_TIME);
}

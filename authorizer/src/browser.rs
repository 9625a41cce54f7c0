//! Opens the browser, or says how to do it by hand.

use crate::say;

/// Shows the address, and opens it if `start` (BROWSER is honoured).
pub fn open(url: &str, start: bool) {
    if !start {
        say::note(&format!(
            "Open this address in a browser on this computer:\n\n{url}\n"
        ));
        return;
    }
    say::note(&format!(
        "Opening your browser. If nothing opens, go to this address yourself:\n\n{url}\n"
    ));
    if let Err(error) = webbrowser::open(url) {
        say::note(&format!(
            "No browser could be started ({error}): open the address above by hand."
        ));
    }
}

//! Ctrl-C and SIGTERM.

use std::sync::{Arc, atomic::AtomicBool};

use shared::failure::Failure;
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

/// Flags that signals set.
pub(crate) struct Signals {
    /// A signal came.
    pub(crate) caught: Arc<AtomicBool>,
    /// The wait for the browser is to end: a signal came, or the login node is gone.
    pub(crate) stop: Arc<AtomicBool>,
}

impl Signals {
    /// Begins to catch signals.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn catch() -> Result<Self, Failure> {
        let signals = Self {
            caught: Arc::default(),
            stop: Arc::default(),
        };
        for signal in [SIGINT, SIGTERM] {
            for raised in [&signals.caught, &signals.stop] {
                flag::register(signal, Arc::clone(raised))
                    .map_err(|e| Failure::new("could not begin the login").why(e))?;
            }
        }
        Ok(signals)
    }
}

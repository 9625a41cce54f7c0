//! Signals: what the first one asks for, and what the second one ends.

use std::time::Duration;

use engine::run::Shutdown;
use rustix::process::Signal;
use shared::failure::Failure;
use stores::local;

use crate::{limits, report};

/// How long calls in flight may take to finish after the first signal: people don't like to wait, and batch systems kill.
const GRACE_PERIOD: Duration = Duration::from_secs(5);
/// How long the process may take to end after that before it is ended by force.
const FORCE_EXIT_AFTER: Duration = Duration::from_millis(500);

/// Waits for Ctrl-C, for SIGTERM, which batch systems send at a time limit, or for SIGHUP when a terminal goes away. The first
/// one asks a running transfer to begin nothing new and to finish its calls in flight; the second one ends the process.
pub async fn interrupted(
    shutdown: Shutdown,
    stopped: impl Fn(&str) -> Failure + Send + 'static,
) -> &'static str {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut int), Ok(mut term)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    // Below nohup a job outlives its terminal.
    let mut hup = match limits::is_ignored(Signal::HUP) {
        true => None,
        false => signal(SignalKind::hangup()).ok(),
    };
    let mut next = async || {
        let hung_up = async {
            match &mut hup {
                Some(hup) => hup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = int.recv() => "Ctrl-C",
            _ = term.recv() => "SIGTERM",
            _ = hung_up => "SIGHUP",
        }
    };
    let first = next().await;
    if shutdown.request(first) {
        report::note(&format!(
            "{first}: finishing what is in progress, for at most {} s; repeat it to stop at once",
            GRACE_PERIOD.as_secs()
        ));
        let _ = tokio::time::timeout(GRACE_PERIOD, next()).await; // either way it is over
    }
    // A thread that hangs in a system call doesn't notice the shutdown.
    std::thread::spawn(move || {
        std::thread::sleep(FORCE_EXIT_AFTER);
        local::remove_unfinished();
        report::end_progress();
        report::receipt::end_unfinished();
        let code = report::end(&Err(stopped(first)));
        std::process::exit(code.into());
    });
    first
}

//! Runs a command: threads, signals, and what is tidied up at the end.

use engine::run::Shutdown;
use shared::{exit, failure::Failure};
use stores::local;

use super::{
    program::{Cli, program},
    signals::interrupted,
    verbs::{Command, dispatch},
};
use crate::{
    limits::{self, OpenFiles},
    report,
};

/// Maximum number of threads that wait for the disk.
const MAX_BLOCKING_THREADS: usize = 16;

/// Carries out a command line. Returns the exit code.
///
/// # Errors
/// When the command fails as a whole, or is interrupted.
pub fn with_runtime(cli: Cli) -> Result<u8, Failure> {
    // Login nodes have many cores that are not ours.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(MAX_BLOCKING_THREADS.min(OpenFiles::here().files + 2))
        .enable_all()
        .build()
        .map_err(|e| Failure::new("could not start").why(e))?;
    let next = match cli.command {
        Command::Config(_) => Some("repeat the command; the config is as it was"),
        Command::Copy(_)
        | Command::Copyto(_)
        | Command::Move(_)
        | Command::Moveto(_)
        | Command::Sync(_)
        | Command::Run(_) => Some("repeat the command to continue; finished files are not sent again"),
        _ => None,
    };
    let shutdown = Shutdown::default();
    let stopped = move |signal: &str| {
        let failure = Failure::new(format!("stopped by {signal}")).code(exit::INTERRUPTED);
        match next {
            Some(text) => failure.hint(text),
            None => failure,
        }
    };
    let result = runtime.block_on(async {
        limits::hear_of_large_files();
        // In a task of its own, so that signals are handled while the job waits for a disk.
        let signals = tokio::spawn(interrupted(shutdown.clone(), stopped));
        tokio::select! {
            Ok(signal) = signals => Err(stopped(signal)),
            result = dispatch(cli.command, &cli.global, program, shutdown.clone()) => result,
        }
    });
    report::end_progress();
    // Threads that still unpack, for example, can't tidy up themselves.
    local::remove_unfinished();
    local::hashes::save();
    // A thread that waits for the terminal or a slow disk must not keep the process.
    runtime.shutdown_background();
    result
}

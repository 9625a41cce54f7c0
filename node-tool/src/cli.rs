//! The command line: global flags, the list of commands, and the way from arguments to an exit code.

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{ArgAction, Args, Parser, Subcommand};
use shared::{
    endpoints::{Endpoints, ORIGIN_VARIABLE},
    exit,
    failure::Failure,
};

use crate::{
    commands::{self, App},
    config::{CONFIG_VARIABLE, Store, default_path},
    dropbox::Http,
    report,
};

/// Lists and copies between Dropbox and this machine.
#[derive(Debug, Parser)]
#[command(
    name = "node-tool",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Flags that every command takes.
#[derive(Debug, Args)]
pub struct Global {
    /// Read and write the config in FILE instead of ~/.config/node-tool/config.toml
    #[arg(long, global = true, value_name = "FILE", env = CONFIG_VARIABLE)]
    pub config: Option<PathBuf>,
    /// Tell what happens to each file; -vv also tells each request
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Tell errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Use at most N connections at once
    #[arg(long, global = true, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub transfers: u16,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Connect, look at and disconnect Dropbox accounts
    #[command(subcommand)]
    Config(commands::config::Command),
    /// List the folders in a folder
    Lsd(commands::ls::Args),
    /// List the files below a folder, with their sizes
    Ls(commands::ls::Args),
    /// List the files below a folder, with sizes and modification times
    Lsl(commands::ls::Args),
    /// Copy new and changed files; never delete
    Copy(commands::copy::Args),
}

/// Runs the program on the process's arguments.
pub fn main() -> ExitCode {
    run(std::env::args_os())
}

/// Runs the program on `args`, the first of which is its name.
pub fn run(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> ExitCode {
    // A dump of a crashed process would hold tokens.
    let _ = rlimit::setrlimit(rlimit::Resource::CORE, 0, 0);
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(exit::USAGE));
        }
    };
    report::start_logging(cli.global.verbose, cli.global.quiet);
    match prepare(&cli.global).and_then(|app| dispatch(cli.command, &app)) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            report::error(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

fn prepare(global: &Global) -> Result<App, Failure> {
    let origin = std::env::var(ORIGIN_VARIABLE).ok();
    let endpoints = Endpoints::new(origin.as_deref()).map_err(|e| Failure::usage(e.to_string()))?;
    let path = match &global.config {
        Some(path) => path.clone(),
        None => default_path().map_err(|_| {
            Failure::usage("there is no home directory to keep the config in")
                .next(format!("set HOME, or give --config FILE or {CONFIG_VARIABLE}"))
        })?,
    };
    let store = Store::new(path);
    match store.repair_permissions() {
        Ok(repaired) => repaired.iter().for_each(|path| {
            report::warn(&format!(
                "'{}' could be read by others; it is closed to them now",
                path.display()
            ));
        }),
        Err(error) => report::warn(&error.to_string()),
    }
    let http = Http::new(endpoints.clone()).map_err(|error| {
        Failure::new("could not set up secure connections")
            .why(error)
            .next("if the system has no certificates, set SSL_CERT_FILE to a bundle of them")
    })?;
    Ok(App {
        store,
        endpoints,
        http,
        transfers: global.transfers.into(),
        quiet: global.quiet,
    })
}

fn dispatch(command: Command, app: &App) -> Result<u8, Failure> {
    // Login nodes have many cores that are not ours.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(8)
        .enable_all()
        .build()
        .map_err(|e| Failure::new("could not start").why(e))?;
    let result = runtime.block_on(async {
        let run = async {
            match command {
                Command::Config(command) => commands::config::run(command, app).await,
                Command::Lsd(args) => commands::ls::run(&args, commands::ls::Format::Folders, app).await,
                Command::Ls(args) => commands::ls::run(&args, commands::ls::Format::Sizes, app).await,
                Command::Lsl(args) => commands::ls::run(&args, commands::ls::Format::Times, app).await,
                Command::Copy(args) => commands::copy::run(&args, app).await,
            }
        };
        tokio::select! {
            result = run => result,
            signal = interrupted() => Err(Failure::new(format!("stopped by {signal}"))
                .next("repeat the command to go on; finished files are not sent again")
                .code(exit::INTERRUPTED)),
        }
    });
    // A thread that waits for the terminal or a slow disk must not keep the process.
    runtime.shutdown_background();
    result
}

/// Ctrl-C, or SIGTERM as batch systems send it at a time limit.
async fn interrupted() -> &'static str {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut int), Ok(mut term)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = int.recv() => "Ctrl-C",
        _ = term.recv() => "SIGTERM",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_finds_no_mistake() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}

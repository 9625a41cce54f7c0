//! The command line: global flags, the list of commands, and the way from arguments to an exit code.

use std::{ffi::OsString, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use clap::{
    ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand,
    builder::{OsStringValueParser, TypedValueParser as _, ValueParser},
    error::ErrorKind,
};
use etcetera::BaseStrategy;
use rustix::process::Signal;
use shared::{
    duration,
    endpoints::{Endpoints, ORIGIN_VARIABLE},
    exit,
    failure::{Failure, printable},
};

use dropbox::{Cache, Http, RateLimiter, Rates};
use engine::{filter::Size, run::Shutdown};
use shared::raw;
use stores::{dropbox::View, local};

use crate::{
    app::App,
    commands::{self, change, copy, help, list, look},
    completion,
    config::{CONFIG_VARIABLE, Config, Defaults, Password, Site, Store, default_path},
    failures::config_failure,
    limits::{self, OpenFiles},
    report, terminal, variables,
};

/// How long calls in flight may take to finish after the first signal: people don't like to wait, and batch systems kill.
const GRACE_PERIOD: Duration = Duration::from_secs(5);
/// How long the process may take to end after that before it is ended by force.
const FORCE_EXIT_AFTER: Duration = Duration::from_millis(500);
/// Default number of connections at once.
const DEFAULT_TRANSFERS: u16 = 96;
/// Maximum number of connections at once.
const MAX_TRANSFERS: u16 = 256;
/// Maximum number of threads that wait for the disk.
const MAX_BLOCKING_THREADS: usize = 16;
/// Default number of bytes of content in memory at once.
const DEFAULT_MEMORY_BYTES: usize = 40 << 20;

/// Where flags that every command takes begin in the order of a command's help.
const GLOBAL_ORDER: usize = 200;

/// Lists and copies between Dropbox and this machine.
#[derive(Debug, Parser)]
#[command(
    name = "node-tool",
    version = shared::version::VERSION,
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
    /// Use at most N connections at once [default: as many as help, up to 96; --memory allows about 26 with large files]
    #[arg(long, global = true, help_heading = "Limits", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub transfers: Option<u16>,
    /// Hold at most SIZE of content in memory; with more, more connections can be busy at once [default: 40M]
    #[arg(long, global = true, help_heading = "Limits", value_name = "SIZE")]
    pub memory: Option<Size>,
    /// Try each call at most N times [default: 8]
    #[arg(long, global = true, help_heading = "Limits", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub low_level_retries: Option<u32>,
    /// Begin at most N calls per second
    #[arg(long, global = true, help_heading = "Limits", value_name = "N", value_parser = calls)]
    pub tpslimit: Option<f64>,
    /// Move at most RATE per second: KiB, or with b, k, M, G; UP:DOWN for each direction
    #[arg(long, global = true, help_heading = "Limits", value_name = "RATE", value_parser = rates)]
    pub bwlimit: Option<Bandwidth>,
    /// Print what happens to each file; -vv also prints each request
    #[arg(short, long, global = true, help_heading = "Output", action = ArgAction::Count)]
    pub verbose: u8,
    /// Print only errors
    #[arg(
        short,
        long,
        global = true,
        help_heading = "Output",
        conflicts_with = "verbose"
    )]
    pub quiet: bool,
    /// Append the log to FILE
    #[arg(long, global = true, help_heading = "Output", value_name = "FILE")]
    pub log_file: Option<PathBuf>,
    /// Write the log as JSON, one object per line
    #[arg(long, global = true, help_heading = "Output")]
    pub use_json_log: bool,
    /// Without a terminal, print progress every DURATION (10s, 5m); 0 disables it [default with -P: after 5s, then less and
    /// less often, at least every 1m]
    #[arg(long, global = true, help_heading = "Output", value_name = "DURATION", value_parser = span)]
    pub stats: Option<Duration>,
    /// Read and write the config in FILE instead of ~/.config/node-tool/config.toml
    #[arg(long, global = true, help_heading = "Global", value_name = "FILE", env = CONFIG_VARIABLE, value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub config: Option<PathBuf>,
    /// List everything again instead of only what changed since the last time, and hash local files again
    #[arg(long, global = true, help_heading = "Global")]
    pub no_cache: bool,
    /// Run CMD with the shell and use its first line as the password of an encrypted config
    #[arg(long, global = true, help_heading = "Global", value_name = "CMD")]
    pub password_command: Option<String>,
    /// Map names that Dropbox can't store (backslashes, spaces at the end, bytes that aren't UTF-8 …) as rclone maps them, also
    /// in typed paths
    #[arg(long, global = true, help_heading = "Global")]
    pub encode_names: bool,
    /// Export cloud documents, such as Paper, to the first of these formats that they have
    #[arg(long, global = true, help_heading = "Global", value_name = "FORMATS", value_delimiter = ',', default_value = "html,md", action = ArgAction::Set,
          alias = "dropbox-export-formats", value_parser = ["html", "md"])]
    pub export_formats: Vec<String>,
    #[command(flatten)]
    known: Known,
}

/// Flags of rclone that have no effect here; scripts that use them keep working.
#[derive(Debug, Args)]
struct Known {
    #[arg(long, global = true, hide = true)]
    stats_one_line: bool,
    #[arg(long, global = true, hide = true)]
    fast_list: bool,
    #[arg(long, global = true, hide = true)]
    no_traverse: bool,
    #[arg(long, global = true, hide = true, value_name = "N")]
    checkers: Option<String>,
    #[arg(long, global = true, hide = true, value_name = "N")]
    retries: Option<String>,
    #[arg(long, global = true, hide = true, value_name = "SIZE")]
    buffer_size: Option<String>,
    #[arg(long, global = true, hide = true, value_name = "N")]
    multi_thread_streams: Option<String>,
    #[arg(long, global = true, hide = true, value_name = "SIZE")]
    multi_thread_cutoff: Option<String>,
    #[arg(long, global = true, hide = true, value_name = "SIZE")]
    dropbox_chunk_size: Option<String>,
    #[arg(long, global = true, hide = true, value_name = "MODE")]
    dropbox_batch_mode: Option<String>,
    #[arg(long, global = true, hide = true, value_name = "N")]
    dropbox_batch_size: Option<String>,
    #[arg(long, global = true, hide = true, value_name = "DURATION")]
    dropbox_pacer_min_sleep: Option<String>,
}

impl Known {
    /// Returns the flags that were given, for a line in the log.
    fn given(&self) -> Vec<&'static str> {
        let flags = [
            ("--stats-one-line", self.stats_one_line),
            ("--fast-list", self.fast_list),
            ("--no-traverse", self.no_traverse),
            ("--checkers", self.checkers.is_some()),
            ("--retries", self.retries.is_some()),
            ("--buffer-size", self.buffer_size.is_some()),
            ("--multi-thread-streams", self.multi_thread_streams.is_some()),
            ("--multi-thread-cutoff", self.multi_thread_cutoff.is_some()),
            ("--dropbox-chunk-size", self.dropbox_chunk_size.is_some()),
            ("--dropbox-batch-mode", self.dropbox_batch_mode.is_some()),
            ("--dropbox-batch-size", self.dropbox_batch_size.is_some()),
            (
                "--dropbox-pacer-min-sleep",
                self.dropbox_pacer_min_sleep.is_some(),
            ),
        ];
        flags
            .into_iter()
            .filter(|(_, given)| *given)
            .map(|(flag, _)| flag)
            .collect()
    }
}

/// The command line, each flag with its environment variable: `--max-depth` is `NODE_TOOL_MAX_DEPTH`.
fn program() -> clap::Command {
    program_without(&[])
}

/// The command line without some of its variables.
fn program_without(ignored: &[String]) -> clap::Command {
    fn with_variables(command: clap::Command, ignored: &[String]) -> clap::Command {
        let mut order = GLOBAL_ORDER;
        command
            .mut_args(|arg| {
                // In help, a command's own flags come before those that every command takes.
                let arg = if arg.is_global_set() {
                    order += 1;
                    arg.display_order(order)
                } else {
                    arg
                };
                let arg = if takes_text(&arg) {
                    arg.allow_hyphen_values(true)
                } else {
                    arg
                };
                // A remote keeps its app: the variable is for new ones, which ask for it themselves.
                let is_apart = |name: &&str| matches!(*name, "help" | "version" | "app-key");
                let is_apart = arg.get_long().is_some_and(|name| is_apart(&name));
                variables::attach(arg, is_apart, ignored)
            })
            .mut_subcommands(|command| with_variables(command, ignored))
    }
    with_variables(Cli::command(), ignored).args_override_self(true)
}

/// Whether a flag's value may be any text, and so begin with a dash; what can only be a number or one of a few words may not,
/// so that a forgotten value is noticed.
fn takes_text(arg: &clap::Arg) -> bool {
    let kind = arg.get_value_parser().type_id();
    let is_of = |parser: ValueParser| parser.type_id() == kind;
    !arg.is_positional()
        && arg.get_action().takes_values()
        && arg.get_possible_values().is_empty()
        && (is_of(ValueParser::string()) || is_of(ValueParser::path_buf()))
}

/// Bytes per second, up and down. `None` means no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bandwidth {
    up: Option<u64>,
    down: Option<u64>,
}

fn rates(text: &str) -> Result<Bandwidth, String> {
    let (up, down) = text.split_once(':').unwrap_or((text, text));
    let rate = |text: &str| text.parse::<Size>().map(|size| size.0.filter(|rate| *rate > 0));
    match (rate(up), rate(down)) {
        (Ok(up), Ok(down)) => Ok(Bandwidth { up, down }),
        _ => Err("give a rate such as 10M, or 10M:2M for up and down".into()),
    }
}

fn calls(text: &str) -> Result<f64, String> {
    let calls = text
        .parse()
        .ok()
        .filter(|calls: &f64| calls.is_finite() && *calls >= 0.0);
    calls.ok_or_else(|| "give a number such as 10 or 0.5".into())
}

fn span(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    duration::parse(text)
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Connect, show and disconnect Dropbox accounts; without a subcommand it is a menu
    Config(commands::config::Args),
    /// List the folders in a folder
    #[command(after_help = "Example: node-tool lsd dbx:")]
    Lsd(list::ls::Args),
    /// List the files below a folder, with their sizes
    #[command(after_help = "Example: node-tool ls dbx:results --include '*.h5'")]
    Ls(list::ls::Args),
    /// List the files below a folder, with sizes and modification times
    #[command(after_help = "Example: node-tool lsl dbx:results")]
    Lsl(list::ls::Args),
    /// List in columns, for scripts
    Lsf(list::lsf::Args),
    /// List as JSON
    Lsjson(list::lsjson::Args),
    /// Draw a folder as a tree
    Tree(list::tree::Args),
    /// Count files and bytes
    Size(list::size::Args),
    /// Print the content hash of each file
    Hashsum(list::hashsum::Args),
    /// Copy new and changed files; never delete
    #[command(after_help = COPY_HELP)]
    Copy(copy::CopyArgs),
    /// Like copy, but DEST is the new name of a single file
    #[command(after_help = "Example: node-tool copyto report.pdf dbx:reports/2026-11.pdf")]
    Copyto(copy::CopyArgs),
    /// Copy, then remove from the source what is in the target
    #[command(after_help = "Example: node-tool move dbx:inbox dbx:archive/2026 --delete-empty-src-dirs")]
    Move(copy::MoveArgs),
    /// Like move, but DEST is the new name of a single file
    #[command(after_help = "Example: node-tool moveto dbx:draft.txt dbx:final.txt")]
    Moveto(copy::MoveArgs),
    /// Make the target the same as the source; deletes in the target
    #[command(after_help = SYNC_HELP)]
    Sync(copy::SyncArgs),
    /// Compare two folders by size and hash
    Check(look::check::Args),
    /// Print files
    Cat(look::cat::Args),
    /// Make a folder
    Mkdir(change::mkdir::Args),
    /// Remove an empty folder
    Rmdir(change::rmdir::Args),
    /// Remove all empty folders below a folder
    Rmdirs(change::rmdir::AllArgs),
    /// Remove a folder and everything in it
    Purge(change::purge::Args),
    /// Remove the files below a folder
    Delete(change::delete::Args),
    /// Remove one file
    Deletefile(change::delete::FileArgs),
    /// Make an empty file, or change a file's time
    Touch(change::touch::Args),
    /// Remove the unfinished files of killed downloads
    Cleanup(change::cleanup::Args),
    /// Print how much space the account has
    About(look::about::Args),
    /// Make a link that others can open
    Link(look::link::Args),
    /// List the earlier states of a file
    Revisions(look::revisions::Args),
    /// Bring an earlier state of a file back
    Restore(look::restore::Args),
    /// Find files and folders
    Search(look::search::Args),
    /// Print changes as they happen
    Watch(look::watch::Args),
    /// In rclone this logs in; here the authorizer does
    #[command(hide = true, disable_help_flag = true)]
    Authorize(help::AuthorizeArgs),
    /// Print the version
    #[command(after_help = "Example: node-tool version")]
    Version,
    /// Print completions for a shell
    Completion(help::CompletionArgs),
    /// Print the manual page
    Man(help::ManArgs),
}

const COPY_HELP: &str = "\
The contents of a folder go into DEST, as if both ended in a slash; a file goes into DEST too.
What is there with the same size and time is skipped; nothing is ever deleted.

Examples:
  node-tool copy results dbx:project/results -P
  node-tool copy dbx:project/data /scratch/data --dry-run";

const SYNC_HELP: &str = "\
Files of the target that the source lacks are deleted, after everything else went well.
Look before with --dry-run. Dropbox keeps deleted files for a while: see 'node-tool revisions'.

Examples:
  node-tool sync results dbx:project/results --dry-run
  node-tool sync results dbx:project/results --backup-dir dbx:project/old";

/// Runs the program on the process's arguments.
pub fn main() -> ExitCode {
    run(std::env::args_os())
}

/// Runs the program on `args`, the first of which is its name.
pub fn run(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    limits::begin();
    if let Some(question) = completion::asked(&args) {
        let answer = question.map(|question| completion::answer(&question, program()));
        let _ = report::result(&answer.unwrap_or_default()); // a shell that doesn't listen needs nothing
        return ExitCode::SUCCESS;
    }
    // Clap's error quotes the command line. If that has control characters, the error is made again from a clean line.
    let texts: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    let is_clean = !texts.iter().any(|text| text.contains(shared::plain::is_hidden));
    let words = (!is_clean).then(|| texts.iter().map(|text| printable(text)).collect::<Vec<_>>());
    let parsed = program()
        .try_get_matches_from(&args)
        .or_else(|error| match variables::overruled(&error, &args) {
            Some(variable) => program_without(&[variable]).try_get_matches_from(&args),
            None => Err(error),
        })
        .and_then(|found| Cli::from_arg_matches(&found));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) if error.kind() == ErrorKind::InvalidUtf8 => {
            report::error(&not_utf8(&args));
            return ExitCode::from(exit::USAGE);
        }
        Err(error) => {
            let clean = words.and_then(|words| program().try_get_matches_from(words).err());
            report::usage(clean.as_ref().unwrap_or(&error));
            for variable in variables::blamed(&error, &args) {
                report::note(&format!(
                    "  from the variable {variable}; to be without it: unset {variable}"
                ));
            }
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(exit::USAGE));
        }
    };
    if let Err(failure) = start_log(&cli.global) {
        report::error(&failure);
        return ExitCode::from(failure.exit_code());
    }
    for (variable, near) in variables::mistyped(program) {
        report::warn(&format!(
            "the variable {variable} sets nothing; did you mean {near}?"
        ));
    }
    match with_runtime(cli) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            report::error(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Names the argument that is not UTF-8 where that is needed.
fn not_utf8(args: &[OsString]) -> Failure {
    let mut odd = args
        .iter()
        .map(|arg| raw::text(arg))
        .filter(|arg| raw::is_raw(arg));
    let odd = odd.next().unwrap_or_default();
    Failure::usage(format!("'{odd}' is not UTF-8"))
        .why("only the names of places and local files may have any bytes")
}

fn start_log(global: &Global) -> Result<(), Failure> {
    let open = |path: &PathBuf| {
        let file = std::fs::File::options().create(true).append(true).open(path);
        file.map_err(|e| Failure::usage(format!("--log-file: could not write '{}'", path.display())).why(e))
    };
    report::log_to(report::Log {
        json: global.use_json_log,
        file: global.log_file.as_ref().map(open).transpose()?,
    });
    report::start_logging(global.verbose, global.quiet);
    for flag in global.known.given() {
        tracing::info!("{flag} has no effect here");
    }
    Ok(())
}

fn with_runtime(cli: Cli) -> Result<u8, Failure> {
    // Login nodes have many cores that are not ours.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(MAX_BLOCKING_THREADS.min(OpenFiles::here().files + 2))
        .enable_all()
        .build()
        .map_err(|e| Failure::new("could not start").why(e))?;
    let next = match cli.command {
        Command::Config(_) => Some("repeat the command; the config is as it was"),
        Command::Copy(_) | Command::Copyto(_) | Command::Move(_) | Command::Moveto(_) | Command::Sync(_) => {
            Some("repeat the command to continue; finished files are not sent again")
        }
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
            result = dispatch(cli, shutdown.clone()) => result,
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

async fn dispatch(cli: Cli, shutdown: Shutdown) -> Result<u8, Failure> {
    // These need no config, network or home directory.
    match &cli.command {
        Command::Authorize(_) => return Err(help::authorize()),
        Command::Version => return help::version(),
        Command::Completion(args) => return help::completion(args),
        Command::Man(args) => return help::man(args, program()),
        _ => {}
    }
    let app = prepare(&cli, shutdown).await?;
    let result = match cli.command {
        Command::Config(args) => commands::config::run(args, &app).await,
        Command::Lsd(args) => list::ls::run(&args, list::ls::Format::Folders, &app).await,
        Command::Ls(args) => list::ls::run(&args, list::ls::Format::Sizes, &app).await,
        Command::Lsl(args) => list::ls::run(&args, list::ls::Format::Times, &app).await,
        Command::Lsf(args) => list::lsf::run(&args, &app).await,
        Command::Lsjson(args) => list::lsjson::run(&args, &app).await,
        Command::Tree(args) => list::tree::run(&args, &app).await,
        Command::Size(args) => list::size::run(&args, &app).await,
        Command::Hashsum(args) => list::hashsum::run(&args, &app).await,
        Command::Copy(args) => copy::copy(&args, false, &app).await,
        Command::Copyto(args) => copy::copy(&args, true, &app).await,
        Command::Move(args) => copy::moving(&args, false, &app).await,
        Command::Moveto(args) => copy::moving(&args, true, &app).await,
        Command::Sync(args) => copy::sync(&args, &app).await,
        Command::Check(args) => look::check::run(&args, &app).await,
        Command::Cat(args) => look::cat::run(&args, &app).await,
        Command::Mkdir(args) => change::mkdir::run(&args, &app).await,
        Command::Rmdir(args) => change::rmdir::one(&args, &app).await,
        Command::Rmdirs(args) => change::rmdir::all(&args, &app).await,
        Command::Purge(args) => change::purge::run(&args, &app).await,
        Command::Delete(args) => change::delete::run(&args, &app).await,
        Command::Deletefile(args) => change::delete::file(&args, &app).await,
        Command::Touch(args) => change::touch::run(&args, &app).await,
        Command::Cleanup(args) => change::cleanup::run(&args, &app),
        Command::About(args) => look::about::run(&args, &app).await,
        Command::Link(args) => look::link::run(&args, &app).await,
        Command::Revisions(args) => look::revisions::run(&args, &app).await,
        Command::Restore(args) => look::restore::run(&args, &app).await,
        Command::Search(args) => look::search::run(&args, &app).await,
        Command::Watch(args) => look::watch::run(&args, &app).await,
        // Done above.
        Command::Authorize(_) | Command::Version | Command::Completion(_) | Command::Man(_) => {
            Ok(exit::SUCCESS)
        }
    };
    // Only authorisation is fatal: the centre knows whom to ask.
    result.map_err(|failure| match app.defaults.help {
        Some(help) if failure.exit_code() == exit::FATAL => failure.hint(help),
        _ => failure,
    })
}

async fn prepare(cli: &Cli, shutdown: Shutdown) -> Result<App, Failure> {
    let global = &cli.global;
    let origin = std::env::var(ORIGIN_VARIABLE)
        .ok()
        .filter(|text| !text.is_empty());
    let endpoints = Endpoints::new(origin.as_deref()).map_err(|e| Failure::usage(e.to_string()))?;
    let path = match &global.config {
        Some(path) => path.clone(),
        // As in rclone: an empty path means in memory only.
        None if std::env::var_os(CONFIG_VARIABLE).is_some_and(|name| name.is_empty()) => PathBuf::new(),
        None => default_path().map_err(|_| {
            Failure::usage("there is no home directory to keep the config in")
                .hint(format!("set HOME, or give --config FILE or {CONFIG_VARIABLE}"))
        })?,
    };
    let store = Store::new(path, Password::new(global.password_command.clone()));
    let http = Http::new(endpoints.clone(), crate::USER_AGENT);
    let site = match Site::here().load() {
        Ok((site, odd)) => {
            odd.iter().for_each(|said| report::warn(said));
            site
        }
        Err(problem) => {
            report::warn(&problem);
            Defaults::default()
        }
    };
    let own = match &cli.command {
        Command::Config(args) if !args.reads_config() => Defaults::default(),
        _ => {
            let loading = store.clone();
            let config = terminal::wait(move || Ok(loading.load())).await?; // may ask for its password
            let config = config.map_err(config_failure)?;
            protect(&store, &config);
            let is_asked = matches!(cli.command, Command::Config(_));
            // A newer version's keys are no fault; only what looks mistyped is named in every command.
            for said in config.unknown_keys() {
                if is_asked || said.contains("did you mean") {
                    report::warn(&format!("{} has {said}", store.place()));
                }
            }
            config.defaults
        }
    };
    let defaults = own.or(site);
    let cache = directory(|base| Some(base.cache_dir())).filter(|_| !global.no_cache);
    if let Some(directory) = &cache {
        local::hashes::keep_in(directory);
    }
    Ok(App {
        store,
        endpoints,
        http,
        transfers: transfers(global, &defaults),
        defaults,
        quiet: global.quiet,
        stats: global.stats,
        rates: Arc::new(RateLimiter::new(Rates {
            calls_per_second: global.tpslimit,
            upload_bytes_per_second: global.bwlimit.and_then(|rate| rate.up),
            download_bytes_per_second: global.bwlimit.and_then(|rate| rate.down),
        })),
        state: directory(|base| base.state_dir()).map(|dir| dir.join("transfers")),
        cache: cache.map(Cache::new),
        memory_bytes: memory(global)?,
        tries: global.low_level_retries,
        shutdown,
        view: View::new(global.encode_names, global.export_formats.clone()),
        clients: parking_lot::Mutex::default(),
    })
}

/// Closes the config to other users, with a warning if it was open to them.
fn protect(store: &Store, config: &Config) {
    match store.repair_permissions(config) {
        Ok(repaired) => repaired.iter().for_each(|path| {
            report::warn(&format!(
                "'{}' could be read by others; it is closed to them now",
                path.display()
            ));
        }),
        Err(error) => report::warn(&error.to_string()),
    }
}

/// Returns the number of connections: as many as are asked for, and as the limit of open files allows.
fn transfers(global: &Global, defaults: &Defaults) -> usize {
    let wanted: usize = global
        .transfers
        .or(defaults.transfers)
        .unwrap_or(DEFAULT_TRANSFERS)
        .clamp(1, MAX_TRANSFERS)
        .into();
    let most = OpenFiles::here().connections;
    if wanted > most {
        tracing::info!(
            "at most {most} connections at once, because of the limit of open files ('ulimit -n')"
        );
    }
    wanted.min(most)
}

/// Returns our own directory in one of the user's base directories: `$XDG_STATE_HOME/node-tool`, `~/.cache/node-tool` …
fn directory(of: impl Fn(&etcetera::base_strategy::Xdg) -> Option<PathBuf>) -> Option<PathBuf> {
    let base = etcetera::base_strategy::Xdg::new().ok()?;
    Some(of(&base)?.join("node-tool"))
}

/// Returns the value of `--memory`, or the default.
fn memory(global: &Global) -> Result<usize, Failure> {
    /// One connection and its buffers need this much.
    const MIN_BYTES: u64 = 8 << 20;
    let bytes = match global.memory.and_then(|size| size.0) {
        None => return Ok(DEFAULT_MEMORY_BYTES),
        Some(bytes) => bytes,
    };
    if bytes < MIN_BYTES {
        return Err(Failure::usage("--memory: less than 8M is not enough"));
    }
    Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
}

/// Waits for Ctrl-C, for SIGTERM, which batch systems send at a time limit, or for SIGHUP when a terminal goes away. The first
/// one asks a running transfer to begin nothing new and to finish its calls in flight; the second one ends the process.
async fn interrupted(shutdown: Shutdown, stopped: impl Fn(&str) -> Failure + Send + 'static) -> &'static str {
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
        let failure = stopped(first);
        report::error(&failure);
        std::process::exit(failure.exit_code().into());
    });
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> clap::ArgMatches {
        let args = std::iter::once(&"node-tool").chain(args);
        program().try_get_matches_from(args).unwrap()
    }

    /// The values of a command's flag.
    fn values(args: &[&str], flag: &str) -> Vec<String> {
        let found = parsed(args);
        let (_, found) = found.subcommand().unwrap();
        let raw = found.get_raw(flag).into_iter().flatten();
        raw.map(|value| value.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn the_last_of_a_repeated_flag_counts_and_lists_grow() {
        let copy = |rest: &[&str], flag: &str| values(&[&["copy", "a", "b"], rest].concat(), flag);
        for (rest, flag, last) in [
            (vec!["--suffix", "x", "--suffix", "y"], "suffix", vec!["y"]),
            (vec!["--transfers", "4", "--transfers=8"], "transfers", vec!["8"]),
            (
                vec!["--max-depth", "1", "--max-depth", "2"],
                "max_depth",
                vec!["2"],
            ),
            (
                vec!["--export-formats", "md", "--export-formats", "html"],
                "export_formats",
                vec!["html"],
            ),
            (
                vec!["--include", "a", "--include", "b"],
                "include",
                vec!["a", "b"],
            ),
            (
                vec!["--filter", "- a", "--filter", "+ b"],
                "filter",
                vec!["- a", "+ b"],
            ),
            (
                vec!["--exclude-if-present", "a", "--exclude-if-present", "b"],
                "exclude_if_present",
                vec!["a", "b"],
            ),
            (
                vec!["--files-from", "a", "--files-from", "b"],
                "files_from",
                vec!["a", "b"],
            ),
        ] {
            assert_eq!(copy(&rest, flag), last, "{rest:?}");
        }
        // Each switch may be repeated.
        for twice in [
            "--dry-run",
            "--progress",
            "--checksum",
            "--no-cache",
            "--quiet",
            "--fast-list",
            "--json",
        ] {
            parsed(&["copy", "a", "b", "-n", twice, twice]);
        }
        assert_eq!(
            parsed(&["copy", "a", "b", "-v", "-v"])
                .subcommand()
                .unwrap()
                .1
                .get_count("verbose"),
            2
        );
        assert_eq!(
            values(
                &["--transfers", "4", "copy", "a", "b", "--transfers", "8"],
                "transfers"
            ),
            ["8"]
        );
    }

    #[test]
    fn text_may_begin_with_a_dash_and_a_forgotten_number_is_noticed() {
        for (args, flag, value) in [
            (vec!["copy", "a", "b", "--suffix", "-old"], "suffix", "-old"),
            (
                vec!["copy", "a", "b", "--backup-dir", "-old"],
                "backup_dir",
                "-old",
            ),
            (
                vec!["copy", "a", "b", "--exclude-if-present", "-no"],
                "exclude_if_present",
                "-no",
            ),
            (
                vec!["copy", "a", "b", "--files-from", "-list"],
                "files_from",
                "-list",
            ),
            (vec!["copy", "a", "b", "--max-depth", "-1"], "max_depth", "-1"),
            (vec!["lsf", "a", "-s", "-"], "separator", "-"),
            (vec!["lsf", "a", "--separator", "--"], "separator", "--"),
            (vec!["check", "a", "b", "--combined", "-out"], "combined", "-out"),
            (vec!["ls", "a", "--log-file", "-log"], "log_file", "-log"),
            (vec!["ls", "a", "--config", "-c"], "config", "-c"),
        ] {
            assert_eq!(values(&args, flag), [value], "{args:?}");
        }
        for args in [
            ["copy", "a", "b", "--transfers", "-n"],
            ["lsf", "a", "--time-format", "-R", "-R"],
        ] {
            assert!(
                program()
                    .try_get_matches_from(std::iter::once("node-tool").chain(args))
                    .is_err()
            );
        }
    }

    #[test]
    fn clap_finds_no_mistake() {
        program().debug_assert();
    }
}

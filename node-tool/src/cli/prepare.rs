//! From global flags, variables and the config to what every command works with.

use std::{path::PathBuf, sync::Arc, time::Duration};

use dropbox::{Cache, Http, RateLimiter, Rates};
use engine::{entry::Modified, run::Shutdown};
use etcetera::BaseStrategy;
use jiff::ZonedDateTime;
use shared::{
    endpoints::{Endpoints, ORIGIN_VARIABLE},
    failure::Failure,
};
use stores::{StateDir, dropbox::View, local};

use super::global::Global;
use crate::{
    app::App,
    commands,
    config::{CONFIG_VARIABLE, Config, Defaults, Password, Site, Store, Target, choose, named_by_variable},
    failures::config_failure,
    flags::bandwidth::Timetable,
    limits::OpenFiles,
    report, terminal,
};

/// Default number of connections at once.
const DEFAULT_TRANSFERS: u16 = 96;
/// Maximum number of connections at once.
const MAX_TRANSFERS: u16 = 256;
/// Default number of bytes of content in memory at once.
const DEFAULT_MEMORY_BYTES: usize = 40 << 20;

/// Reads the config and prepares what a command needs; `asked` are the arguments of `config`, if that is the command.
///
/// # Errors
/// When a flag or a variable has an impossible value, or the config can't be read.
pub async fn prepare(
    global: &Global,
    asked: Option<&commands::config::Args>,
    shutdown: Shutdown,
) -> Result<App, Failure> {
    let origin = std::env::var(ORIGIN_VARIABLE)
        .ok()
        .filter(|text| !text.is_empty());
    let endpoints = Endpoints::new(origin.as_deref()).map_err(|e| Failure::usage(e.to_string()))?;
    let store = store(global)?;
    let http = Http::new(
        endpoints.clone(),
        global.user_agent.as_deref().unwrap_or(crate::USER_AGENT),
    )
    .with_timeouts(global.timeout, global.contimeout)
    .with_connection(global.network.connection()?);
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
    let own = match asked {
        Some(args) if !args.reads_config() => Defaults::default(),
        _ => {
            let loading = store.clone();
            let config = terminal::wait(move || Ok(loading.load())).await?; // may ask for its password
            let config = config.map_err(config_failure)?;
            protect(&store, &config);
            // A newer version's keys are no fault; only what looks mistyped is named in every command.
            for said in config.unknown_keys() {
                if asked.is_some() || said.contains("did you mean") {
                    report::warn(&format!("{} has {said}", store.place()));
                }
            }
            config.defaults
        }
    };
    let defaults = own.or(site);
    let cache = match &global.cache_dir {
        Some(directory) => Some(directory.clone()),
        None => directory(|base| Some(base.cache_dir())),
    };
    let cache = cache.filter(|_| !global.no_cache);
    if let Some(directory) = &cache {
        local::hashes::keep_in(directory);
    }
    Ok(App {
        store,
        endpoints,
        http,
        transfers: transfers(global, &defaults),
        defaults,
        default_time: default_time(global),
        quiet: global.quiet,
        stats: global.stats,
        rates: rates(global),
        state: directory(|base| base.state_dir()).map(StateDir::new),
        cache: cache.map(Cache::new),
        memory_bytes: memory(global)?,
        tries: global.low_level_retries,
        shutdown,
        as_member: global.as_member.clone(),
        view: View::new(global.encode_names, global.export_formats.clone())
            .leaving_out(global.links.leaves_out()),
        links: global.links.options().await?,
        clients: parking_lot::Mutex::default(),
    })
}

/// Returns the time that is shown for what has none, as a folder of a Dropbox: without the flag, rclone's.
fn default_time(global: &Global) -> Modified {
    const RCLONES: Modified = Modified {
        seconds: 946_684_800, // 2000-01-01
        nanoseconds: 0,
    };
    /// What rclone shows for `off`: the first moment of the year 1.
    const OFF: Modified = Modified {
        seconds: -62_135_596_800,
        nanoseconds: 0,
    };
    let now = jiff::Timestamp::now().into();
    global
        .default_time
        .map_or(RCLONES, |age| age.before(now).unwrap_or(OFF))
}

/// Returns the config in force.
fn store(global: &Global) -> Result<Store, Failure> {
    let password = Password::new(global.password_command.clone()).asking(global.ask_password);
    let store = choose(global.config.clone(), password).map_err(|_| {
        Failure::usage("there is no home directory to keep the config in")
            .hint(format!("set HOME, or give --config FILE or {CONFIG_VARIABLE}"))
    })?;
    let is_missing = matches!(store.target(), Target::File(path) if !path.exists());
    if is_missing && store.is_rclones() {
        report::note(&format!(
            "Config file {:?} not found - using defaults",
            store.path()
        ));
    }
    Ok(store)
}

/// Returns the remotes of the usual config, each with its colon; none if they can't be had without asking.
pub fn remotes() -> Vec<String> {
    let Ok(store) = choose(named_by_variable(), Password::default()) else {
        return Vec::new();
    };
    let is_readable = store.is_encrypted().is_ok_and(|is_encrypted| !is_encrypted);
    let config = is_readable
        .then(|| store.load().ok())
        .flatten()
        .unwrap_or_default();
    config.remotes.keys().map(|name| format!("{name}:")).collect()
}

/// Returns the rates of the flags; those of a timetable change while the process runs.
fn rates(global: &Global) -> Arc<RateLimiter> {
    let table = global.bwlimit.clone();
    let now = table
        .as_ref()
        .map(|table| table.at(&ZonedDateTime::now()))
        .unwrap_or_default();
    let limiter = Arc::new(RateLimiter::new(Rates {
        calls_per_second: global.tpslimit,
        // As in rclone, 0 is no burst.
        burst: global.tpslimit_burst.unwrap_or(1).max(1),
        upload_bytes_per_second: now.up,
        download_bytes_per_second: now.down,
    }));
    if let Some(table) = table {
        tokio::spawn(follow(table, Arc::clone(&limiter)));
    }
    limiter
}

/// Sets the rates as a timetable says.
async fn follow(table: Timetable, limiter: Arc<RateLimiter>) {
    const MAX_WAIT: Duration = Duration::from_secs(600);
    while let Some(wait) = table.until_change(&ZonedDateTime::now()) {
        // Clocks are set, and summer begins.
        tokio::time::sleep(wait.min(MAX_WAIT)).await;
        let now = table.at(&ZonedDateTime::now());
        limiter.set_bytes_per_second(now.up, now.down);
    }
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
    let wanted = match global.max_connections {
        Some(most) if most > 0 => wanted.min(most.into()),
        _ => wanted,
    };
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

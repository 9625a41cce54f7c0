//! `copy`, `copyto`, `move`, `moveto` and `sync`.

use engine::plan::Verb;
use shared::{exit, failure::Failure, version::VERSION};

use super::{
    App,
    job::{self, Flags, MoveFlags, Request, SyncFlags},
    sources::{self, Source},
};
use crate::report::{
    self, json,
    receipt::{self, Receipt},
    without_secrets,
};

/// The arguments of `copyto`.
#[derive(Debug, clap::Args)]
pub struct CopytoArgs {
    /// Copy the file as it was at this revision: see 'node-tool revisions'
    #[arg(long)]
    rev: Option<String>,
    #[command(flatten)]
    copy: CopyArgs,
}

/// The arguments of `copy`.
#[derive(Debug, clap::Args)]
pub struct CopyArgs {
    /// NAME:path, or a local path; of several local ones, each keeps its name in DEST
    #[arg(required = true, value_parser = crate::commands::place())]
    source: Vec<String>,
    /// NAME:path, or a local path
    #[arg(value_parser = crate::commands::place())]
    dest: String,
    #[command(flatten)]
    flags: Flags,
}

/// The arguments of `move` and `moveto`.
#[derive(Debug, clap::Args)]
pub struct MoveArgs {
    #[command(flatten)]
    moving: MoveFlags,
    #[command(flatten)]
    copy: CopyArgs,
}

/// The arguments of `sync`.
#[derive(Debug, clap::Args)]
pub struct SyncArgs {
    #[command(flatten)]
    sync: SyncFlags,
    #[command(flatten)]
    copy: CopyArgs,
}

/// Copies.
///
/// # Errors
/// As [`job::run`]'s.
pub async fn copy(args: &CopyArgs, app: &App) -> Result<u8, Failure> {
    run(&request(Verb::Copy, args, &SyncFlags::default()), args, app).await
}

/// Copies; DEST is what a single file will be called.
///
/// # Errors
/// As [`job::run`]'s.
pub async fn copyto(args: &CopytoArgs, app: &App) -> Result<u8, Failure> {
    let sync = SyncFlags::default();
    let request = Request {
        dest_is_name: true,
        rev: args.rev.as_deref(),
        ..request(Verb::Copy, &args.copy, &sync)
    };
    run(&request, &args.copy, app).await
}

/// Moves; `dest_is_name` if DEST is what a single file will be called.
///
/// # Errors
/// As [`job::run`]'s.
pub async fn moving(args: &MoveArgs, dest_is_name: bool, app: &App) -> Result<u8, Failure> {
    let sync = SyncFlags::default();
    let request = Request {
        dest_is_name,
        moving: args.moving,
        ..request(Verb::Move, &args.copy, &sync)
    };
    run(&request, &args.copy, app).await
}

/// Makes the target the same as the source.
///
/// # Errors
/// As [`job::run`]'s.
pub async fn sync(args: &SyncArgs, app: &App) -> Result<u8, Failure> {
    run(&request(Verb::Sync, &args.copy, &args.sync), &args.copy, app).await
}

/// Returns the request of a verb.
fn request<'a>(verb: Verb, args: &'a CopyArgs, sync: &'a SyncFlags) -> Request<'a> {
    Request {
        verb,
        source: args.source.first().map(String::as_str).unwrap_or_default(),
        dest: &args.dest,
        dest_is_name: false,
        flags: &args.flags,
        sync,
        moving: MoveFlags::default(),
        rev: None,
        receipt: None,
    }
}

/// Executes a request for each of its sources.
async fn run(request: &Request<'_>, args: &CopyArgs, app: &App) -> Result<u8, Failure> {
    let Request {
        verb, dest_is_name, ..
    } = *request;
    let typed = (&*args.source, &*args.dest);
    let sources = sources::find(word(verb, dest_is_name), typed, verb, dest_is_name, app).await?;
    if sources.len() > 1 && args.flags.plan_out.is_some() {
        return Err(
            Failure::usage("--plan-out takes sources of one folder").hint("write a plan for each folder")
        );
    }
    if sources.len() > 1 && args.flags.lists.is_any() {
        return Err(
            Failure::usage("lists of files are of one source").hint("copy one source after the other")
        );
    }
    let receipt = match &args.flags.report {
        Some(path) => Some(Receipt::begin(path, head(request, args))?),
        None => None,
    };
    let mut worst = None;
    for source in &sources {
        let request = Request {
            receipt: receipt.as_ref(),
            source: &source.place,
            // A slash at the end says that it is a folder.
            dest_is_name: dest_is_name && !args.dest.ends_with('/'),
            flags: &flags_of(source, &args.flags)?,
            ..*request
        };
        let code = repeated(&request, app).await?;
        worst = Some(worst.map_or(code, |worst| worse(worst, code)));
    }
    if let Some(receipt) = receipt {
        receipt.end()?;
    }
    Ok(worst.unwrap_or(exit::SUCCESS))
}

/// Returns what a receipt says of the transfer.
fn head(request: &Request<'_>, args: &CopyArgs) -> receipt::Head {
    receipt::Head {
        schema: receipt::SCHEMA,
        version: VERSION.to_owned(),
        command: word(request.verb, request.dest_is_name).to_owned(),
        source: without_secrets(&args.source.join(" ")),
        target: without_secrets(&args.dest),
        time: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    }
}

fn word(verb: Verb, dest_is_name: bool) -> &'static str {
    match (verb, dest_is_name) {
        (Verb::Copy, false) => "copy",
        (Verb::Copy, true) => "copyto",
        (Verb::Move, false) => "move",
        (Verb::Move, true) => "moveto",
        (Verb::Sync, _) => "sync",
    }
}

/// Returns the flags for a source of which only a part is meant.
fn flags_of(source: &Source, flags: &Flags) -> Result<Flags, Failure> {
    let mut flags = flags.clone();
    flags.filter.names.clone_from(&source.names);
    if let Some(pattern) = &source.pattern {
        flags.filter.take_pattern(pattern)?;
    }
    Ok(flags)
}

/// Returns the code of two that says more: a failure hides a success, and different failures are a failure.
fn worse(a: u8, b: u8) -> u8 {
    match (a, b) {
        (a, b) if a == b => a,
        (exit::SUCCESS | exit::NOTHING_TO_DO, exit::SUCCESS | exit::NOTHING_TO_DO) => exit::SUCCESS,
        (exit::SUCCESS | exit::NOTHING_TO_DO, other) | (other, exit::SUCCESS | exit::NOTHING_TO_DO) => other,
        _ => exit::ERROR,
    }
}

/// Executes a request; if something fails for a reason that may pass, as often as `--retries` says.
async fn repeated(request: &Request<'_>, app: &App) -> Result<u8, Failure> {
    let flags = request.flags;
    let most = flags.retries.unwrap_or(1);
    let mut attempt = 1;
    let before = json::counted();
    loop {
        let result = job::run(request, app).await;
        let may_pass = match &result {
            Ok(code) => matches!(*code, exit::TEMPORARY | exit::ERROR),
            Err(failure) => failure.exit_code() == exit::TEMPORARY,
        };
        let is_last =
            attempt >= most || flags.dry_run || flags.plan_out.is_some() || app.shutdown.is_requested();
        if !may_pass || is_last {
            return result;
        }
        if let Err(failure) = result {
            report::error(&failure);
        }
        report::note(&format!(
            "attempt {attempt} of {most} failed; what failed is tried again"
        ));
        tokio::time::sleep(flags.retries_sleep.unwrap_or_default()).await;
        attempt += 1;
        json::count(|total| {
            // Only the last attempt's count.
            total.unchanged = before.unchanged;
            total.skipped = before.skipped;
            total.failed = before.failed;
        });
    }
}

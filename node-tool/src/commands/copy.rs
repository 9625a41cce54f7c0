//! `copy`, `copyto`, `move`, `moveto` and `sync`.

use engine::plan::Verb;
use shared::failure::Failure;

use super::{
    App,
    job::{self, Flags, MoveFlags, Request, SyncFlags},
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
    /// NAME:path, or a local path
    #[arg(value_parser = crate::commands::place())]
    source: String,
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
    job::run(&request(Verb::Copy, args, &SyncFlags::default()), app).await
}

/// Copies; DEST is what a single file will be called.
///
/// # Errors
/// As [`job::run`]'s.
pub async fn copyto(args: &CopytoArgs, app: &App) -> Result<u8, Failure> {
    let sync = SyncFlags::default();
    let request = Request {
        dest_is_name: is_name(&args.copy.dest),
        rev: args.rev.as_deref(),
        ..request(Verb::Copy, &args.copy, &sync)
    };
    job::run(&request, app).await
}

/// Moves; `dest_is_name` if DEST is what a single file will be called.
///
/// # Errors
/// As [`job::run`]'s.
pub async fn moving(args: &MoveArgs, dest_is_name: bool, app: &App) -> Result<u8, Failure> {
    let sync = SyncFlags::default();
    let request = Request {
        dest_is_name: dest_is_name && is_name(&args.copy.dest),
        moving: args.moving,
        ..request(Verb::Move, &args.copy, &sync)
    };
    job::run(&request, app).await
}

/// Makes the target the same as the source.
///
/// # Errors
/// As [`job::run`]'s.
pub async fn sync(args: &SyncArgs, app: &App) -> Result<u8, Failure> {
    job::run(&request(Verb::Sync, &args.copy, &args.sync), app).await
}

/// Whether DEST can be a file's new name: a slash at the end says that it is a folder.
fn is_name(dest: &str) -> bool {
    !dest.ends_with('/')
}

/// Returns the request of a verb.
fn request<'a>(verb: Verb, args: &'a CopyArgs, sync: &'a SyncFlags) -> Request<'a> {
    Request {
        verb,
        source: &args.source,
        dest: &args.dest,
        dest_is_name: false,
        flags: &args.flags,
        sync,
        moving: MoveFlags::default(),
        rev: None,
    }
}

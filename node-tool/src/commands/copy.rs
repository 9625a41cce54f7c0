//! `copy`, `copyto`, `move`, `moveto` and `sync`.

use engine::plan::Verb;
use shared::failure::Failure;

use super::{
    App,
    job::{self, Flags, MoveFlags, Request, SyncFlags},
};

/// The arguments of `copy` and `copyto`.
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

/// Copies; `dest_is_name` if DEST is what a single file will be called.
///
/// # Errors
/// As [`job::run`]'s.
pub async fn copy(args: &CopyArgs, dest_is_name: bool, app: &App) -> Result<u8, Failure> {
    run(
        Verb::Copy,
        args,
        dest_is_name,
        &SyncFlags::default(),
        MoveFlags::default(),
        app,
    )
    .await
}

/// Moves; `dest_is_name` if DEST is what a single file will be called.
///
/// # Errors
/// As [`job::run`]'s.
pub async fn moving(args: &MoveArgs, dest_is_name: bool, app: &App) -> Result<u8, Failure> {
    run(
        Verb::Move,
        &args.copy,
        dest_is_name,
        &SyncFlags::default(),
        args.moving,
        app,
    )
    .await
}

/// Makes the target the same as the source.
///
/// # Errors
/// As [`job::run`]'s.
pub async fn sync(args: &SyncArgs, app: &App) -> Result<u8, Failure> {
    run(
        Verb::Sync,
        &args.copy,
        false,
        &args.sync,
        MoveFlags::default(),
        app,
    )
    .await
}

async fn run(
    verb: Verb,
    args: &CopyArgs,
    dest_is_name: bool,
    sync: &SyncFlags,
    moving: MoveFlags,
    app: &App,
) -> Result<u8, Failure> {
    let request = Request {
        verb,
        source: &args.source,
        dest: &args.dest,
        // A slash at the end says that it is a folder.
        dest_is_name: dest_is_name && !args.dest.ends_with('/'),
        flags: &args.flags,
        sync,
        moving,
    };
    job::run(&request, app).await
}

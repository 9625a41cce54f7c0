//! `touch`: makes an empty file, or gives a file another time.

use bytes::Bytes;
use shared::{
    api::files::{CommitInfo, Time, UPLOAD, UploadArg, WriteMode},
    content_hash::ContentHash,
    exit,
    failure::Failure,
};

use super::{App, side_failure};
use crate::{
    dropbox::{Client, DropboxPath, Error, Payload, Relocation},
    local::set_modified,
    side::Side,
    tree::{FileInfo, Modified},
};

/// The arguments of `touch`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool touch dbx:results/DONE")]
pub struct Args {
    /// The file: NAME:path, or a local path
    #[arg(value_parser = crate::commands::place())]
    path: String,
    /// Make no file
    #[arg(short = 'C', long)]
    no_create: bool,
    /// The time to give it: 2006-01-02T15:04:05 (UTC), 2006-01-02 or 060102 [default: now]
    #[arg(short, long, value_parser = timestamp)]
    timestamp: Option<Modified>,
    /// Change nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// Touches.
///
/// # Errors
/// When the file can't be made or its time can't be changed.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let side = app.side(&args.path)?;
    let time = args.timestamp.unwrap_or_else(super::super::list::now);
    let there = side
        .stat()
        .await
        .map_err(|e| side_failure("look at", &side, &e))?;
    if args.dry_run {
        tracing::warn!(object = %side.location(), "Skipped touch as --dry-run is set");
        return Ok(exit::SUCCESS);
    }
    match (&side, there.as_ref().map(|at| at.file())) {
        (_, None) if args.no_create => {}
        (_, Some(None)) => return Err(Failure::usage(format!("'{}' is a folder", side.location()))),
        (Side::Local(path), Some(_)) => {
            set_modified(path, time).map_err(|e| side_failure("touch", &side, &e.into()))?
        }
        (Side::Local(path), None) => {
            let made = std::fs::File::create_new(path).and_then(|_| set_modified(path, time));
            made.map_err(|e| side_failure("make", &side, &e.into()))?;
        }
        (Side::Remote { .. }, Some(Some(file))) if file.size_bytes > 0 || file.document().is_some() => {
            return Err(Failure::new(format!("could not touch '{}'", side.location()))
                .why("Dropbox sets a file's time only when its content is uploaded")
                .next("copy a file with that time to it"));
        }
        (Side::Remote { .. }, old) => empty(&side, old.flatten(), time).await?,
    }
    Ok(exit::SUCCESS)
}

async fn empty(side: &Side, old: Option<&FileInfo>, time: Modified) -> Result<(), Failure> {
    let Side::Remote { client, path, .. } = side else {
        return Ok(());
    };
    let Some(old) = old.and_then(|file| file.remote.as_ref()) else {
        return upload(side, client, path, time).await;
    };
    // Dropbox takes the same content for no change at all, so the new file is made beside the old one, and takes its place.
    let around = path.parent().unwrap_or_default();
    let new = around.join(&format!(".node-tool.{:016x}.touch", rand::random::<u64>()));
    upload(side, client, &new, time).await?;
    let error = match replace(client, &new, path, &old.rev).await {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    let failure = side_failure("touch", side, &error.into());
    Err(match client.delete_all(&[(new.clone(), None)]).await.pop() {
        Some(Err(_)) => failure.next(format!(
            "node-tool deletefile '{}'   removes an empty file that was left behind",
            client.location(&new)
        )),
        _ => failure,
    })
}

/// Puts the file `new` in the place of the revision `rev` at `path`. If that fails, the old one is there again.
async fn replace(client: &Client, new: &DropboxPath, path: &DropboxPath, rev: &str) -> Result<(), Error> {
    let old = [(path.clone(), Some(rev.to_owned()))];
    client.delete_all(&old).await.pop().unwrap_or(Ok(()))?;
    let moves = [(new.clone(), path.clone())];
    let moved = client.relocate_all(Relocation::Move, &moves).await.pop();
    let Some(Err(error)) = moved else { return Ok(()) };
    // If another file came there meanwhile, it stays.
    if !error.route().is_some_and(|route| route.has("conflict")) {
        let _ = client.restore(path, rev).await; // what failed first is told
    }
    Err(error)
}

/// Uploads an empty file to where nothing is.
async fn upload(side: &Side, client: &Client, path: &DropboxPath, time: Modified) -> Result<(), Failure> {
    let arg = UploadArg {
        commit: CommitInfo {
            path: path.as_str().to_owned(),
            mode: WriteMode::Add,
            client_modified: Some(Time(time.seconds)),
            mute: true,
        },
        content_hash: ContentHash::of_blocks(&[]),
    };
    let nothing = Payload::kept(Vec::<Bytes>::new());
    client
        .upload(&UPLOAD, &arg, &nothing)
        .await
        .map_err(|e| side_failure("make", side, &e.into()))?;
    Ok(())
}

fn timestamp(text: &str) -> Result<Modified, String> {
    use jiff::{civil::DateTime, tz::TimeZone};
    let short = jiff::fmt::strtime::parse("%y%m%d", text)
        .and_then(|t| t.to_date())
        .map(DateTime::from);
    let time = text.parse::<DateTime>().or(short).ok();
    let time = time.and_then(|time| time.to_zoned_datetime(TimeZone::UTC).ok());
    match time.or_else(|| text.parse().ok()) {
        Some(time) => Ok(Modified {
            seconds: time.timestamp().as_second(),
            nanoseconds: 0,
        }),
        None => Err("give a time such as 2006-01-02T15:04:05".into()),
    }
}

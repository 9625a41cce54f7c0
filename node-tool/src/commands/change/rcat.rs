//! `rcat`: the standard input becomes a file.

use std::{io, sync::Arc};

use engine::entry::Entry;
use shared::{exit, failure::Failure};
use stores::{Place, WriteOptions, Written};

use super::{App, place_failure, refuse_read_only, report_step, report_written};
use crate::{
    commands::list::now,
    report::{
        self,
        json::{Action, Step},
    },
    terminal,
};

/// The arguments of `rcat`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The input may be of any length and is sent as it comes, without being stored here. Its content hash is compared with \
                  Dropbox's. The file appears when the input has ended and all of it has arrived; if this is interrupted, nothing \
                  appears. A program before the pipe that fails looks like one that ends: use 'set -o pipefail', and --size where \
                  the size is known.\n\n\
                  Examples:\n  tar c results | node-tool rcat dbx:results.tar\n  \
                  pg_dump lab | zstd | node-tool rcat dbx:backups/lab.sql.zst"
)]
pub struct Args {
    /// The file to write: NAME:path, or a local path
    #[arg(value_parser = crate::commands::place())]
    path: String,
    /// Number of bytes of the input; an input of another length is refused
    #[arg(
        long,
        value_name = "BYTES",
        allow_negative_numbers = true,
        default_value = "-1",
        hide_default_value = true
    )]
    size: i64,
    /// Replace the file also if it changes meanwhile
    #[arg(long)]
    overwrite_newer: bool,
    /// Show what would be written, without reading the input
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Show progress
    #[arg(short = 'P', long)]
    progress: bool,
}

/// Writes the file.
///
/// # Errors
/// When the target is no file's name, or the input can't be read or stored to its end.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let side = app.place(&args.path)?;
    if args.path.ends_with(['/', ':']) || side.split().is_none() {
        return Err(needs_name(&side));
    }
    if let Some(reason) = side.refusal() {
        return Err(Failure::usage(format!("could not write '{side}'")).why(reason));
    }
    let there = side.find().await;
    let there = there.map_err(|e| place_failure("look at", &side, &e))?;
    check(&side, there.as_ref())?;
    refuse_read_only("write", &side).await?;
    if args.dry_run {
        report_step(&side.to_string(), "write", Step::new(Action::Write, ""))?;
        return Ok(exit::SUCCESS);
    }
    if terminal::is_there() {
        return Err(
            Failure::usage("there is nothing to read: the standard input is a terminal").hint(format!(
                "pipe something into it: tar c FOLDER | node-tool rcat {}",
                side.typed()
            )),
        );
    }
    let progress = report::Progress::new(args.progress, 1, args.size().unwrap_or(0), app.stats);
    let progress = Arc::new(progress);
    let options = WriteOptions {
        memory_bytes: app.memory_bytes,
        state_dir: app.state.clone(),
        overwrites_newer: args.overwrite_newer,
        size_bytes: args.size(),
        modified: now(),
        is_executable: false,
        moved: {
            let progress = Arc::clone(&progress);
            Arc::new(move |bytes| progress.moved(bytes, None))
        },
    };
    let seen = there.as_ref().and_then(Entry::file);
    let written = side.write(Box::new(io::stdin()), seen, &options).await;
    progress.finish();
    let written = written.map_err(|e| place_failure("write", &side, &e))?;
    done(&side, &written)
}

impl Args {
    /// Returns the size that the input must have, if it was given.
    fn size(&self) -> Option<u64> {
        u64::try_from(self.size).ok()
    }
}

/// Something in the place of the file that is no file.
fn check(side: &Place, there: Option<&Entry>) -> Result<(), Failure> {
    match there {
        Some(entry) if entry.file().is_none() => Err(needs_name(side)),
        Some(entry) if entry.document().is_some() => Err(Failure::usage(format!(
            "'{side}' is a cloud document, which can't be replaced by a file"
        ))
        .hint("choose another name")),
        _ => Ok(()),
    }
}

fn needs_name(side: &Place) -> Failure {
    let name = side.join("NAME").typed();
    Failure::usage(format!("'{side}' is a folder; this writes one file"))
        .hint(format!("name the file, such as {name}"))
}

fn done(side: &Place, written: &Written) -> Result<u8, Failure> {
    tracing::info!(
        object = %side,
        "Written ({}, content hash {})",
        report::bytes(written.size_bytes),
        written.checksum
    );
    match &written.beside {
        None => report_written("", written).map(|()| exit::SUCCESS),
        Some(name) => {
            let beside = side.split().map(|(folder, _)| folder.join(name));
            let beside = beside.map_or_else(|| name.clone(), |place| place.typed());
            Err(Failure::new(format!(
                "'{side}' was changed by another program meanwhile, and stays"
            ))
            .why(format!("what was read is in {beside}")))
        }
    }
}

//! `archive`: many files as one, as streams: nothing is stored in between, and of an archive in a Dropbox only what is needed is
//! read.

mod create;
mod extract;
mod format;
mod list;
mod names;
mod pipe;
mod reader;
mod thread;
mod writer;

use engine::entry::FileMeta;
use shared::failure::Failure;
use stores::{Place, ReadSeek};

use self::format::Format;
use super::{App, list::now, missing, place_failure};

/// The arguments of `archive`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Write a folder to an archive
    Create(create::Args),
    /// List what is in an archive
    List(list::Args),
    /// Write what is in an archive to a folder
    Extract(extract::Args),
}

/// Runs a subcommand.
///
/// # Errors
/// As the subcommand's.
pub async fn run(args: Args, app: &App) -> Result<u8, Failure> {
    match args.command {
        Command::Create(args) => create::run(args, app).await,
        Command::List(args) => list::run(&args, app).await,
        Command::Extract(args) => extract::run(&args, app).await,
    }
}

/// An archive that is there.
struct Found {
    place: Place,
    file: FileMeta,
}

impl Found {
    /// Looks for an archive.
    async fn new(path: &str, app: &App) -> Result<Self, Failure> {
        let place = app.place(path)?;
        let there = place.find().await;
        let there = there.map_err(|e| place_failure("look at", &place, &e))?;
        let there = there.ok_or_else(|| missing(&place))?;
        match there.file() {
            Some(file) if file.document().is_none() => Ok(Self {
                file: file.clone(),
                place,
            }),
            _ => Err(Failure::usage(format!("'{place}' is not an archive"))
                .why("it is a folder, or a cloud document")),
        }
    }

    /// Opens it and finds out its format. Waits, so it has to be called on a thread that may.
    fn open(&self) -> Result<(Box<dyn ReadSeek>, Format), Failure> {
        let opened = self.place.open_seekable(&self.file);
        let mut opened = opened.map_err(|e| place_failure("read", &self.place, &e))?;
        let format = Format::of_content(&mut *opened).map_err(|e| self.unreadable(&e))?;
        match format {
            Some(format) => Ok((opened, format)),
            None => Err(self.unknown()),
        }
    }

    fn unreadable(&self, error: &std::io::Error) -> Failure {
        Failure::new(format!("could not read the archive '{}'", self.place)).why(error)
    }

    fn unknown(&self) -> Failure {
        let cat = format!("node-tool cat {}", self.place.typed());
        Failure::new(format!("'{}' is no archive that can be read here", self.place))
            .why("there are: zip, tar, tar.gz, tar.zst")
            .hint(format!("for others, such as tar.xz: {cat} | tar xJ"))
    }
}

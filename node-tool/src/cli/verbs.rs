//! The verbs, and which code carries each out.

use clap::Subcommand;
use engine::{digest::Algorithm, run::Shutdown};
use shared::{exit, failure::Failure};

use super::{global::Global, prepare::prepare};
use crate::commands::{self, archive, change, copy, digest, du, help, link, list, look, man, shares};

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
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
    /// List the remotes
    Listremotes(list::listremotes::Args),
    /// Show how much is in each folder; on a terminal as a browser
    #[command(visible_alias = "ncdu")]
    Du(du::Args),
    /// Print a digest of each file, or compare them with those in a file
    Hashsum(digest::hashsum::Args),
    /// Print the MD5 digest of each file
    #[command(after_help = "Example: node-tool md5sum results > MD5SUMS")]
    Md5sum(digest::hashsum::SumArgs),
    /// Print the SHA-1 digest of each file
    #[command(after_help = "Example: node-tool sha1sum results > SHA1SUMS")]
    Sha1sum(digest::hashsum::SumArgs),
    /// Print the SHA-256 digest of each file
    #[command(after_help = "Example: node-tool sha256sum dbx:results --download > SHA256SUMS")]
    Sha256sum(digest::hashsum::SumArgs),
    /// Compare files with the digests in a sum file or a receipt
    Checksum(digest::checksum::Args),
    /// Copy new and changed files; never delete
    #[command(after_help = COPY_HELP)]
    Copy(copy::CopyArgs),
    /// Like copy, but DEST is the new name of a single file
    #[command(after_help = "Example: node-tool copyto report.pdf dbx:reports/2026-11.pdf")]
    Copyto(copy::CopytoArgs),
    /// Copy, then remove from the source what is in the target
    #[command(after_help = "Example: node-tool move dbx:inbox dbx:archive/2026 --delete-empty-src-dirs")]
    Move(copy::MoveArgs),
    /// Like move, but DEST is the new name of a single file
    #[command(after_help = "Example: node-tool moveto dbx:draft.txt dbx:final.txt")]
    Moveto(copy::MoveArgs),
    /// Make the target the same as the source; deletes in the target
    #[command(after_help = SYNC_HELP)]
    Sync(copy::SyncArgs),
    /// Carry out a plan that copy, move or sync wrote with --plan-out
    Run(commands::job::planned::Args),
    /// Print the batch script that runs a command in a job of Slurm, or submit it
    Submit(commands::submit::Args),
    /// Compare two folders by size and hash
    Check(look::check::Args),
    /// Print files
    Cat(look::cat::Args),
    /// Write what comes on the standard input to a file
    Rcat(change::rcat::Args),
    /// Have Dropbox fetch a file from an address
    Copyurl(change::copyurl::Args),
    /// Make archives (zip, tar), list them, and extract them
    #[command(
        after_help = "Examples:\n  node-tool archive create results dbx:results.tar.zst\n  node-tool archive list dbx:results.tar.zst\n  \
                      node-tool archive extract dbx:results.tar.zst /scratch/results"
    )]
    Archive(archive::Args),
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
    Link(link::Args),
    /// List what others share with you; mount and unmount shared folders
    Shared(shares::Args),
    /// List the earlier states of a file
    Revisions(look::revisions::Args),
    /// Bring an earlier state of a file back
    Restore(look::restore::Args),
    /// Find files and folders
    Search(look::search::Args),
    /// Print changes as they happen
    Watch(look::watch::Args),
    /// Print the version
    #[command(after_help = "Example: node-tool version")]
    Version,
    /// Print completions for a shell
    Completion(help::CompletionArgs),
    /// Show the manual page of a command
    Man(man::Args),
}

impl Command {
    /// Returns why it prints no JSON. `None` means that it does.
    pub fn json_refusal(&self) -> Option<&'static str> {
        match self {
            Self::Config(args) => args.json_refusal(),
            Self::Cat(_) => Some("cat prints the bytes of files"),
            Self::Completion(_) => Some("what it prints is for a shell"),
            Self::Man(_) => Some("what it prints is for man"),
            Self::Lsjson(_) => Some("lsjson prints JSON as rclone does; 'lsf --json' prints this program's"),
            Self::Hashsum(_)
            | Self::Md5sum(_)
            | Self::Sha1sum(_)
            | Self::Sha256sum(_)
            | Self::Checksum(_)
            | Self::Rcat(_)
            | Self::Copyurl(_)
            | Self::Archive(_)
            | Self::Shared(_)
            | Self::Run(_)
            | Self::Submit(_)
            | Self::Ls(_)
            | Self::Lsl(_)
            | Self::Lsd(_)
            | Self::Lsf(_)
            | Self::Tree(_)
            | Self::Size(_)
            | Self::Du(_)
            | Self::Listremotes(_)
            | Self::Copy(_)
            | Self::Copyto(_)
            | Self::Move(_)
            | Self::Moveto(_)
            | Self::Sync(_)
            | Self::Check(_)
            | Self::Mkdir(_)
            | Self::Rmdir(_)
            | Self::Rmdirs(_)
            | Self::Purge(_)
            | Self::Delete(_)
            | Self::Deletefile(_)
            | Self::Touch(_)
            | Self::Cleanup(_)
            | Self::About(_)
            | Self::Link(_)
            | Self::Revisions(_)
            | Self::Restore(_)
            | Self::Search(_)
            | Self::Watch(_)
            | Self::Version => None,
        }
    }
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

/// Carries out a command. `program` describes the whole command line.
///
/// # Errors
/// When it fails as a whole.
pub async fn dispatch(
    command: Command,
    global: &Global,
    program: fn() -> clap::Command,
    shutdown: Shutdown,
) -> Result<u8, Failure> {
    // These need no config, network or home directory.
    match &command {
        Command::Version => return help::version(),
        Command::Completion(args) => return help::completion(args),
        Command::Man(args) => return man::run(args, program()),
        Command::Submit(args) => return commands::submit::run(args, program()),
        _ => {}
    }
    let config = match &command {
        Command::Config(args) => Some(args),
        _ => None,
    };
    if matches!(command, Command::Copyurl(_)) && global.network.has_headers() {
        return Err(Failure::usage("copyurl can't send headers").why("Dropbox fetches the file itself"));
    }
    let app = prepare(global, config, shutdown).await?;
    let result = match command {
        Command::Config(args) => commands::config::run(args, &app).await,
        Command::Lsd(args) => list::ls::run(&args, list::ls::Format::Folders, &app).await,
        Command::Ls(args) => list::ls::run(&args, list::ls::Format::Sizes, &app).await,
        Command::Lsl(args) => list::ls::run(&args, list::ls::Format::Times, &app).await,
        Command::Lsf(args) => list::lsf::run(&args, &app).await,
        Command::Lsjson(args) => list::lsjson::run(&args, &app).await,
        Command::Tree(args) => list::tree::run(&args, &app).await,
        Command::Size(args) => list::size::run(&args, &app).await,
        Command::Listremotes(args) => list::listremotes::run(&args, &app),
        Command::Du(args) => du::run(args, &app).await,
        Command::Hashsum(args) => digest::hashsum::run(args, &app).await,
        Command::Md5sum(args) => digest::hashsum::sums(Algorithm::Md5, args, &app).await,
        Command::Sha1sum(args) => digest::hashsum::sums(Algorithm::Sha1, args, &app).await,
        Command::Sha256sum(args) => digest::hashsum::sums(Algorithm::Sha256, args, &app).await,
        Command::Checksum(args) => digest::checksum::run(args, &app).await,
        Command::Copy(args) => copy::copy(&args, &app).await,
        Command::Copyto(args) => copy::copyto(&args, &app).await,
        Command::Move(args) => copy::moving(&args, false, &app).await,
        Command::Moveto(args) => copy::moving(&args, true, &app).await,
        Command::Sync(args) => copy::sync(&args, &app).await,
        Command::Run(args) => commands::job::planned::run(&args, &app).await,
        Command::Check(args) => look::check::run(&args, &app).await,
        Command::Cat(args) => look::cat::run(&args, &app).await,
        Command::Rcat(args) => change::rcat::run(&args, &app).await,
        Command::Copyurl(args) => change::copyurl::run(&args, &app).await,
        Command::Archive(args) => archive::run(args, &app).await,
        Command::Mkdir(args) => change::mkdir::run(&args, &app).await,
        Command::Rmdir(args) => change::rmdir::one(&args, &app).await,
        Command::Rmdirs(args) => change::rmdir::all(&args, &app).await,
        Command::Purge(args) => change::purge::run(&args, &app).await,
        Command::Delete(args) => change::delete::run(&args, &app).await,
        Command::Deletefile(args) => change::delete::file(&args, &app).await,
        Command::Touch(args) => change::touch::run(&args, &app).await,
        Command::Cleanup(args) => change::cleanup::run(&args, &app),
        Command::About(args) => look::about::run(&args, &app).await,
        Command::Link(args) => link::run(&args, &app).await,
        Command::Shared(args) => shares::run(&args, &app).await,
        Command::Revisions(args) => look::revisions::run(&args, &app).await,
        Command::Restore(args) => look::restore::run(&args, &app).await,
        Command::Search(args) => look::search::run(&args, &app).await,
        Command::Watch(args) => look::watch::run(&args, &app).await,
        // Done above.
        Command::Version | Command::Completion(_) | Command::Man(_) | Command::Submit(_) => Ok(exit::SUCCESS),
    };
    // Only authorisation is fatal: the centre knows whom to ask.
    result.map_err(|failure| match app.defaults.help {
        Some(help) if failure.exit_code() == exit::FATAL => failure.hint(help),
        _ => failure,
    })
}

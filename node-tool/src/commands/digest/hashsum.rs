//! `hashsum`, `md5sum`, `sha1sum` and `sha256sum`: a digest of each file, in the form of `sha256sum`.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::PathBuf,
};

use engine::digest::{Algorithm, Digester, UnknownAlgorithm};
use futures_util::{StreamExt, stream};
use shared::{exit, failure::Failure};

use super::{
    App,
    compute::{MAX_CONCURRENT_READS, digest, is_known},
    place_failure,
    verify::{Verify, verify},
};
use crate::{
    commands::{
        list::{Listing, PlaceArgs},
        look::check::outputs::Outputs,
    },
    flags::{filter::FilterFlags, symlinks::SymlinkFlags},
    report::{
        self,
        format::{SumForm, sum_line},
    },
    terminal,
};

/// Maximum number of lines that are written at once.
const MAX_LINES: usize = 256;
/// Digests that rclone has and this program hasn't.
const ONLY_RCLONES: [&str; 7] = [
    "whirlpool",
    "blake3",
    "xxh3",
    "xxh128",
    "hidrive",
    "mailru",
    "quickxor",
];

/// The arguments of `hashsum`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Dropbox knows its own hash of each file; for any other, --download reads the files.\n\n\
                  Examples:\n  node-tool hashsum dropbox dbx:results > sums.txt\n  \
                  node-tool hashsum sha512 dbx:results --download\n  node-tool hashsum"
)]
pub struct Args {
    /// The digest: md5, sha1, crc32, sha256, sha512 or dropbox; without it they are listed
    hash: Option<String>,
    #[command(flatten)]
    sums: SumArgs,
}

/// The arguments of `md5sum` and its like.
#[derive(Debug, clap::Args)]
pub struct SumArgs {
    /// What to read: NAME:path, or a local path; - is the standard input [default: -]
    #[arg(value_parser = crate::commands::place())]
    path: Option<String>,
    /// Write base64 instead of hexadecimal digits
    #[arg(long)]
    base64: bool,
    /// Write the digests to FILE
    #[arg(long, value_name = "FILE")]
    output_file: Option<PathBuf>,
    /// Compare with the digests in FILE, such as md5sum's output or a receipt, instead of printing them
    #[arg(short = 'C', long, value_name = "FILE", value_parser = crate::commands::place(), conflicts_with_all = ["base64", "output_file"])]
    checkfile: Option<String>,
    /// Read the files of a Dropbox; otherwise there is only the hash that Dropbox has
    #[arg(long)]
    download: bool,
    #[command(flatten)]
    filter: FilterFlags,
    #[command(flatten)]
    symlinks: SymlinkFlags,
}

/// Prints one line per file, or lists the digests.
///
/// # Errors
/// When there is no such digest, or as [`sums`].
pub async fn run(args: Args, app: &App) -> Result<u8, Failure> {
    match &args.hash {
        None => {
            let list: String = Algorithm::ALL.iter().map(|name| format!("- {name}\n")).collect();
            report::result(&format!("Supported hashes are:\n{list}"))?;
            Ok(exit::SUCCESS)
        }
        Some(name) => sums(algorithm(name)?, args.sums, app).await,
    }
}

/// Returns the algorithm of this name.
pub(super) fn algorithm(name: &str) -> Result<Algorithm, Failure> {
    name.parse().map_err(|error: UnknownAlgorithm| {
        let failure = Failure::usage(error.to_string());
        let failure = match ONLY_RCLONES.contains(&&*name.to_ascii_lowercase()) {
            true => failure.why("rclone has this one, and this program hasn't"),
            false => failure,
        };
        failure.next("node-tool hashsum    # lists them")
    })
}

/// Prints one line per file, or compares the files with a sum file.
///
/// # Errors
/// When the folder isn't there, or what was written or is to be read can't be.
pub async fn sums(algorithm: Algorithm, args: SumArgs, app: &App) -> Result<u8, Failure> {
    let (form, mut output) = (args.form(), Output::open(args.output_file.as_ref())?);
    let Some(path) = args.path.filter(|path| path != "-") else {
        let line = of_stdin(algorithm, form).await?;
        output.write([line])?;
        return output.finish().map(|()| exit::SUCCESS);
    };
    let place = PlaceArgs {
        path,
        filter: args.filter,
        symlinks: args.symlinks,
    };
    if let Some(sums) = args.checkfile {
        let wanted = Verify {
            algorithm,
            sums,
            place,
            one_way: false,
            download: args.download,
            outputs: Outputs::shown(),
        };
        return verify(wanted, app).await;
    }
    let listing = place.list(true, app).await?;
    let has_files = listing.entries.iter().any(|entry| entry.file().is_some());
    if has_files && !is_known(&listing.side, algorithm, args.download) {
        return Err(Failure::new(format!("Dropbox has no {algorithm} of a file"))
            .hint("--download reads the files and computes it"));
    }
    let code = print(&listing, algorithm, (form, args.download), &mut output).await?;
    output.finish()?;
    Ok(code)
}

async fn print(
    listing: &Listing,
    algorithm: Algorithm,
    (form, download): (SumForm, bool),
    output: &mut Output,
) -> Result<u8, Failure> {
    let width = algorithm.length_bytes();
    let files = listing
        .entries
        .iter()
        .filter_map(|entry| Some((entry, entry.file()?)));
    let lines = stream::iter(files).map(|(entry, file)| async move {
        let place = listing.place_of(entry);
        let digest = digest(&place, file, algorithm, download).await;
        let digest = digest.map_err(|error| place_failure("read", &place, &error))?;
        if digest.is_none() {
            // What a document will be is known only when it is exported.
            report::warn(&format!(
                "'{}' is a cloud document, which has no hash",
                entry.path
            ));
        }
        Ok::<_, Failure>(sum_line(digest.as_deref(), width, form, &entry.path))
    });
    let mut lines = lines.buffered(MAX_CONCURRENT_READS).ready_chunks(MAX_LINES);
    let mut code = listing.code();
    while let Some(chunk) = lines.next().await {
        let (lines, failures): (Vec<_>, Vec<_>) = chunk.into_iter().partition(Result::is_ok);
        output.write(lines.into_iter().flatten())?;
        for failure in failures.into_iter().filter_map(Result::err) {
            report::error(&failure);
            code = exit::ERROR;
        }
    }
    Ok(code)
}

/// Returns the line of the standard input.
async fn of_stdin(algorithm: Algorithm, form: SumForm) -> Result<String, Failure> {
    if terminal::is_there() {
        return Err(
            Failure::usage("there is nothing to read: the standard input is a terminal")
                .hint("name a folder or file, such as dbx:results, or pipe something into it"),
        );
    }
    let digests = tokio::task::spawn_blocking(move || {
        let (mut digester, mut buffer) = (Digester::new(&[algorithm]), vec![0; 1 << 18]);
        let mut input = io::stdin().lock();
        loop {
            match input.read(&mut buffer) {
                Ok(0) => return Ok(digester.finish()),
                Ok(count) => digester.update(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    });
    let digests = digests.await.map_err(io::Error::other).flatten();
    let digests = digests.map_err(|e| Failure::new("could not read the standard input").why(e))?;
    let digest = digests.first().map(|(_, digest)| digest.as_str());
    Ok(sum_line(digest, algorithm.length_bytes(), form, "-"))
}

impl SumArgs {
    fn form(&self) -> SumForm {
        match self.base64 {
            true => SumForm::Base64,
            false => SumForm::Hex,
        }
    }
}

/// Where the lines go.
enum Output {
    Stdout,
    File(io::BufWriter<File>, String),
}

impl Output {
    fn open(path: Option<&PathBuf>) -> Result<Self, Failure> {
        let Some(path) = path else {
            return Ok(Self::Stdout);
        };
        let name = path.display().to_string();
        let file = File::create(path).map_err(|error| unwritten(&name, error).code(exit::USAGE))?;
        Ok(Self::File(io::BufWriter::new(file), name))
    }

    fn write(&mut self, lines: impl IntoIterator<Item = String>) -> Result<(), Failure> {
        match self {
            Self::Stdout => report::results(lines.into_iter()),
            Self::File(file, name) => {
                let mut lines = lines.into_iter();
                let written = lines.try_for_each(|line| {
                    file.write_all(&shared::raw::bytes(&line))?;
                    file.write_all(b"\n")
                });
                written.map_err(|error| unwritten(name, error))
            }
        }
    }

    fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Stdout => Ok(()),
            Self::File(mut file, name) => file.flush().map_err(|error| unwritten(&name, error)),
        }
    }
}

fn unwritten(name: &str, error: io::Error) -> Failure {
    Failure::new(format!("--output-file: could not write '{name}'")).why(error)
}

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
        json::{self, Digest, Object},
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
        None => list().map(|()| exit::SUCCESS),
        Some(name) => sums(algorithm(name)?, args.sums, app).await,
    }
}

/// Lists the digests.
fn list() -> Result<(), Failure> {
    if json::is_on() {
        let named = |algorithm: &Algorithm| Digest {
            path: None,
            algorithm: algorithm.name().to_owned(),
            digest: None,
            size: None,
        };
        return json::print_all(Algorithm::ALL.iter().map(named).map(Object::Digest));
    }
    let list: String = Algorithm::ALL.iter().map(|name| format!("- {name}\n")).collect();
    report::result(&format!("Supported hashes are:\n{list}"))
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
    let form = Form {
        algorithm,
        sums: args.form(),
    };
    let mut output = Output::open(args.output_file.as_ref())?;
    let Some(path) = args.path.filter(|path| path != "-") else {
        let sum = of_stdin(algorithm).await?;
        output.write(&form, &[sum])?;
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
    let code = print(&listing, &form, args.download, &mut output).await?;
    output.finish()?;
    Ok(code)
}

/// A file and its digest. `None` for a cloud document, which has none.
struct Sum {
    path: String,
    size_bytes: Option<u64>,
    digest: Option<String>,
}

/// How digests are written.
struct Form {
    algorithm: Algorithm,
    sums: SumForm,
}

impl Form {
    fn line(&self, sum: &Sum) -> String {
        let width = self.algorithm.length_bytes();
        sum_line(sum.digest.as_deref(), width, self.sums, &sum.path)
    }

    fn object(&self, sum: &Sum) -> Object {
        Object::Digest(Digest {
            path: Some(sum.path.clone()),
            algorithm: self.algorithm.name().to_owned(),
            digest: sum.digest.clone(),
            size: sum.size_bytes,
        })
    }
}

async fn print(listing: &Listing, form: &Form, download: bool, output: &mut Output) -> Result<u8, Failure> {
    let files = listing
        .entries
        .iter()
        .filter_map(|entry| Some((entry, entry.file()?)));
    let sums = stream::iter(files).map(|(entry, file)| async move {
        let place = listing.place_of(entry);
        let digest = digest(&place, file, form.algorithm, download).await;
        let digest = digest.map_err(|error| (place, entry, error))?;
        if digest.is_none() {
            // What a document will be is known only when it is exported.
            report::warn(&format!(
                "'{}' is a cloud document, which has no hash",
                entry.path
            ));
        }
        Ok(Sum {
            path: entry.path.clone(),
            size_bytes: file.document().is_none().then_some(file.size_bytes),
            digest,
        })
    });
    let mut sums = sums.buffered(MAX_CONCURRENT_READS).ready_chunks(MAX_LINES);
    let mut code = listing.code();
    while let Some(chunk) = sums.next().await {
        let (mut known, mut failures) = (Vec::new(), Vec::new());
        for sum in chunk {
            match sum {
                Ok(sum) => known.push(sum),
                Err(failed) => failures.push(failed),
            }
        }
        output.write(form, &known)?;
        for (place, entry, error) in failures {
            report::error(&place_failure("read", &place, &error));
            json::print_failed(None, &entry.path, &error)?;
            code = exit::ERROR;
        }
    }
    Ok(code)
}

/// Returns the digest of the standard input.
async fn of_stdin(algorithm: Algorithm) -> Result<Sum, Failure> {
    if terminal::is_there() {
        return Err(
            Failure::usage("there is nothing to read: the standard input is a terminal")
                .hint("name a folder or file, such as dbx:results, or pipe something into it"),
        );
    }
    let digests = tokio::task::spawn_blocking(move || {
        let (mut digester, mut buffer) = (Digester::new(&[algorithm]), vec![0; 1 << 18]);
        let (mut input, mut size) = (io::stdin().lock(), 0);
        loop {
            match input.read(&mut buffer) {
                Ok(0) => return Ok((digester.finish(), size)),
                Ok(count) => {
                    digester.update(&buffer[..count]);
                    size += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    });
    let digests = digests.await.map_err(io::Error::other).flatten();
    let (digests, size) = digests.map_err(|e| Failure::new("could not read the standard input").why(e))?;
    Ok(Sum {
        path: "-".into(),
        size_bytes: Some(size),
        digest: digests.into_iter().next().map(|(_, digest)| digest),
    })
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

    /// Writes lines to where they go, and objects to stdout where `--json` is on.
    fn write(&mut self, form: &Form, sums: &[Sum]) -> Result<(), Failure> {
        if json::is_on() {
            json::count(|total| {
                json::add(&mut total.files, sums.len() as u64);
                json::add(
                    &mut total.bytes,
                    sums.iter().filter_map(|sum| sum.size_bytes).sum(),
                );
            });
            json::print_all(sums.iter().map(|sum| form.object(sum)))?;
        }
        let mut lines = sums.iter().map(|sum| form.line(sum));
        match self {
            Self::Stdout if json::is_on() => Ok(()),
            Self::Stdout => report::results(lines),
            Self::File(file, name) => {
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

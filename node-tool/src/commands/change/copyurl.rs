//! `copyurl`: Dropbox fetches a file from an address itself.

use engine::entry::Entry;
use shared::{exit, failure::Failure, plain::quoted};
use stores::{DropboxStore, Place};

use super::{App, place_failure, refuse_read_only, report_step, report_written};
use crate::report::{
    self,
    json::{self, Action, Step},
};

/// The arguments of `copyurl`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Dropbox fetches the file itself: no byte passes through this machine, and the address has to be public. It takes at most \
                  15 minutes.\n\n\
                  Examples:\n  node-tool copyurl https://example.org/atlas.nii.gz dbx:atlas.nii.gz\n  \
                  node-tool copyurl --auto-filename https://example.org/atlas.nii.gz dbx:data"
)]
#[expect(clippy::struct_excessive_bools, reason = "a flag each")]
pub struct Args {
    /// The address: https://… or http://…
    url: String,
    /// The file to make: NAME:path; with --auto-filename, the folder that it goes into
    #[arg(value_parser = crate::commands::place())]
    dest: String,
    /// Take the file's name from the address
    #[arg(short, long)]
    auto_filename: bool,
    /// Print the file's name
    #[arg(short, long)]
    print_filename: bool,
    /// Replace no file
    #[arg(long)]
    no_clobber: bool,
    /// Show what would be made, without making it
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// Has Dropbox fetch the file.
///
/// # Errors
/// When the address is none, or can't be fetched, or the file can't be made.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    check_address(&args.url)?;
    let url = quoted(&args.url);
    if args.dest == "-" {
        return Err(
            Failure::usage("copyurl doesn't print files: Dropbox fetches them")
                .next(format!("curl --location --fail {url}")),
        );
    }
    let side = target(&args.dest, args, app)?;
    let Place::Dropbox(store) = &side else {
        return Err(Failure::usage(format!(
            "'{side}' is on this machine; copyurl has Dropbox fetch the file"
        ))
        .next(format!("curl --location --fail --output {} {url}", side.typed())));
    };
    let there = seen(&side, args).await?;
    refuse_read_only("make", &side).await?;
    if args.dry_run {
        let step = Step::new(Action::Write, args.outcome_path(&side));
        report_step(&side.to_string(), "copyurl", step)?;
        return Ok(exit::SUCCESS);
    }
    fetch(store, there.as_ref(), args).await
}

/// Returns where the file goes.
fn target(dest: &str, args: &Args, app: &App) -> Result<Place, Failure> {
    let side = app.place(dest)?;
    let side = match args.auto_filename {
        true => side.join(&name_of(&args.url)?),
        false => side,
    };
    let is_folder = dest.ends_with(['/', ':']) && !args.auto_filename;
    if is_folder || side.split().is_none() {
        return Err(needs_name(&side, args));
    }
    if let Some(reason) = side.refusal() {
        return Err(Failure::usage(format!("could not make '{side}'")).why(reason));
    }
    Ok(side)
}

/// Something is a folder where a file's name is needed.
fn needs_name(side: &Place, args: &Args) -> Failure {
    let (url, folder) = (quoted(&args.url), side.typed());
    Failure::usage(format!("'{side}' is a folder; name the file"))
        .next(format!("node-tool copyurl --auto-filename {url} {folder}"))
}

impl Args {
    /// Returns the path of the file as objects have it: below the place that was typed.
    fn outcome_path(&self, side: &Place) -> String {
        let name = side.split().map(|(_, name)| name);
        name.filter(|_| self.auto_filename).unwrap_or_default()
    }
}

/// Returns what is there already, if it may be replaced.
async fn seen(side: &Place, args: &Args) -> Result<Option<Entry>, Failure> {
    let there = side.find().await;
    let there = there.map_err(|e| place_failure("look at", side, &e))?;
    match &there {
        None => {}
        Some(entry) if entry.file().is_none() => return Err(needs_name(side, args)),
        Some(entry) if entry.document().is_some() => {
            return Err(Failure::usage(format!("'{side}' is a cloud document, and stays"))
                .hint("choose another name"));
        }
        Some(_) if args.no_clobber => {
            return Err(Failure::new(format!(
                "'{side}' is there already, and stays (--no-clobber)"
            )));
        }
        Some(_) => {}
    }
    Ok(there)
}

async fn fetch(store: &DropboxStore, there: Option<&Entry>, args: &Args) -> Result<u8, Failure> {
    let side = Place::Dropbox(store.clone());
    let saved = store.save_url(&args.url, there.and_then(Entry::file)).await;
    let saved = saved.map_err(|e| place_failure("fetch the file for", &side, &e))?;
    tracing::info!(object = %side, "Fetched by Dropbox ({})", report::bytes(saved.size_bytes));
    let name = side.split().map(|(_, name)| name).unwrap_or_default();
    if args.print_filename && !json::is_on() {
        report::result(&format!("{}\n", saved.beside.as_ref().unwrap_or(&name)))?;
    }
    match &saved.beside {
        None => report_written(&args.outcome_path(&side), &saved).map(|()| exit::SUCCESS),
        Some(other) => Err(
            Failure::new(format!("another file came to '{side}' meanwhile, and stays"))
                .why(format!("what was fetched is beside it, as '{other}'")),
        ),
    }
}

/// Checks that Dropbox can fetch an address at all.
fn check_address(url: &str) -> Result<(), Failure> {
    let lower = url.to_ascii_lowercase();
    let rest = lower
        .strip_prefix("https://")
        .or_else(|| lower.strip_prefix("http://"));
    match rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default()) {
        Some(host) if !host.is_empty() && !host.contains(char::is_whitespace) => Ok(()),
        _ => Err(
            Failure::usage(format!("'{url}' is no address that Dropbox can fetch"))
                .hint("give one such as https://example.org/file"),
        ),
    }
}

/// Returns the last name in an address, without its escapes.
fn name_of(url: &str) -> Result<String, Failure> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let path = path.split_once("://").map_or(path, |(_, rest)| rest);
    let name = path.split_once('/').and_then(|(_, path)| path.rsplit('/').next());
    let name = unescaped(name.unwrap_or_default());
    if name.is_empty() || name.contains('/') {
        return Err(Failure::usage(format!("'{url}' has no file's name at its end"))
            .hint("name the file, without --auto-filename"));
    }
    Ok(name)
}

/// Returns a part of an address with its `%20` and the like as characters.
fn unescaped(part: &str) -> String {
    let (bytes, mut out, mut at) = (part.as_bytes(), Vec::with_capacity(part.len()), 0);
    while at < bytes.len() {
        let digits = part.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_last_in_the_address() {
        for (url, name) in [
            ("https://example.org/a/b.txt", Some("b.txt")),
            ("https://example.org/b%20c.txt?x=/y#z", Some("b c.txt")),
            ("https://example.org/100%", Some("100%")),
            ("https://example.org/a%2Fb", None),
            ("https://example.org/a/", None),
            ("https://example.org", None),
        ] {
            assert_eq!(name_of(url).ok().as_deref(), name, "{url}");
        }
    }

    #[test]
    fn only_addresses_that_dropbox_can_fetch_are_tried() {
        for url in ["https://example.org/x", "HTTP://example.org", "https://h?x"] {
            assert!(check_address(url).is_ok(), "{url}");
        }
        for url in [
            "",
            "file:///etc/passwd",
            "https:///x",
            "example.org/x",
            "https://a b/c",
        ] {
            assert!(check_address(url).is_err(), "{url}");
        }
    }
}

//! `lsf`: columns for scripts.

use jiff::tz::TimeZone;
use shared::failure::Failure;

use super::{App, PlaceArgs, deleted};
use crate::report::{
    self,
    format::{Item, Lsf, TimeForm},
    json,
};

/// The arguments of `lsf`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool lsf -R --files-only --format pst dbx:results")]
pub struct Args {
    /// Also list what is in subfolders
    #[arg(short = 'R', long)]
    recursive: bool,
    /// Columns: p path, s size, t time, h hash, i ID, m MIME type; with --deleted d when it was deleted, b who changed it last
    #[arg(short = 'F', long, default_value = "p")]
    format: String,
    /// Separator between columns [default: ;]
    #[arg(short, long)]
    separator: Option<String>,
    /// Append a slash to folders
    #[arg(short, long, default_value_t = true, num_args = 0..=1, default_missing_value = "true", require_equals = true, action = clap::ArgAction::Set)]
    dir_slash: bool,
    /// List only files
    #[arg(long, conflicts_with = "dirs_only")]
    files_only: bool,
    /// List only folders
    #[arg(long)]
    dirs_only: bool,
    /// Print CSV
    #[arg(long)]
    csv: bool,
    /// Put a slash before paths
    #[arg(long)]
    absolute: bool,
    /// The hash in column h: dropbox; without it the column is empty, as rclone's is for Dropbox
    #[arg(long, value_parser = ["dropbox"], ignore_case = true)]
    hash: Option<String>,
    /// The format of times: DateTime, RFC3339, unix, unixnano or max
    #[arg(short, long, value_parser = time_form)]
    time_format: Option<TimeForm>,
    /// List what was deleted
    #[arg(long)]
    deleted: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

/// Lists.
///
/// # Errors
/// When the folder isn't there, or a flag makes no sense.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let mut form = Lsf::new(&args.format, args.separator.as_deref(), args.csv)?;
    form.dir_slash = args.dir_slash;
    form.absolute = args.absolute;
    if let Some(time) = args.time_format {
        form.time = time;
    }
    if args.deleted {
        let (items, code) = deleted::list(&args.place, args.recursive, app).await?;
        print(args, &items, &form)?;
        return Ok(code);
    }
    let listing = args.place.list(args.recursive, app).await?;
    if json::is_on() {
        listing.print_json(|entry| match entry.file() {
            None => !args.files_only,
            Some(_) => !args.dirs_only,
        })?;
        return Ok(listing.code());
    }
    if args.time_format == Some(TimeForm::Plain(9)) && !listing.side.is_local() {
        form.time = TimeForm::Plain(0); // no more than Dropbox keeps
    }
    let items = listing.items(
        args.format.contains('h') && args.hash.is_some(),
        args.format.contains('m'),
    );
    print(args, &items, &form)?;
    Ok(listing.code())
}

fn print(args: &Args, items: &[Item], form: &Lsf) -> Result<(), Failure> {
    let zone = TimeZone::system();
    let shown = items.iter().filter(|item| {
        if item.is_folder {
            !args.files_only
        } else {
            !args.dirs_only
        }
    });
    if json::is_on() {
        return json::print_all(shown.map(|item| json::Object::Entry(item.into())));
    }
    report::results(shown.map(|item| form.line(item, &zone)))
}

fn time_form(text: &str) -> Result<TimeForm, String> {
    match text.to_ascii_lowercase().as_str() {
        "datetime" => Ok(TimeForm::Plain(0)),
        "max" => Ok(TimeForm::Plain(9)),
        "rfc3339" => Ok(TimeForm::Rfc3339),
        "unix" => Ok(TimeForm::Unix),
        "unixnano" => Ok(TimeForm::UnixNano),
        _ => Err("give DateTime, RFC3339, unix, unixnano or max".into()),
    }
}

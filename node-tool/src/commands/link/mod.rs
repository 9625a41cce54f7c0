//! `link`: links that others can open. Making one, changing it, looking at it, listing and revoking them.

mod settings;
mod show;

use shared::{exit, failure::Failure};
use stores::Place;

use super::{
    App,
    look::{below_root, failed, remote},
    place_failure,
};
use crate::{
    client::{Client, DropboxPath, Error, LinkAddress, LinkWish},
    commands::dropbox_failure,
    location::is_address,
    report::{
        self,
        json::{self, Action, Link, Object, Outcome},
    },
};

/// The arguments of `link`.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "A link that is there already is changed as the flags say, and printed. The app needs the permission sharing.write for it, \
                  and sharing.read for all else.\n\n\
                  Examples:\n  \
                  node-tool link dbx:results/paper.pdf\n  \
                  node-tool link dbx:results --expire 7d --audience team\n  \
                  node-tool link list dbx:results"
)]
pub struct Args {
    /// A file or folder: NAME:path
    #[arg(value_parser = crate::commands::place(), required = true)]
    path: Option<String>,
    /// Revoke all links to it
    #[arg(long)]
    unlink: bool,
    /// Show what would be done, without doing it
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    settings: settings::Flags,
    #[command(subcommand)]
    command: Option<Sub>,
}

#[derive(Debug, clap::Subcommand)]
enum Sub {
    /// List your links: whom each reaches, until when, its address, and the path that it leads to
    #[command(after_help = "Example: node-tool link list dbx:results")]
    List {
        /// List only those that lead to this file or folder, also those to the folders around it: NAME:path
        #[arg(value_parser = crate::commands::place())]
        path: Option<String>,
    },
    /// Print what a link leads to, and what may be done with it
    #[command(after_help = "Example: node-tool link info 'https://www.dropbox.com/scl/fi/…?rlkey=…'")]
    Info {
        /// The link
        #[arg(value_name = "LINK")]
        url: String,
    },
    /// Revoke a link, or all links to a file or folder
    #[command(after_help = "Example: node-tool link revoke dbx:results/paper.pdf")]
    Revoke {
        /// The link, or NAME:path
        #[arg(value_name = "LINK|PATH", value_parser = crate::commands::place())]
        path: String,
    },
}

/// Makes or changes a link and prints it, or does what the subcommand says.
///
/// # Errors
/// When there is nothing, or it may not be shared.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    match (&args.command, &args.path) {
        (Some(Sub::List { path }), _) => list(path.as_deref(), app).await,
        (Some(Sub::Info { url }), _) => info(url, app).await,
        (Some(Sub::Revoke { path }), _) => revoke(path, app).await,
        (None, Some(path)) if args.dry_run => {
            let what = if args.unlink { "unlink" } else { "link to" };
            let (side, ..) = below_root(path, what, app).await?;
            let what = if args.unlink { "unlink" } else { "link" };
            tracing::warn!(object = %side, "Skipped {what} as --dry-run is set");
            Ok(exit::SUCCESS)
        }
        (None, Some(path)) if args.unlink => revoke(path, app).await,
        (None, Some(path)) => make(path, &args.settings, app).await,
        (None, None) => Err(Failure::usage("name a file or folder: NAME:path")), // clap has said so
    }
}

async fn make(path: &str, flags: &settings::Flags, app: &App) -> Result<u8, Failure> {
    let wish = flags.wish(super::list::now()).await?;
    let (side, client, path) = below_root(path, "link to", app).await?;
    let link = match client.link(&path, &wish).await {
        Ok(link) => link,
        Err(error) if error.route().is_some_and(|e| e.has("settings_error")) => {
            return Err(refused(&side, &client, &path, &wish, error).await);
        }
        Err(error) => return Err(failed("link to", &side)(error)),
    };
    match json::is_on() {
        true => json::print(&Object::Link(Link {
            path: side.to_string(),
            url: link.url.clone(),
        }))?,
        false => report::result(&format!("{}\n", link.url))?,
    }
    let differences = settings::differences(&wish, &link);
    for difference in &differences {
        report::warn(difference);
    }
    if settings::keeps_access(&wish, &link) {
        return Err(Failure::new(format!(
            "what people may do with the link to '{side}' is as it was"
        ))
        .why("Dropbox sets that only when a link is made")
        .next(format!("node-tool link revoke {}", side.typed()))
        .hint("then make it anew: it will have another address"));
    }
    Ok(match differences.is_empty() {
        true => exit::SUCCESS,
        false => exit::ERROR,
    })
}

/// Returns the failure for settings that were refused, with what is allowed instead as far as an existing link shows it.
async fn refused(
    side: &Place,
    client: &Client,
    path: &DropboxPath,
    wish: &LinkWish,
    error: Error,
) -> Failure {
    let failure = failed("link to", side)(error);
    let there = client.links_to(path, true).await.unwrap_or_default();
    let reasons = there.first().map(|link| settings::refusals(wish, link));
    let reasons = reasons.unwrap_or_default();
    let failure = reasons.into_iter().fold(failure, Failure::hint);
    let failure = match there.is_empty() {
        true => failure.hint(
            "basic accounts have public links only, without --expire, --password and --no-download; a team's administrator may forbid more",
        ),
        false => failure,
    };
    failure.next(format!("node-tool link {}", side.typed()))
}

async fn list(path: Option<&str>, app: &App) -> Result<u8, Failure> {
    let named = match path {
        Some(path) => path.to_owned(),
        None => format!(
            "{}:",
            app.only_remote("list links", "name it: node-tool link list NAME:")?
        ),
    };
    let (side, client, path) = remote(&named, app)?;
    let links = match path.is_root() {
        true => client.all_links().await,
        false => client.links_to(&path, false).await,
    };
    let mut links = links.map_err(failed("list the links of", &side))?;
    let folder = client
        .shared_folder()
        .await
        .map_err(failed("list the links of", &side))?;
    if folder.is_some() {
        links.retain(|link| link.path_lower.is_some()); // the others lead out of the shared folder
    }
    links.sort_by(|a, b| (&a.path_lower, &a.url).cmp(&(&b.path_lower, &b.url)));
    if json::is_on() {
        json::print_all(links.iter().map(|link| {
            Object::Link(Link {
                path: link.path_lower.clone().unwrap_or_else(|| link.name.clone()),
                url: link.url.clone(),
            })
        }))?;
        return Ok(exit::SUCCESS);
    }
    let zone = jiff::tz::TimeZone::system();
    report::results(links.iter().map(|link| show::line(link, &zone)))?;
    Ok(exit::SUCCESS)
}

async fn info(url: &str, app: &App) -> Result<u8, Failure> {
    let Place::Link(store) = app.place(url)? else {
        return Err(Failure::usage(format!("'{url}' is not a link"))
            .hint("give an address that begins with https://www.dropbox.com/; of your own files, see: node-tool link list"));
    };
    let opened = store.open().await;
    let link = opened.map_err(|error| place_failure("open", &Place::Link(store), &error))?;
    match json::is_on() {
        true => json::print(&Object::Link(Link {
            path: link.path_lower.clone().unwrap_or_else(|| link.name.clone()),
            url: link.url,
        }))?,
        false => report::result(&show::info(&link, &jiff::tz::TimeZone::system()))?,
    }
    Ok(exit::SUCCESS)
}

async fn revoke(typed: &str, app: &App) -> Result<u8, Failure> {
    if !is_address(typed) {
        let (side, client, path) = below_root(typed, "unlink", app).await?;
        let ended = client.unlink(&path).await.map_err(failed("unlink", &side))?;
        let ends = |_: &String| Object::Outcome(Outcome::done(Action::Unlink, side.to_string()));
        json::print_all(ended.iter().map(ends))?;
        report::note(&match ended.len() {
            1 => "1 link ended".to_owned(),
            count => format!("{count} links ended"),
        });
        return Ok(exit::SUCCESS);
    }
    let address = LinkAddress::parse(typed).map_err(|e| Failure::usage(e.to_string()))?;
    let client = app.login_for_link(None)?;
    let revoked = client.revoke_link(&address.url).await;
    revoked.map_err(|error| {
        dropbox_failure(
            format!("could not revoke '{}'", address.url),
            &error,
            client.remote(),
        )
    })?;
    json::print(&Object::Outcome(Outcome::done(Action::Unlink, address.url)))?;
    report::note("1 link ended");
    Ok(exit::SUCCESS)
}

//! `du`: how much is in each folder. One recursive listing; a table, or on a terminal a browser.

mod browser;
mod table;
mod totals;

use std::io::{self, IsTerminal as _};

use shared::{exit, failure::Failure};
use stores::{Place, dropbox::LeavesOut};

use self::{
    browser::{Action, Browser},
    totals::{NodeId, Order, Totals},
};
use super::{App, change::by_its_export, list::PlaceArgs, place_failure};
use crate::{
    report::{self, browser::Screen},
    terminal,
};

/// The arguments of `du`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "On a terminal this opens a browser: arrow keys walk through the folders, d deletes after a question, ? helps, q quits. \
                  Elsewhere, or with --table, --json or --max-depth, it prints size, number of files and path, the largest \
                  first.\n\n\
                  Examples:\n  node-tool du dbx:results\n  node-tool du dbx: --max-depth 2 | head\n  node-tool du results --json"
)]
pub struct Args {
    /// Print a table, also on a terminal
    #[arg(long)]
    table: bool,
    /// Sort by size, count or name
    #[arg(
        long,
        value_enum,
        default_value = "size",
        hide_default_value = true,
        hide_possible_values = true
    )]
    sort: Order,
    #[command(flatten)]
    place: PlaceArgs,
}

/// Lists everything once, and shows what is in each folder.
///
/// # Errors
/// When the folder isn't there.
pub async fn run(mut args: Args, app: &App) -> Result<u8, Failure> {
    // Deeper files count, too: the depth is that of the table.
    let depth = args.place.filter.max_depth.take();
    let listing = args.place.list(true, app).await?;
    let totals = Totals::of(&listing.entries);
    let (code, side, is_file) = (listing.code(), listing.side.clone(), listing.is_itself);
    let leaves_out = side
        .dropbox()
        .map_or(LeavesOut::Nothing, |store| store.view().leaves_out);
    let shows_all =
        code == exit::SUCCESS && listing.filter.is_everything() && leaves_out == LeavesOut::Nothing;
    drop(listing);
    let is_interactive = io::stdout().is_terminal() && terminal::is_there() && !is_file;
    let is_json = report::json::is_own();
    if is_interactive && !is_json && !args.table && depth.is_none() {
        let browser = Browser::new(totals, side.to_string(), args.sort, shows_all);
        browse(browser, &args, &side, app).await?;
        return Ok(code);
    }
    let depth = depth.map_or(1, |depth| usize::try_from(depth).unwrap_or(usize::MAX));
    match is_json {
        true => report::json_results(table::json(&totals, (depth, args.sort)).into_iter())?,
        false => report::results(table::lines(&totals, (depth, args.sort), &side.to_string()).into_iter())?,
    }
    Ok(code)
}

/// Shows the browser until it is left.
async fn browse(mut browser: Browser, args: &Args, side: &Place, app: &App) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::new("could not use the terminal").why(error);
    let mut screen = Screen::open().map_err(failed)?;
    loop {
        let height = screen.height().map_err(failed)?;
        screen.draw(&browser.page(height)).map_err(failed)?;
        let key = screen.key().await.map_err(failed)?;
        match browser.press(key, height) {
            Action::Draw => {}
            Action::Quit => return Ok(()),
            Action::Refresh => {
                browser.say("listing …".into());
                screen.draw(&browser.page(height)).map_err(failed)?;
                match args.place.list(true, app).await {
                    Ok(listing) => browser.refreshed(Totals::of(&listing.entries)),
                    Err(failure) => browser.say(failure.to_string()),
                }
                screen.clear().map_err(failed)?;
            }
            Action::Delete(node) => {
                browser.say(format!("deleting {} …", browser.shown(node)));
                screen.draw(&browser.page(height)).map_err(failed)?;
                match delete(&browser, node, side).await {
                    Ok(()) => browser.removed(node),
                    Err(failure) => browser.say(failure.to_string()),
                }
                screen.clear().map_err(failed)?;
            }
        }
    }
}

/// Deletes a file as it is now, or a folder with everything in it.
async fn delete(browser: &Browser, node: NodeId, side: &Place) -> Result<(), Failure> {
    let path = browser.totals().path(node);
    let place = side.join(&path);
    let failed = |error: engine::Error| place_failure("delete", &place, &error);
    if browser.totals().node(node).is_folder() {
        return place.remove_all().await.map_err(failed);
    }
    let there = place.stat().await.map_err(failed)?;
    let Some(file) = there.as_ref().and_then(|entry| entry.file()) else {
        let own = place.own_place().await.map_err(failed)?;
        return match own.to_string() == place.to_string() {
            true => Ok(()), // it is gone already
            false => Err(by_its_export(&place, &own)),
        };
    };
    let removed = side.store().remove_files(&[(&path, Some(file))]).await.pop();
    removed.unwrap_or(Ok(())).map_err(failed)
}

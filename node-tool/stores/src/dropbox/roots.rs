//! Places of one login that were typed from different roots: in a team, `NAME:X` is below the person's own folder and
//! `NAME:/X` at the team's root. To be compared, and for the server to copy and rename between them, they have to be
//! expressed from one root.

use std::sync::Arc;

use dropbox::{Client, DropboxPath, Start};
use engine::Result;

use super::{DropboxStore, error::dropbox_error};
use crate::Place;

/// Expresses those of `places` that are of one login from one root, the account's own: after it, two of them are in one
/// Dropbox exactly if they [share paths](Place::shares_paths). They are shown as they were typed. Nothing is asked where all
/// were typed from the same root.
///
/// # Errors
/// With the number of the place whose account can't be asked where its folder is: that may change at any time, so it isn't kept.
pub async fn unite(places: &mut [&mut Place]) -> Result<(), (usize, engine::Error)> {
    let in_dropbox = places.iter_mut().enumerate();
    let (numbers, mut stores): (Vec<usize>, Vec<&mut DropboxStore>) = in_dropbox
        .filter_map(|(at, place)| match place {
            // A shared folder that was named is a root of its own.
            Place::Dropbox(store) if store.client().is_in_shared_folder() => None,
            Place::Dropbox(store) => Some((at, store)),
            Place::Local(_) | Place::Link(_) => None,
        })
        .unzip();
    let united = unite_stores(&mut stores).await;
    united.map_err(|(at, error)| (numbers[at], error))
}

async fn unite_stores(stores: &mut [&mut DropboxStore]) -> Result<(), (usize, engine::Error)> {
    for first in 0..stores.len() {
        let client = Arc::clone(stores[first].client());
        let is_mixed = stores
            .iter()
            .any(|store| store.client().shares_login(&client) && !store.client().shares_paths(&client));
        if !is_mixed {
            continue;
        }
        let asked = client.as_usual().current_account().await;
        let info = asked.map_err(|error| (first, dropbox_error(error)))?.root_info;
        client.learn(&info).await;
        let home = match info.home_path {
            _ if info.root_namespace_id == info.home_namespace_id => None,
            Some(path) => Some(DropboxPath::default().join(&path)),
            None => continue, // the folder isn't seen from there: these are two places
        };
        for store in stores.iter_mut() {
            express(store, &client, home.as_ref());
        }
    }
    Ok(())
}

/// Expresses a place of the login from the account's root, which contains `home`; without it, the person's folder is the root.
fn express(store: &mut DropboxStore, login: &Client, home: Option<&DropboxPath>) {
    let client = Arc::clone(store.client());
    if !client.shares_login(login) {
        return;
    }
    match (client.start(), home) {
        (Start::Root, None) => *store = store.by(Arc::new(client.as_usual()), store.path().clone()),
        (Start::Usual, Some(home)) => {
            let path = home.join(store.path().as_str());
            *store = store.by(Arc::new(client.around(home.clone())), path);
        }
        (Start::Usual, None) | (Start::Root, Some(_)) => {}
    }
}

/// Whether two places are in one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameAccount {
    /// They are in different accounts, or one is on this machine.
    No,
    /// They are in one account, and their paths start at the same place.
    Yes,
    /// They are in one account that is seen from different roots.
    OtherRoot,
    /// They are in different accounts, and in a shared folder or team space that both see.
    SameFolder,
}

/// Returns whether two places are in one account.
///
/// # Errors
/// With the number (0 or 1) of the place whose account can't be asked.
pub async fn same_account(first: &Place, second: &Place) -> Result<SameAccount, (usize, engine::Error)> {
    let (Some(first), Some(second)) = (first.dropbox(), second.dropbox()) else {
        return Ok(SameAccount::No);
    };
    let (one, other) = (ask(first, 0).await?, ask(second, 1).await?);
    Ok(match (one == other, one.0 == other.0) {
        (true, _) => SameAccount::Yes,
        (false, true) => SameAccount::OtherRoot,
        (false, false) if one.1.is_some() && one.1 == other.1 => SameAccount::SameFolder,
        (false, false) => SameAccount::No,
    })
}

async fn ask(
    store: &DropboxStore,
    number: usize,
) -> Result<(String, Option<String>), (usize, engine::Error)> {
    let account = store.client().current_account().await;
    let account = account.map_err(|error| (number, dropbox_error(error)))?;
    Ok((account.account_id, store.client().space().await))
}

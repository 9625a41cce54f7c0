//! Places of one login that were typed from different roots: in a team, `NAME:X` is below the person's own folder and
//! `NAME:/X` at the team's root. To be compared, and for the server to copy and rename between them, they have to be
//! expressed from one root.

use std::sync::Arc;

use crate::{
    dropbox::{Client, DropboxPath, Error, Start},
    side::Side,
};

/// Expresses those of `sides` that are places of one login from one root, the account's own: after it, two of them are
/// in one Dropbox exactly if they [share paths](Side::shares_paths). They are shown as they were typed. Nothing is asked
/// where all were typed from the same root.
///
/// # Errors
/// With the place of the side whose account can't be asked where its folder is: that may change at any time, so it isn't kept.
pub async fn unite(sides: &mut [&mut Side]) -> Result<(), (usize, Error)> {
    for first in 0..sides.len() {
        let Some(client) = client(sides[first]).cloned() else {
            continue;
        };
        let is_mixed = sides
            .iter()
            .filter_map(|side| self::client(side))
            .any(|other| other.shares_login(&client) && !other.shares_paths(&client));
        if !is_mixed {
            continue;
        }
        let asked = client.as_usual().current_account().await;
        let info = asked.map_err(|error| (first, error))?.root_info;
        client.learn(&info).await;
        let home = match info.home_path {
            _ if info.root_namespace_id == info.home_namespace_id => None,
            Some(path) => Some(DropboxPath::default().join(&path)),
            None => continue, // the folder isn't seen from there: these are two places
        };
        for side in sides.iter_mut() {
            express(side, &client, home.as_ref());
        }
    }
    Ok(())
}

fn client(side: &Side) -> Option<&Arc<Client>> {
    match side {
        Side::Local(_) => None,
        Side::Remote { client, .. } => Some(client),
    }
}

/// Expresses a place of the login from the account's root, where `home` is; without it, the person's folder is the root.
fn express(side: &mut Side, login: &Client, home: Option<&DropboxPath>) {
    let Side::Remote { client, path, .. } = side else {
        return;
    };
    if !client.shares_login(login) {
        return;
    }
    match (client.start(), home) {
        (Start::Root, None) => *client = Arc::new(client.as_usual()),
        (Start::Usual, Some(home)) => {
            *path = home.join(path.as_str());
            *client = Arc::new(client.around(home.clone()));
        }
        (Start::Usual, None) | (Start::Root, Some(_)) => {}
    }
}

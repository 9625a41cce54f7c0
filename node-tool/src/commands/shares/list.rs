//! What is shared with the account, one line each.

use std::collections::HashMap;

use crate::client::{SharedFile, SharedFolder};
use shared::{exit, failure::Failure, plain::quoted};

use super::{App, failed, remote};
use crate::report::{
    self,
    format::on_one_line,
    json::{self, Kind, Object, Shared},
};

/// Lists folders, then single files.
///
/// # Errors
/// When Dropbox can't be asked.
pub(super) async fn run(path: Option<&str>, app: &App) -> Result<u8, Failure> {
    let named = match path {
        Some(path) => path.to_owned(),
        None => format!(
            "{}:",
            app.only_remote("list what is shared", "name it: node-tool shared list NAME:")?
        ),
    };
    let (side, client, _) = remote(&named, app)?;
    let client = client.as_usual();
    let (folders, files) = tokio::join!(client.shared_folders(), client.received_files());
    let folders = folders.map_err(failed("list the shared folders of", &side))?;
    let files = files.map_err(failed("list the files shared with", &side))?;
    let found = found(client.remote(), folders, files);
    match json::is_on() {
        true => json::print_all(found.into_iter().map(Object::Shared))?,
        false => report::results(found.iter().map(line))?,
    }
    Ok(exit::SUCCESS)
}

/// Returns what is shown, folders first.
fn found(remote: &str, mut folders: Vec<SharedFolder>, mut files: Vec<SharedFile>) -> Vec<Shared> {
    folders.sort_by(|a, b| (&a.name, &a.shared_folder_id).cmp(&(&b.name, &b.shared_folder_id)));
    files.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    let mut counts: HashMap<String, usize> = HashMap::new();
    for folder in &folders {
        *counts.entry(folder.name.to_lowercase()).or_default() += 1;
    }
    let folders = folders.into_iter().map(|folder| {
        // A comma between braces is one of a pattern.
        let is_one = counts.get(&folder.name.to_lowercase()) == Some(&1) && !folder.name.contains(',');
        let called = match is_one {
            true => folder.name.clone(),
            false => format!("ns:{}", folder.shared_folder_id),
        };
        let mounted = folder.path_display.or(folder.path_lower);
        Shared {
            kind: Kind::Folder,
            name: folder.name,
            id: folder.shared_folder_id,
            place: format!("{remote}:{{{called}}}"),
            access: Some(folder.access_type.tag),
            mounted: mounted.map(|path| format!("{remote}:{}", path.trim_start_matches('/'))),
            owners: folder.owner_display_names.unwrap_or_default(),
        }
    });
    let files = files.into_iter().map(|file| Shared {
        kind: Kind::File,
        name: file.name,
        id: file.id,
        place: file.preview_url,
        access: file.access_type.map(|access| access.tag),
        mounted: None,
        owners: file.owner_display_names.unwrap_or_default(),
    });
    folders.chain(files).collect()
}

/// Returns the line of a folder or file.
fn line(shared: &Shared) -> String {
    let (kind, mounted) = match (shared.kind, &shared.mounted) {
        (Kind::Folder, Some(_)) => ("folder", "mounted"),
        (Kind::Folder, None) => ("folder", "unmounted"),
        _ => ("file", "-"),
    };
    let access = shared.access.as_deref().unwrap_or("-");
    let owners = shared.owners.join(", ");
    // A folder's place has its name, unless that is not the only one.
    let is_named = shared.place.ends_with(&format!("{{{}}}", shared.name));
    let name = if is_named { "" } else { &shared.name };
    let place = quoted(&shared.place);
    let line = format!("{kind:<6} {access:<7} {mounted:<9} {owners:<20} {place} {name}");
    on_one_line(line.trim_end()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_one_name_are_told_apart() {
        let folder = |name: &str, id: &str, path: &str| {
            let json = format!(
                r#"{{"name":"{name}","shared_folder_id":"{id}","access_type":{{".tag":"viewer"}},"path_lower":{path},"owner_display_names":["Bea"]}}"#
            );
            serde_json::from_str::<SharedFolder>(&json).unwrap()
        };
        let file =
            r#"{"name":"f.txt","id":"id:1","preview_url":"https://u","owner_display_names":["Bea","Ann"]}"#;
        let folders = vec![
            folder("Two", "3", "null"),
            folder("Lab data", "1", r#""/lab data""#),
            folder("two", "4", "null"),
        ];
        let found = found("dbx", folders, vec![serde_json::from_str(file).unwrap()]);
        assert_eq!(
            found.iter().map(line).collect::<Vec<_>>(),
            [
                "folder viewer  mounted   Bea                  'dbx:{Lab data}'",
                "folder viewer  unmounted Bea                  'dbx:{ns:3}' Two",
                "folder viewer  unmounted Bea                  'dbx:{ns:4}' two",
                "file   -       -         Bea, Ann             https://u f.txt",
            ]
        );
    }
}

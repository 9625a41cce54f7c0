//! What is shared with the account, one line each.

use std::collections::HashMap;

use crate::client::{SharedFile, SharedFolder, Tag};
use shared::{exit, failure::Failure, plain::quoted};

use super::{App, failed, remote};
use crate::report::{self, format::on_one_line};

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
    report::results(lines(client.remote(), folders, files).into_iter())?;
    Ok(exit::SUCCESS)
}

fn lines(remote: &str, mut folders: Vec<SharedFolder>, mut files: Vec<SharedFile>) -> Vec<String> {
    folders.sort_by(|a, b| (&a.name, &a.shared_folder_id).cmp(&(&b.name, &b.shared_folder_id)));
    files.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    let mut counts: HashMap<String, usize> = HashMap::new();
    for folder in &folders {
        *counts.entry(folder.name.to_lowercase()).or_default() += 1;
    }
    let folder_line = |folder: &SharedFolder| {
        // A comma between braces is one of a pattern.
        let is_one = counts.get(&folder.name.to_lowercase()) == Some(&1) && !folder.name.contains(',');
        let id = format!("ns:{}", folder.shared_folder_id);
        let place = format!("{remote}:{{{}}}", if is_one { &folder.name } else { &id });
        let name = if is_one { "" } else { &folder.name };
        let mounted = if folder.path_lower.is_some() {
            "mounted"
        } else {
            "unmounted"
        };
        let access = &folder.access_type;
        line(
            "folder",
            Some(access),
            mounted,
            folder.owner_display_names.as_deref(),
            &place,
            name,
        )
    };
    let file_line = |file: &SharedFile| {
        let owners = file.owner_display_names.as_deref();
        line(
            "file",
            file.access_type.as_ref(),
            "-",
            owners,
            &file.preview_url,
            &file.name,
        )
    };
    folders
        .iter()
        .map(folder_line)
        .chain(files.iter().map(file_line))
        .collect()
}

fn line(
    kind: &str,
    access: Option<&Tag>,
    mounted: &str,
    owners: Option<&[String]>,
    place: &str,
    name: &str,
) -> String {
    let access = access.map_or("-", |access| access.tag.as_str());
    let owners = owners.unwrap_or_default().join(", ");
    let line = format!(
        "{kind:<6} {access:<7} {mounted:<9} {owners:<20} {} {name}",
        quoted(place)
    );
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
        assert_eq!(
            lines("dbx", folders, vec![serde_json::from_str(file).unwrap()]),
            [
                "folder viewer  mounted   Bea                  'dbx:{Lab data}'",
                "folder viewer  unmounted Bea                  'dbx:{ns:3}' Two",
                "folder viewer  unmounted Bea                  'dbx:{ns:4}' two",
                "file   -       -         Bea, Ann             https://u f.txt",
            ]
        );
    }
}

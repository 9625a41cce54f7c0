//! `--plan-out`: writes the plan instead of carrying it out.

use std::{collections::BTreeMap, path::Path};

use engine::plan::{
    Plan, Verb,
    file::{BackupRecord, Header, Options, PlanFile, Together, Totals, VERSION},
};
use shared::{failure::Failure, raw, version};
use stores::Place;

use super::super::{Flags, backup::BackupDir};
use crate::{commands::place_failure, plan_dir::PlanDir, report};

/// What was planned.
#[derive(Debug)]
pub(in crate::commands::job) struct Planned<'a> {
    /// The verb.
    pub(in crate::commands::job) verb: Verb,
    /// The source.
    pub(in crate::commands::job) source: &'a Place,
    /// The target.
    pub(in crate::commands::job) target: &'a Place,
    /// Where what is replaced or deleted is kept.
    pub(in crate::commands::job) backup: Option<&'a BackupDir>,
    /// The mark behind which everything is that changed in the source since it was listed.
    pub(in crate::commands::job) source_cursor: Option<String>,
    /// Whether symlinks of the source are followed.
    pub(in crate::commands::job) follows_links: bool,
    /// The flags.
    pub(in crate::commands::job) flags: &'a Flags,
}

/// Writes a plan into a folder.
///
/// # Errors
/// When it can't be written, or the account can't be asked who it is.
pub(in crate::commands::job) async fn write(
    path: &Path,
    plan: Plan,
    planned: Planned<'_>,
) -> Result<(), Failure> {
    let header = header(&planned).await?;
    let together = Together {
        groups: planned
            .source
            .dropbox()
            .map_or_else(Vec::new, |store| store.groups(&plan.copies)),
        namespaces: planned
            .target
            .dropbox()
            .map_or_else(Vec::new, stores::DropboxStore::locks),
    };
    let totals = Totals::of(&plan);
    let file = PlanFile {
        header,
        plan,
        together,
    };
    let dir = PlanDir::create(path, &file)?;
    report::note(&format!(
        "planned, {} to {}: {} to copy ({}), {} already there{}",
        planned.source,
        planned.target,
        report::files(totals.copies),
        report::bytes(totals.bytes),
        totals.unchanged,
        others(&totals)
    ));
    report::note(&format!("  next: node-tool run {}", dir.typed()));
    Ok(())
}

fn others(totals: &Totals) -> String {
    let counts = [
        (totals.skipped, "left as they are"),
        (totals.renames, "to rename"),
        (totals.deletes, "to delete"),
        (totals.obstacles, "can't be copied"),
    ];
    let shown = counts.into_iter().filter(|(count, _)| *count > 0);
    shown.map(|(count, what)| format!(", {count} {what}")).collect()
}

async fn header(planned: &Planned<'_>) -> Result<Header, Failure> {
    let mut accounts = BTreeMap::new();
    for place in [planned.source, planned.target] {
        let Some(store) = place.dropbox() else { continue };
        if store.view().encodes {
            return Err(Failure::usage("--plan-out can't be used with --encode-names")
                .why("which names are mapped is known only to the process that lists them"));
        }
        let account = store.account().await;
        let account = account.map_err(|e| place_failure("ask about the account of", place, &e))?;
        accounts.insert(store.client().remote().to_owned(), account);
    }
    let flags = planned.flags;
    Ok(Header {
        version: VERSION,
        program: format!("node-tool {}", version::VERSION),
        made_at: jiff::Timestamp::now().as_second(),
        verb: planned.verb,
        source: absolute(planned.source),
        target: absolute(planned.target),
        accounts,
        source_cursor: planned.source_cursor.clone(),
        options: Options {
            links: flags.links,
            follows_links: planned.follows_links,
            overwrites_newer: flags.overwrite_newer,
            keeps_times: flags.no_update_modtime,
            backup: planned.backup.map(|backup| BackupRecord {
                folder: (!backup.is_beside).then(|| absolute(&backup.place)),
                suffix: flags.backup_names().suffix,
                keeps_extension: flags.suffix_keep_extension,
            }),
        },
    })
}

/// Returns a place as it is typed from any working directory.
fn absolute(place: &Place) -> String {
    match place.local_path() {
        None => place.to_string(),
        Some(path) => {
            let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            raw::text(absolute.as_os_str()).into_owned()
        }
    }
}

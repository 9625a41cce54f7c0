//! Downloads folders of many small files as zips.
//!
//! Nothing in a zip is trusted: size and hash of each wanted file are compared with the listing.
//! What is missing, differs or can't be read is downloaded on its own afterwards.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use shared::{
    api::files::{DOWNLOAD_ZIP, PathArg},
    content_hash::Hasher,
};
use zip::ZipArchive;

use dropbox::{Client, DropboxPath, Error, Fate};
use engine::{
    digest::{Algorithm, Digester, Digests},
    plan::Step,
    run::{Arrived, Run},
};

use super::{
    arrival::{Problem, put_in_place},
    zip_groups::{MAX_ZIP_BYTES, MAX_ZIP_ENTRIES, ZipGroup},
};
use crate::{
    blocking::blocking,
    dropbox::item::{copied, failed},
    local::{Partial, Root},
    transfer::TransferOptions,
};

/// The source and target of groups.
pub(super) struct Zips<'a> {
    pub client: &'a Client,
    pub from: &'a DropboxPath,
    pub root: &'a Root,
    pub options: &'a TransferOptions,
    pub run: &'a Run,
    /// Number of zips that failed. After some failures no more are requested.
    pub refused: AtomicUsize,
}

/// Number of failures after which no more zips are requested.
const MAX_REFUSALS: usize = 2;

impl Zips<'_> {
    /// Downloads a group. Returns the steps that have to be downloaded on their own.
    pub(super) async fn bring(&self, group: ZipGroup) -> Vec<Step> {
        if self.refused.load(Ordering::Relaxed) >= MAX_REFUSALS || self.run.is_over() {
            return group.steps;
        }
        let fetched = self.fetch(&group.folder).await;
        let file = match fetched {
            Ok(file) => file,
            Err(Problem::Dropbox(error)) if error.fate() == Fate::StopRun => {
                // That is reported once, and then nothing new is started.
                if let Some(first) = group.steps.first().filter(|_| !self.run.is_over()) {
                    failed(self.run, first, &error);
                }
                return Vec::new();
            }
            Err(why) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                tracing::info!("'{}' comes file by file, not as a zip: {why:?}", group.folder);
                return group.steps;
            }
        };
        let unpacking = Unpacking {
            root: self.root.clone(),
            links: self.options.makes_links,
            anything: self.options.overwrites_newer,
            digests: Arc::clone(&self.options.digests),
            run: self.run.clone(),
        };
        blocking(move || unpacking.unpack(file, group)).await
    }

    /// Downloads the zip to a file without a name.
    async fn fetch(&self, folder: &str) -> Result<File, Problem> {
        let path = if folder.is_empty() {
            self.from.clone()
        } else {
            self.from.join(folder)
        };
        let arg = PathArg {
            path: path.as_str().to_owned(),
        };
        // What works file by file needs no second attempt, except where all calls have to wait.
        let is_answer = |error: &Error| !matches!(error, Error::RateLimited { .. } | Error::Portal(_));
        let mut download = self
            .client
            .download_unless(&DOWNLOAD_ZIP, &arg, None, &mut self.client.tries(), is_answer)
            .await?;
        let file = tokio::task::block_in_place(|| self.root.unnamed())?;
        let mut at = 0;
        // Names and their checksums come on top of the content; a zip that is far larger is wrong.
        let most = MAX_ZIP_BYTES * 2 + MAX_ZIP_ENTRIES * 2048;
        while let Some(chunk) = download.chunk().await? {
            tokio::task::block_in_place(|| Partial::write_at(&file, &chunk, at))?;
            at += chunk.len() as u64;
            if self.run.is_over() {
                return Err(Problem::Halted);
            }
            if at > most {
                return Err(Problem::Wrong("it doesn't end"));
            }
        }
        Ok(file)
    }
}

/// The part that works on the disk, in a thread of its own.
struct Unpacking {
    root: Root,
    links: bool,
    anything: bool,
    digests: Arc<[Algorithm]>,
    run: Run,
}

impl Unpacking {
    /// Unpacks the wanted files to their targets.
    fn unpack(&self, file: File, group: ZipGroup) -> Vec<Step> {
        let mut archive = match ZipArchive::new(file) {
            Ok(archive) => archive,
            Err(error) => {
                tracing::info!("the zip of '{}' can't be read: {error}", group.folder);
                return group.steps;
            }
        };
        let below = |path: &str| match group.folder.as_str() {
            "" => path.to_owned(),
            folder => path[folder.len() + 1..].to_owned(),
        };
        let mut wanted: HashMap<String, Step> = group
            .steps
            .into_iter()
            .map(|step| (below(&step.from), step))
            .collect();
        for index in 0..archive.len() {
            let Ok(mut entry) = archive.by_index(index) else {
                continue;
            };
            // The first name is the folder's own.
            let name = entry
                .name()
                .ok()
                .and_then(|name| Some(name.split_once('/')?.1.to_owned()));
            let Some((name, step)) = name.and_then(|name| wanted.remove_entry(&name)) else {
                continue;
            };
            match self.place(&mut entry, &step) {
                Ok(digests) => {
                    self.run.moved(None, step.meta.size_bytes);
                    copied(&self.run, &step, step.meta.size_bytes, arrived(&step, digests));
                }
                Err(error) => {
                    tracing::info!(
                        "'{}' is downloaded on its own, not from the zip: {error}",
                        step.from
                    );
                    wanted.insert(name, step);
                }
            }
        }
        let mut rest: Vec<Step> = wanted.into_values().collect();
        rest.sort_by(|a, b| a.from.cmp(&b.from));
        rest
    }

    /// Writes a file, and puts it into its place if it is what the listing says. Returns its digests.
    fn place(&self, entry: &mut impl Read, step: &Step) -> io::Result<Digests> {
        let partial = Partial::create(&self.root, &step.to)?;
        let (file, mut hasher) = (partial.file(), Hasher::new());
        let mut digester = Digester::new(&self.digests);
        let (mut at, mut buffer) = (0, vec![0; 1 << 16]);
        loop {
            let count = entry.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
            digester.update(&buffer[..count]);
            Partial::write_at(&file, &buffer[..count], at)?;
            at += count as u64;
            if at > step.meta.size_bytes {
                break;
            }
        }
        let expected = step.meta.checksum();
        if at != step.meta.size_bytes || Some(hasher.finish()) != expected {
            return Err(io::Error::other("it is not what the listing says"));
        }
        put_in_place(partial, step, self.links, self.anything)?;
        Ok(digester.finish())
    }
}

/// Returns what is known of a file that is what the listing says.
fn arrived(step: &Step, digests: Digests) -> Arrived {
    let version = step.meta.version.as_ref();
    Arrived {
        version: version.map(|version| version.id.as_str().into()),
        checksum: step.meta.checksum(),
        digests,
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _};

    use engine::{
        entry::{FileMeta, Version},
        plan::{CopyReason, Plan, StepKind},
        run::{Shutdown, Tally},
    };
    use shared::content_hash::ContentHash;
    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    fn step(path: &str, content: &[u8]) -> Step {
        let version = Version {
            id: "1".into(),
            checksum: Some(ContentHash::of(content)),
            document: None,
        };
        let meta = FileMeta {
            size_bytes: content.len() as u64,
            version: Some(Box::new(version)),
            ..FileMeta::default()
        };
        Step::new(StepKind::Copy(CopyReason::New), path, path, meta)
    }

    #[test]
    fn fuzz_a_zip() {
        let mut zip = ZipWriter::new(io::Cursor::new(Vec::new()));
        for (name, content) in [("d/a", &b"one"[..]), ("d/b/c", b"two two two two")] {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(content).unwrap();
        }
        let sample = zip.finish().unwrap().into_inner();
        fuzzing::run(&[&sample], |bytes| {
            let directory = tempfile::tempdir().unwrap();
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(bytes).unwrap();
            let steps = vec![step("d/a", b"one"), step("d/b/c", b"two two two two")];
            let plan = Plan {
                copies: steps.clone(),
                ..Plan::default()
            };
            let unpacking = Unpacking {
                root: Root::new(directory.path()),
                links: false,
                anything: false,
                digests: Arc::from([Algorithm::Md5]),
                run: Run::new(&plan, Tally::default(), Shutdown::default(), Arc::new(())),
            };
            let group = ZipGroup {
                folder: "d".into(),
                steps,
            };
            let rest = unpacking.unpack(file, group);
            // What is there is right, and the rest is asked for by itself.
            let there = |path: &str| fs::read(directory.path().join(path)).ok();
            assert!(matches!(there("d/a").as_deref(), None | Some(b"one")));
            assert!(matches!(
                there("d/b/c").as_deref(),
                None | Some(b"two two two two")
            ));
            let arrived = usize::from(there("d/a").is_some()) + usize::from(there("d/b/c").is_some());
            assert_eq!(arrived + rest.len(), 2);
            arrived
        });
    }
}

//! A folder as one zip, made on the way: lengths come after the bytes, as a server that streams must do it.

use std::io::{self, Write};

use dropbox_sdk::types::files::{DownloadZipError, DownloadZipResult, LookupError};
use serde_json::Value;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::super::answer::{Failure, wire};
use super::super::content::Receiver;
use super::super::state::{Call, State};
use super::super::tree::{Kind, NodeId};
use super::read::Download;
use super::{lookup, text};

/// Most bytes of the files together, and of one file.
const LARGEST: (u64, u64) = (20 << 30, 4 << 30);
/// Most entries, counting the folder.
const MOST: usize = 10_000;

/// `files/download_zip`.
pub fn download_zip(state: &State, call: &Call, arg: &Value) -> Result<Download, Failure> {
    let refuse = |error: &DownloadZipError| Failure::route(error);
    let path = text(arg, "path");
    let folder = lookup(state, call, path).map_err(|error| refuse(&DownloadZipError::Path(error)))?;
    if !state.tree.is_folder(folder) {
        return Err(refuse(&DownloadZipError::Path(LookupError::NotFolder)));
    }
    let Some(shown) = state.shower(call).folder(folder) else {
        return Err(Failure::Bad("path: The root folder is unsupported.".into()));
    };
    let all = state.tree.below(folder, true);
    let sizes = || {
        all.iter()
            .filter_map(|id| Some(state.tree.file(*id)?.content.len()))
    };
    if sizes().sum::<u64>() >= LARGEST.0 || sizes().any(|size| size >= LARGEST.1) {
        return Err(refuse(&DownloadZipError::TooLarge));
    }
    if all.len() >= MOST {
        return Err(refuse(&DownloadZipError::TooManyFiles));
    }
    let content = pack(state, call, folder, &all).map_err(Failure::internal)?;
    Ok(Download {
        result: wire(&DownloadZipResult::new(shown))?,
        content,
        tag: String::new(),
        is_archive: true,
    })
}

fn pack(
    state: &State,
    call: &Call,
    top: NodeId,
    all: &[NodeId],
) -> io::Result<super::super::content::Content> {
    let mut zip = ZipWriter::new_stream(Sink(Receiver::new(&state.store)));
    let depth = state.tree.names(call.view, top).map_or(0, |names| names.len());
    for (number, id) in all.iter().enumerate() {
        let (Some(names), Some(node)) = (state.tree.names(call.view, *id), state.tree.node(*id)) else {
            continue;
        };
        let name = names[depth.saturating_sub(1)..].join("/");
        match &node.kind {
            Kind::Folder(_) => zip.add_directory(name, SimpleFileOptions::default())?,
            Kind::File(file) if file.document => {}
            Kind::File(file) => {
                let method = [CompressionMethod::Stored, CompressionMethod::Deflated][number % 2];
                let options = SimpleFileOptions::default()
                    .compression_method(method)
                    .large_file(file.content.len() > u64::from(u32::MAX) / 2);
                zip.start_file(name, options)?;
                let mut at = 0;
                while at < file.content.len() {
                    let piece = file.content.read(at, 1 << 20)?;
                    zip.write_all(&piece)?;
                    at += piece.len() as u64;
                }
            }
        }
    }
    let sink = zip.finish()?.into_inner();
    Ok(sink.0.finish()?.content)
}

/// Takes the zip as it is made.
struct Sink(Receiver);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.push(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! A stream of unknown length: up to one chunk goes in one call, more in chunks of a concurrent session, several of them in
//! flight while the next one is read. The file is made when the stream has ended, so that an interrupted one leaves nothing.
//!
//! Chunks stay in memory until they have arrived, since what was read from a pipe can't be read again.

use bytes::Bytes;
use futures_util::{StreamExt, stream::FuturesUnordered};
use shared::{
    api::files::{
        CommitInfo, FileMetadata, FinishOutcome, MAX_FILE_BYTES, SessionAppendArg, SessionCursor,
        SessionFinishArg, SessionType, Time, UPLOAD, UploadArg,
    },
    content_hash::{BLOCK_BYTES, ContentHash},
};

use dropbox::{Client, DropboxPath, Error, Payload};
use engine::{Result, Retry, entry::FileMeta, relative_path::fold};

use super::{commit::write_mode, session::MAX_REREADS, sessions::Sessions, sessions::append, turns::Turns};
use crate::{
    chunks::{Chunk, Chunks, Input},
    dropbox::{
        DropboxStore,
        error::dropbox_error,
        item::{is_damaged, is_lost},
    },
    write::{WriteOptions, Written, unreadable},
};

/// Number of chunks that memory should have room for: enough connections for a fast link, few enough calls.
const CHUNKS_IN_MEMORY: u64 = 16;
/// Number of bytes that are handed to a connection at once.
const FRAME_BYTES: usize = 256 << 10;
/// Minimum and maximum number of blocks of a chunk.
const CHUNK_BLOCKS: (u64, u64) = (1, 8);

impl DropboxStore {
    /// Writes a stream to the file at this place: see [`Place::write`](crate::Place::write).
    pub(crate) async fn write(
        &self,
        input: Input,
        there: Option<&FileMeta>,
        options: &WriteOptions,
    ) -> Result<Written> {
        let blocks = (options.memory_bytes as u64 / CHUNKS_IN_MEMORY / BLOCK_BYTES)
            .clamp(CHUNK_BLOCKS.0, CHUNK_BLOCKS.1);
        let room = options.memory_bytes as u64 / (blocks * BLOCK_BYTES);
        let sending = Sending {
            client: self.client(),
            target: self.path(),
            commit: commit_info(self.path(), there, options),
            options,
            turns: Turns::new(self.client(), self.path(), options.state_dir.as_ref()).await,
            // One more is being read, one has just arrived, and what the system allots comes to about another.
            max_in_flight: usize::try_from(room.saturating_sub(3).max(1)).unwrap_or(usize::MAX),
        };
        sending.all(Chunks::new(input, blocks)).await
    }
}

/// Returns where the file goes, and what it may replace: only what was seen, unless everything may be replaced.
fn commit_info(path: &DropboxPath, there: Option<&FileMeta>, options: &WriteOptions) -> CommitInfo {
    let seen = there.and_then(|file| file.version.as_deref());
    CommitInfo {
        path: path.as_str().to_owned(),
        mode: write_mode(seen, options.overwrites_newer),
        client_modified: Some(Time(options.modified.seconds)),
        mute: true,
        autorename: false,
    }
}

/// What Dropbox says of a file that was made.
struct Made {
    name: String,
    version: String,
    size_bytes: u64,
    hash: Option<ContentHash>,
}

impl From<FileMetadata> for Made {
    fn from(file: FileMetadata) -> Self {
        Self {
            name: file.name,
            version: file.rev,
            size_bytes: file.size,
            hash: file.content_hash,
        }
    }
}

/// A stream on its way.
struct Sending<'a> {
    client: &'a Client,
    target: &'a DropboxPath,
    commit: CommitInfo,
    options: &'a WriteOptions,
    /// Other processes commit to the same namespace.
    turns: Turns,
    max_in_flight: usize,
}

impl Sending<'_> {
    async fn all(&self, mut chunks: Chunks) -> Result<Written> {
        let first = self.checked(chunks.next().await)?;
        match first.is_last {
            true => self.small(first).await,
            false => self.session(first, chunks).await,
        }
    }

    /// Returns a chunk that was read, if the stream may be as long as that.
    fn checked(&self, read: std::io::Result<Chunk>) -> Result<Chunk> {
        let chunk = read.map_err(|error| unreadable(&error))?;
        self.options.check(&chunk)?;
        if chunk.end() > MAX_FILE_BYTES {
            return Err(engine::Error::new(
                Retry::Never,
                "Dropbox takes files up to 2 TiB",
            ));
        }
        Ok(chunk)
    }

    /// Sends a stream that is one chunk in one call.
    async fn small(&self, chunk: Chunk) -> Result<Written> {
        let hash = ContentHash::of_blocks(&chunk.blocks);
        let size_bytes = chunk.bytes.len() as u64;
        let payload = payload(&chunk.bytes);
        let send = async |commit: CommitInfo| {
            let arg = UploadArg {
                commit,
                content_hash: hash,
            };
            self.client.upload(&UPLOAD, &arg, &payload).await
        };
        let sending = async {
            match send(self.commit.clone()).await {
                Err(error) if is_conflict(&error) => send(self.renamed()).await,
                sent => sent,
            }
        };
        let sent = self.turns.within(None, size_bytes, sending).await;
        (self.options.moved)(size_bytes);
        self.verified(sent.map_err(dropbox_error)?.into(), hash, size_bytes)
    }

    /// Sends chunks side by side, and then the last one, which closes the session.
    async fn session(&self, first: Chunk, mut chunks: Chunks) -> Result<Written> {
        let session = Sessions::new(1, Some(SessionType::Concurrent))
            .one(self.client)
            .await;
        let session = session.map_err(dropbox_error)?;
        let mut in_flight = FuturesUnordered::new();
        let (mut chunk, mut blocks) = (first, Vec::new());
        while !chunk.is_last {
            blocks.extend_from_slice(&chunk.blocks);
            in_flight.push(self.append(&session, chunk));
            let reading = chunks.next();
            tokio::pin!(reading);
            let read = loop {
                tokio::select! {
                    read = &mut reading => break read,
                    Some(sent) = in_flight.next() => sent.map_err(dropbox_error)?,
                }
            };
            chunk = self.checked(read)?;
            while in_flight.len() >= self.max_in_flight
                && let Some(sent) = in_flight.next().await
            {
                sent.map_err(dropbox_error)?;
            }
        }
        while let Some(sent) = in_flight.next().await {
            sent.map_err(dropbox_error)?;
        }
        drop(in_flight);
        blocks.extend_from_slice(&chunk.blocks);
        let size_bytes = chunk.end();
        self.append(&session, chunk).await.map_err(dropbox_error)?;
        let cursor = SessionCursor {
            session_id: session,
            offset: size_bytes,
        };
        let hash = ContentHash::of_blocks(&blocks);
        let file = self.finish(&cursor, hash).await.map_err(dropbox_error)?;
        self.verified(file, hash, size_bytes)
    }

    /// Sends one chunk; the last one closes the session.
    async fn append(&self, session: &str, chunk: Chunk) -> Result<(), Error> {
        let length = chunk.bytes.len() as u64;
        let arg = SessionAppendArg {
            cursor: SessionCursor {
                session_id: session.to_owned(),
                offset: chunk.offset,
            },
            close: chunk.is_last,
            content_hash: Some(ContentHash::of_blocks(&chunk.blocks)),
        };
        let payload = payload(&chunk.bytes);
        let mut sent = append(self.client, &arg, &payload).await;
        for _ in 0..MAX_REREADS {
            match &sent {
                Err(error) if is_damaged(error) => sent = append(self.client, &arg, &payload).await,
                _ => break,
            }
        }
        sent?;
        (self.options.moved)(length);
        Ok(())
    }

    /// Makes the file of a closed session. What can't be put in its place is stored beside it: the stream can't be had again.
    async fn finish(&self, cursor: &SessionCursor, hash: ContentHash) -> Result<Made, Error> {
        let (mut tries, mut commit) = (self.client.tries(), self.commit.clone());
        loop {
            let arg = SessionFinishArg {
                cursor: cursor.clone(),
                commit: commit.clone(),
            };
            let error = match self.finish_once(arg, &mut tries).await {
                Ok(file) => return Ok(file.into()),
                Err(error) => error,
            };
            if is_conflict(&error) && !commit.autorename {
                commit = self.renamed();
                continue;
            }
            // An attempt whose answer was lost may have made the file, and the session is gone then.
            if (error.is_unknown() || is_lost(&error))
                && let Some(file) = self.there(hash).await
            {
                return Ok(file);
            }
            let Some(wait) = tries.wait_after(&error) else {
                return Err(error);
            };
            tokio::time::sleep(wait).await;
        }
    }

    async fn finish_once(
        &self,
        arg: SessionFinishArg,
        tries: &mut dropbox::Tries,
    ) -> Result<FileMetadata, Error> {
        let outcomes = self.turns.finish(self.client, None, &[arg], tries).await?;
        match outcomes.into_iter().next() {
            Some(FinishOutcome::Success(file)) => Ok(file),
            Some(FinishOutcome::Failure { failure }) => Err(Error::Route(failure)),
            Some(FinishOutcome::Unknown) | None => Err(Error::NotDropbox("it misses an entry".into())),
        }
    }

    /// Returns the file at the target, if it has our bytes.
    async fn there(&self, hash: ContentHash) -> Option<Made> {
        let there = self.client.stat(self.target).await.ok().flatten()?;
        let file = there.file()?;
        (file.content_hash == Some(hash)).then(|| Made {
            name: self.target.name().unwrap_or_default().to_owned(),
            version: file.rev.clone(),
            size_bytes: file.size_bytes,
            hash: file.content_hash,
        })
    }

    fn renamed(&self) -> CommitInfo {
        CommitInfo {
            autorename: true,
            ..self.commit.clone()
        }
    }

    /// Compares what Dropbox has with what was read.
    fn verified(&self, made: Made, hash: ContentHash, size_bytes: u64) -> Result<Written> {
        if made.hash.is_some_and(|there| there != hash) || made.size_bytes != size_bytes {
            return Err(engine::Error::new(
                Retry::Later,
                "Dropbox has other bytes than were read; an earlier state can be restored",
            ));
        }
        let is_in_place = self
            .target
            .name()
            .is_some_and(|name| fold(name) == fold(&made.name));
        Ok(Written {
            size_bytes,
            checksum: hash,
            version: Some(made.version),
            beside: (!is_in_place).then_some(made.name),
        })
    }
}

/// Returns bytes as a body that is sent in small frames, of which the connection keeps few.
fn payload(bytes: &Bytes) -> Payload {
    let frames = (0..bytes.len()).step_by(FRAME_BYTES);
    let frame = |at: usize| bytes.slice(at..bytes.len().min(at + FRAME_BYTES));
    Payload::kept(frames.map(frame).collect())
}

fn is_conflict(error: &Error) -> bool {
    error
        .route()
        .is_some_and(|route| route.ends_with(&["conflict", "file"]))
}

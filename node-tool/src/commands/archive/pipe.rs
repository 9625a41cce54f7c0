//! Bytes from a thread that writes to one that reads, a few pieces ahead.

use std::{
    io::{self, Read, Write},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
};

/// Number of pieces that may wait.
const PIECES: usize = 8;
/// Number of bytes of a piece.
const PIECE_BYTES: usize = 256 << 10;

/// The end that is written to. If it is dropped without [`finish`](Writer::finish), the reader gets an error.
pub(super) struct Writer {
    pieces: SyncSender<Piece>,
    piece: Vec<u8>,
    /// Whether the reader is gone, which was said: what else is written is dropped. What writes an archive writes its end also when
    /// it is abandoned, and complains if it can't.
    is_broken: bool,
}

/// The end that is read.
pub(super) struct Reader {
    pieces: Receiver<Piece>,
    piece: io::Cursor<Vec<u8>>,
    has_ended: bool,
}

enum Piece {
    Bytes(Vec<u8>),
    End,
}

/// Returns both ends.
pub(super) fn pipe() -> (Writer, Reader) {
    let (sender, receiver) = sync_channel(PIECES);
    let writer = Writer {
        pieces: sender,
        piece: Vec::with_capacity(PIECE_BYTES),
        is_broken: false,
    };
    let reader = Reader {
        pieces: receiver,
        piece: io::Cursor::default(),
        has_ended: false,
    };
    (writer, reader)
}

impl Writer {
    fn send(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE_BYTES));
        self.put(Piece::Bytes(piece))
    }

    fn put(&mut self, piece: Piece) -> io::Result<()> {
        self.pieces.send(piece).map_err(|_| {
            self.is_broken = true;
            io::ErrorKind::BrokenPipe.into()
        })
    }

    /// Ends the stream: all was written.
    ///
    /// # Errors
    /// When the reader is gone.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.send()?;
        self.put(Piece::End)
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_broken {
            return Ok(bytes.len());
        }
        let count = bytes.len().min(PIECE_BYTES - self.piece.len());
        self.piece.extend_from_slice(&bytes[..count]);
        if self.piece.len() == PIECE_BYTES {
            self.send()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.piece.read(buffer)?;
            if count > 0 || self.has_ended || buffer.is_empty() {
                return Ok(count);
            }
            match self.pieces.recv() {
                Ok(Piece::Bytes(piece)) => self.piece = io::Cursor::new(piece),
                Ok(Piece::End) => self.has_ended = true,
                Err(_) => return Err(io::Error::other("what writes it has failed")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_half_a_stream_is_an_error() {
        let content: Vec<u8> = (0..3_000_000).map(|at| (at % 251) as u8).collect();
        for is_finished in [true, false] {
            let (mut writer, mut reader) = pipe();
            let sent = content.clone();
            let thread = std::thread::spawn(move || {
                writer.write_all(&sent).unwrap();
                if is_finished {
                    writer.finish().unwrap();
                }
            });
            let mut read = Vec::new();
            let result = reader.read_to_end(&mut read);
            thread.join().unwrap();
            assert_eq!(result.is_ok(), is_finished);
            assert!(!is_finished || read == content);
        }
    }

    #[test]
    fn a_reader_that_is_gone_is_noticed() {
        let (mut writer, reader) = pipe();
        drop(reader);
        assert!(writer.write_all(&vec![0; PIECE_BYTES]).is_err());
        // It was said; the end says it once more.
        assert!(writer.write_all(&vec![0; PIECE_BYTES]).is_ok());
        assert!(writer.finish().is_err());
    }
}

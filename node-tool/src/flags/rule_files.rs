//! Rule files: the only place that reads them. Lines are trimmed; empty ones and comments (`#`, `;`) are skipped.

use std::io::{self, Read};

use shared::failure::Failure;

/// Where rules and lists of files come from.
pub(super) trait Source {
    /// All of a file.
    fn file(&mut self, path: &str) -> io::Result<Vec<u8>>;
    /// All of the standard input.
    fn stdin(&mut self) -> io::Result<Vec<u8>>;
}

/// The real ones.
pub(super) struct System;

impl Source for System {
    fn file(&mut self, path: &str) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn stdin(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// How the lines of a file are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    /// Trimmed, without comments.
    Tidy,
    /// As they are.
    Raw,
    /// As they are, each ended by a zero byte.
    Zero,
}

/// Reads files one after the other; the standard input once.
pub(super) struct Reader<'a> {
    source: &'a mut dyn Source,
    stdin_went_to: Option<&'static str>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a mut dyn Source) -> Self {
        Self {
            source,
            stdin_went_to: None,
        }
    }

    /// Returns the lines of `path` (`-` for standard input) with their numbers; errors name `flag`.
    pub(super) fn lines(
        &mut self,
        flag: &'static str,
        path: &str,
        lines: Lines,
    ) -> Result<Vec<(usize, String)>, Failure> {
        let bytes = if path == "-" {
            if let Some(other) = self.stdin_went_to.replace(flag) {
                return Err(Failure::usage(format!("{flag} can't read the standard input"))
                    .why(format!("{other} has read it already"))
                    .hint("keep one '-', and put the others into files"));
            }
            self.source.stdin()
        } else {
            self.source.file(path)
        };
        let bytes = bytes.map_err(|error| {
            Failure::usage(format!("{flag} could not read '{path}'"))
                .why(plain(&error))
                .hint("give the path of a text file, or '-' for the standard input")
        })?;
        let mut out = Vec::new();
        let (end, carriage): (u8, &[u8]) = match lines {
            Lines::Zero => (0, b""),
            Lines::Tidy | Lines::Raw => (b'\n', b"\r"),
        };
        for (at, line) in bytes.split(|byte| *byte == end).enumerate() {
            let line = line.strip_suffix(carriage).unwrap_or(line);
            let line = std::str::from_utf8(line).map_err(|_| {
                Failure::usage(format!("{flag} '{path}', line {}: it is not UTF-8", at + 1))
                    .hint("save the file as UTF-8; Dropbox has no other names")
            })?;
            let line = match lines {
                Lines::Raw | Lines::Zero => line,
                Lines::Tidy => line.trim(),
            };
            let is_comment = lines == Lines::Tidy && line.starts_with(['#', ';']);
            if !line.is_empty() && !is_comment {
                out.push((at + 1, line.to_owned()));
            }
        }
        Ok(out)
    }
}

fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it is not there".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::IsADirectory => "it is a folder".into(),
        _ => error.to_string(),
    }
}

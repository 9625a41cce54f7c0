//! Reading what a person pastes: a grant, a code that Dropbox showed, or the JSON that `rclone authorize` prints.
//!
//! A terminal in line mode cuts lines at 4,096 bytes, so it is taken out of line mode; a paste may be wrapped
//! into many lines, so reading ends when what came is whole, not at the first line end.

use std::{
    io::{self, Read, Write},
    os::fd::AsFd,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    termios::{InputModes, LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr},
};
use serde::Deserialize;
use shared::{
    grant::{BEGIN_MARKER, Grant, GrantError},
    secret::Secret,
};

/// The longest paste that is read.
const MOST_BYTES: usize = 1 << 20;
/// What still comes this soon after a whole paste belongs to it (the end marker).
const AFTERMATH: Duration = Duration::from_millis(100);

/// What was pasted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pasted {
    /// From the authorizer.
    Grant(Grant),
    /// A code that Dropbox showed on its page.
    Code(Secret),
    /// From `rclone authorize`.
    Rclone(RcloneToken),
}

/// The token that `rclone authorize` prints.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct RcloneToken {
    /// Good for API calls until `expiry`.
    pub access_token: Secret,
    /// Good for new access tokens.
    #[serde(default)]
    pub refresh_token: Option<Secret>,
    /// RFC 3339, with a zone.
    #[serde(default)]
    pub expiry: Option<String>,
}

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
pub(super) enum PasteError {
    /// Ctrl-C.
    #[error("stopped by Ctrl-C")]
    Interrupted,
    /// The end of the input.
    #[error("the input ended before anything was pasted")]
    Ended,
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Not something we know.
    #[error(transparent)]
    Grant(#[from] GrantError),
}

/// Reads a paste at a prompt, on the terminal, which is left in raw mode.
pub(super) fn from_terminal(prompt: &str) -> Result<Pasted, PasteError> {
    let mut out = io::stdout().lock();
    raw_mode()?; // before the prompt: a paste may follow it at once
    write!(out, "{prompt}")?;
    out.flush()?;
    let text = read_keys(prompt, &mut out);
    drain();
    writeln!(out)?;
    Ok(recognise(text?.expose())?)
}

/// Reads a paste from stdin, up to its end or until it is whole.
pub(super) fn from_stdin() -> Result<Pasted, PasteError> {
    let mut text = String::new();
    let mut input = io::stdin().lock();
    let mut buffer = [0; 4096];
    loop {
        let count = input.read(&mut buffer)?;
        text.push_str(&String::from_utf8_lossy(&buffer[..count]));
        if count == 0 || text.len() > MOST_BYTES || (text.ends_with('\n') && is_whole(&text)) {
            break;
        }
    }
    let text = Secret::new(text);
    Ok(recognise(text.expose())?)
}

/// What a text is.
fn recognise(text: &str) -> Result<Pasted, GrantError> {
    let trimmed = text.trim();
    // rclone puts its token between marker lines, which may have been copied too.
    if let (Some(from), Some(to)) = (trimmed.find('{'), trimmed.rfind('}'))
        && from < to
        && let Ok(token) = serde_json::from_str::<RcloneToken>(&trimmed[from..=to].replace(['\n', '\r'], ""))
    {
        return Ok(Pasted::Rclone(token));
    }
    match Grant::parse(trimmed) {
        Err(GrantError::NotAGrant) => {
            let code: String = trimmed.split_whitespace().collect();
            let code = code.trim_matches(['"', '\'', '`']);
            let plausible = code.len() >= 16
                && code
                    .bytes()
                    .all(|c| c.is_ascii_alphanumeric() || b"-_.~".contains(&c));
            if plausible && trimmed.split_whitespace().count() <= 2 {
                Ok(Pasted::Code(Secret::new(code)))
            } else {
                Err(GrantError::NotAGrant)
            }
        }
        parsed => parsed.map(Pasted::Grant),
    }
}

/// Whether a text with a line end behind it can be judged, or is the first part of something longer.
fn is_whole(text: &str) -> bool {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return false;
    }
    if let Some(from) = trimmed.find('{') {
        return match serde_json::from_str::<serde_json::Value>(
            trimmed[from..].trim_end_matches("<---End paste").trim_end(),
        ) {
            Err(error) => !error.is_eof(),
            Ok(_) => true,
        };
    }
    match recognise(trimmed) {
        Err(GrantError::Truncated { .. } | GrantError::Empty) => false,
        Err(GrantError::NotAGrant) => {
            !BEGIN_MARKER.starts_with(trimmed) && !trimmed.starts_with("-----") && !trimmed.ends_with("--->")
        }
        _ => true,
    }
}

/// Whether something was written and then an empty line.
fn ends_empty(text: &str) -> bool {
    !text.trim().is_empty() && text.ends_with("\n\n")
}

fn read_keys(prompt: &str, out: &mut impl Write) -> Result<Secret, PasteError> {
    let mut line: Vec<u8> = Vec::new();
    let mut buffer = [0; 4096];
    let mut escape = Escape::None;
    let mut after_cr = false;
    loop {
        let count = rustix::io::read(io::stdin().as_fd(), &mut buffer).map_err(io::Error::from)?;
        if count == 0 {
            return Err(PasteError::Ended);
        }
        let mut ended = false;
        for (&byte, rest) in buffer[..count].iter().zip((0..count).rev()) {
            let second_half = std::mem::replace(&mut after_cr, byte == b'\r') && byte == b'\n';
            if second_half {
                continue; // CR LF is one line end
            }
            if escape.swallows(byte) {
                continue;
            }
            match byte {
                3 => return Err(PasteError::Interrupted),
                4 if line.is_empty() => return Err(PasteError::Ended),
                8 | 127 => {
                    line.pop();
                }
                21 => line.clear(), // Ctrl-U
                b'\r' | b'\n' => {
                    line.push(b'\n');
                    let text = String::from_utf8_lossy(&line);
                    // An empty line ends anything, unless it is only a gap in a paste that goes on.
                    ended = is_whole(&text) || (ends_empty(&text) && rest == 0 && !more_comes());
                    if ended {
                        break;
                    }
                }
                _ => line.push(byte),
            }
        }
        // No echo: the paste may be a secret. Its length shows that something arrived.
        let shown = line.iter().filter(|b| **b != b'\n').count();
        write!(out, "\r{prompt}({shown} characters)\u{1b}[K")?;
        out.flush()?;
        if ended || line.len() > MOST_BYTES {
            return Ok(Secret::new(String::from_utf8_lossy(&line)));
        }
    }
}

/// Terminal control sequences, such as the marks of a bracketed paste: `ESC [ 200 ~`.
enum Escape {
    None,
    Started,
    Sequence,
}

impl Escape {
    fn swallows(&mut self, byte: u8) -> bool {
        let (next, swallow) = match (&self, byte) {
            (_, 0x1b) => (Self::Started, true),
            (Self::Started, b'[') => (Self::Sequence, true),
            (Self::Sequence, 0x40..=0x7e) => (Self::None, true),
            (Self::Sequence, _) => (Self::Sequence, true),
            (Self::None | Self::Started, _) => (Self::None, false),
        };
        *self = next;
        swallow
    }
}

/// Whether more of the same paste is on its way.
fn more_comes() -> bool {
    let stdin = io::stdin();
    let timeout = Timespec {
        tv_sec: 0,
        tv_nsec: i64::try_from(AFTERMATH.as_nanos()).unwrap_or(0),
    };
    matches!(poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&timeout)), Ok(ready) if ready > 0)
}

/// Swallows what still comes with the same paste, so that no shell sees it later.
fn drain() {
    let stdin = io::stdin();
    let mut buffer = [0; 4096];
    while more_comes() {
        if !matches!(rustix::io::read(stdin.as_fd(), &mut buffer), Ok(count) if count > 0) {
            return;
        }
    }
}

/// The terminal without lines, echo and signals. [`terminal::wait`](crate::terminal::wait) puts it back.
fn raw_mode() -> io::Result<()> {
    let stdin = io::stdin();
    let mut raw = tcgetattr(&stdin)?;
    raw.local_modes
        .remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN);
    raw.input_modes.remove(InputModes::ICRNL | InputModes::IXON);
    raw.special_codes[SpecialCodeIndex::VMIN] = 1;
    raw.special_codes[SpecialCodeIndex::VTIME] = 0;
    Ok(tcsetattr(&stdin, OptionalActions::Now, &raw)?)
}

#[cfg(test)]
mod tests {
    use shared::grant::{CodeGrant, END_MARKER};

    use super::*;

    fn grant() -> Grant {
        Grant::Code(CodeGrant {
            app_key: "k".into(),
            code: Secret::new("c".repeat(200)),
            challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".into(),
            redirect_uri: None,
        })
    }

    #[test]
    fn each_kind_is_recognised() {
        let line = grant().encode().expose().to_owned();
        assert_eq!(
            recognise(&format!("{BEGIN_MARKER}\n{line}\n{END_MARKER}\n")),
            Ok(Pasted::Grant(grant()))
        );
        assert_eq!(
            recognise(" abcDEF0123456789_-xyz \r\n"),
            Ok(Pasted::Code(Secret::new("abcDEF0123456789_-xyz")))
        );
        let json = r#"{"access_token":"sl.x","token_type":"bearer","refresh_token":"r","expiry":"2026-11-23T20:00:00.5+01:00"}"#;
        for text in [
            json.to_owned(),
            format!("Paste the following into your remote machine --->\n{json}\n<---End paste"),
        ] {
            assert!(
                matches!(recognise(&text), Ok(Pasted::Rclone(t)) if t.access_token == Secret::new("sl.x")),
                "{text}"
            );
        }
        for bad in ["", "hello", "what is this now", "{\"a\":1}"] {
            assert!(recognise(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_paste_is_whole_when_its_last_line_came() {
        let line = grant().encode().expose().to_owned();
        let (head, tail) = line.split_at(80);
        for (text, whole) in [
            ("\n".to_owned(), false),
            (format!("{BEGIN_MARKER}\n"), false),
            (format!("{head}\n"), false),
            (format!("{head}\n\n"), false),
            (format!("{head}\n{tail}\n"), true),
            ("abcDEF0123456789_-xyz\n".to_owned(), true),
            ("nonsense words\n".to_owned(), true),
            ("{\n".to_owned(), false),
            ("{\"access_token\":\n".to_owned(), false),
            ("{\"access_token\":\"x\"}\n".to_owned(), true),
        ] {
            assert_eq!(is_whole(&text), whole, "{text:?}");
        }
    }
}

//! Reading what a person pastes, at a prompt or from stdin. [`recognise`](super::recognise) finds out what it is.
//!
//! A terminal in line mode cuts lines at 4,096 bytes, so it is taken out of line mode; a paste may be wrapped into many
//! lines, so reading ends at a line end after which nothing more comes.

use std::{
    io::{self, Read, Write},
    os::fd::AsFd,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    termios::{
        InputModes, LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcgetwinsize, tcsetattr,
    },
};
use shared::{paste, secret::Secret};

/// The longest paste that is read.
const MAX_BYTES: usize = 1 << 20;
/// The lines of one paste follow each other closer than this.
const GAP: Duration = Duration::from_millis(150);
/// What comes at once and is this long was pasted, not typed.
const PASTED_BYTES: usize = 16;
/// What is typed is shown as long as it may be a code; these have 43 characters.
const MAX_SHOWN: usize = 56;

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
}

/// Reads a paste at a prompt, on the terminal, which is left in raw mode.
pub(super) fn from_terminal(prompt: &str) -> Result<Secret, PasteError> {
    let mut out = io::stdout().lock();
    raw_mode()?; // before the prompt: a paste may follow it at once
    write!(out, "{prompt}")?;
    out.flush()?;
    let text = read_keys(prompt, &mut out);
    writeln!(out)?;
    text
}

/// Reads a paste from stdin, up to its end, or to a line end at which it `is_whole`.
pub(super) fn from_stdin(is_whole: impl Fn(&str) -> bool) -> Result<Secret, PasteError> {
    let mut bytes = Vec::new();
    let mut input = io::stdin().lock();
    let mut buffer = [0; 4096];
    loop {
        let count = input.read(&mut buffer)?;
        bytes.extend(&buffer[..count]);
        let is_end = count == 0 || bytes.len() > MAX_BYTES;
        if is_end || (bytes.ends_with(b"\n") && is_whole(&paste::decode(&bytes)) && !more_comes()) {
            return Ok(Secret::new(paste::decode(&bytes)));
        }
    }
}

fn read_keys(prompt: &str, out: &mut impl Write) -> Result<Secret, PasteError> {
    let mut typed = Typed::default();
    let mut buffer = [0; 4096];
    loop {
        let count = rustix::io::read(io::stdin().as_fd(), &mut buffer).map_err(io::Error::from)?;
        if count == 0 {
            return Err(PasteError::Ended);
        }
        typed.was_pasted |= count >= PASTED_BYTES;
        for &byte in &buffer[..count] {
            typed.key(byte)?;
        }
        write!(out, "\r{prompt}{}\u{1b}[K", typed.shown(prompt.len()))?;
        out.flush()?;
        let ends = typed.bytes.ends_with(b"\n") || typed.bytes.ends_with(b"\r");
        if typed.bytes.len() > MAX_BYTES || (ends && !more_comes()) {
            return Ok(Secret::new(paste::decode(&typed.bytes)));
        }
    }
}

/// What came from the keyboard since the prompt.
#[derive(Default)]
struct Typed {
    bytes: Vec<u8>,
    was_pasted: bool,
}

impl Typed {
    fn key(&mut self, byte: u8) -> Result<(), PasteError> {
        match byte {
            3 => return Err(PasteError::Interrupted),
            4 if self.bytes.is_empty() => return Err(PasteError::Ended),
            8 | 127 => {
                // The rest of a character goes with its first byte.
                while self.bytes.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
            }
            21 => *self = Self::default(), // Ctrl-U
            byte => self.bytes.push(byte),
        }
        Ok(())
    }

    /// What the screen shows: a code that is typed, which is of no use without the verifier. Of a paste, which may be a
    /// secret, only how long it is.
    fn shown(&self, before: usize) -> String {
        let text = paste::plain(&paste::decode(&self.bytes));
        let length = text.chars().filter(|c| !c.is_whitespace()).count();
        let width = tcgetwinsize(io::stdout()).map_or(80, |size| usize::from(size.ws_col));
        let fits = length < width.saturating_sub(before) && length <= MAX_SHOWN;
        let may_be_code = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if fits && !self.was_pasted && text.chars().all(may_be_code) {
            text
        } else {
            format!("({length} characters)")
        }
    }
}

/// Whether the next line of a paste follows.
fn more_comes() -> bool {
    let stdin = io::stdin();
    let wait = Timespec {
        tv_sec: 0,
        tv_nsec: GAP.subsec_nanos().into(),
    };
    let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
    matches!(poll(&mut ready, Some(&wait)), Ok(1..)) && ready[0].revents().contains(PollFlags::IN)
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
    use super::*;

    fn typed(keys: &str) -> Typed {
        let mut typed = Typed::default();
        keys.bytes().for_each(|byte| typed.key(byte).unwrap());
        typed
    }

    #[test]
    fn a_typed_code_is_shown_and_a_paste_is_not() {
        assert_eq!(typed("VofXAX8-DO_1").shown(7), "VofXAX8-DO_1");
        assert_eq!(typed("VofX\u{7f}Y").shown(7), "VofY");
        assert_eq!(typed("aü\u{8}b").shown(7), "ab");
        assert_eq!(typed("abc\u{15}xy").shown(7), "xy");
        assert_eq!(typed("sl.secret").shown(7), "(9 characters)");
        assert_eq!(typed("{\"a").shown(7), "(3 characters)");
        assert_eq!(typed(&"a".repeat(57)).shown(7), "(57 characters)");
        let pasted = Typed {
            was_pasted: true,
            ..typed("VofXAX8DO1s")
        };
        assert_eq!(pasted.shown(7), "(11 characters)");
    }

    #[test]
    fn only_a_key_of_its_own_ends_it() {
        assert!(matches!(Typed::default().key(3), Err(PasteError::Interrupted)));
        assert!(matches!(Typed::default().key(4), Err(PasteError::Ended)));
        assert!(typed("a").key(4).is_ok());
    }
}

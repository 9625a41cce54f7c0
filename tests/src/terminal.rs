//! Runs a program on a pseudo-terminal, types, and reads the screen.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::num::NonZero;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Maximum time to wait for output. A test that passes never waits that long.
const MAX_WAIT: Duration = Duration::from_secs(300);

/// Number of lines of the terminal.
const ROWS: u16 = 24;

/// A program on a terminal of 80 columns.
pub struct Terminal {
    columns: u16,
    keyboard: File,
    child: Child,
    output: Receiver<Vec<u8>>,
    screen: Vec<u8>,
    seen: usize,
}

impl Terminal {
    /// Starts a command on a terminal of its own.
    ///
    /// # Errors
    /// When there is no terminal or no such program.
    pub fn start(command: Command) -> anyhow::Result<Self> {
        Self::start_with(command, 80)
    }

    /// Starts a command on a terminal with this many columns.
    ///
    /// # Errors
    /// When there is no terminal or no such program.
    pub fn start_with(mut command: Command, columns: u16) -> anyhow::Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        tcsetwinsize(
            &master,
            Winsize {
                ws_row: ROWS,
                ws_col: columns,
                ws_xpixel: 0,
                ws_ypixel: 0,
            },
        )?;
        let name = ptsname(&master, Vec::new())?;
        let slave = File::options().read(true).write(true).open(name.to_str()?)?;
        command.stdin(Stdio::from(slave.try_clone()?));
        command
            .stdout(Stdio::from(slave.try_clone()?))
            .stderr(Stdio::from(slave));
        let child = command
            .spawn()
            .with_context(|| format!("starting {:?}", command.get_program()))?;
        drop(command); // and with it our copies of the terminal's other side
        let keyboard = File::from(master);
        let mut screen = keyboard.try_clone()?;
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(count) = screen.read(&mut buffer) {
                if count == 0 || sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Ok(Self {
            columns,
            keyboard,
            child,
            output,
            screen: Vec::new(),
            seen: 0,
        })
    }

    /// Returns the process that `setsid` started on this terminal.
    ///
    /// # Errors
    /// When there is none.
    pub fn program(&self) -> anyhow::Result<u32> {
        let children = format!("/proc/{0}/task/{0}/children", self.child.id());
        let children = std::fs::read_to_string(children)?;
        let first = children.split_whitespace().next().unwrap_or_default();
        // Without a fork, setsid became the program.
        if first.is_empty() {
            Ok(self.child.id())
        } else {
            Ok(first.parse()?)
        }
    }

    /// Returns all output so far.
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen).replace("\r\n", "\n")
    }

    /// Returns the screen as it is now.
    ///
    /// # Errors
    /// When it has no size.
    pub fn picture(&self) -> anyhow::Result<String> {
        let size = |count| NonZero::new(count).context("a terminal without size");
        let mut terminal = vt100::Parser::new(size(ROWS)?, size(self.columns)?, 0);
        terminal.process(&self.screen);
        let rows = terminal.screen().rows(0, self.columns);
        Ok(rows.collect::<Vec<_>>().join("\n"))
    }

    /// Waits until the screen meets a condition. Output arrives in pieces.
    ///
    /// # Errors
    /// When it never does; the error shows the last screen.
    pub fn picture_when(&mut self, is_so: impl Fn(&str) -> bool) -> anyhow::Result<String> {
        let deadline = Instant::now() + MAX_WAIT;
        loop {
            let picture = self.picture()?;
            if is_so(&picture) {
                return Ok(picture);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let more = self.output.recv_timeout(left);
            self.screen
                .extend(more.with_context(|| format!("the picture stays\n{picture}"))?);
        }
    }

    /// Waits for `text` after what was expected before, and returns the output up to its end.
    ///
    /// # Errors
    /// When it doesn't appear; the error shows all output.
    pub fn expect(&mut self, text: &str) -> anyhow::Result<String> {
        let deadline = Instant::now() + MAX_WAIT;
        loop {
            let fresh = &self.screen[self.seen..];
            if let Some(at) = fresh
                .windows(text.len())
                .position(|window| window == text.as_bytes())
            {
                let end = self.seen + at + text.len();
                let shown = String::from_utf8_lossy(&self.screen[self.seen..end]).replace("\r\n", "\n");
                self.seen = end;
                return Ok(shown);
            }
            match self
                .output
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(bytes) => self.screen.extend(bytes),
                Err(RecvTimeoutError::Timeout) => anyhow::bail!("'{text}' didn't come:\n{}", self.screen()),
                Err(RecvTimeoutError::Disconnected) => {
                    anyhow::bail!("ended before '{text}':\n{}", self.screen())
                }
            }
        }
    }

    /// Types or pastes text. It is written in pieces, since the input queue of a terminal is small.
    ///
    /// # Errors
    /// When the terminal is closed.
    pub fn send(&mut self, text: &str) -> anyhow::Result<()> {
        self.keyboard.write_all(text.as_bytes())?;
        Ok(())
    }

    /// Waits for the end, and returns the exit code (128 and more for signals) and all output.
    ///
    /// # Errors
    /// When it doesn't end.
    pub fn end(self) -> anyhow::Result<(i32, String)> {
        let (code, screen, _) = self.end_with_picture()?;
        Ok((code, screen))
    }

    /// Waits for the end, and returns the exit code, all output, and the last screen.
    ///
    /// # Errors
    /// When it doesn't end.
    pub fn end_with_picture(mut self) -> anyhow::Result<(i32, String, String)> {
        use std::os::unix::process::ExitStatusExt as _;
        let deadline = Instant::now() + MAX_WAIT;
        loop {
            match self
                .output
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(bytes) => self.screen.extend(bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let _ = self.child.kill();
                    anyhow::bail!("it doesn't end:\n{}", self.screen());
                }
            }
        }
        let status = self.child.wait()?;
        let code = status
            .code()
            .or_else(|| status.signal().map(|signal| 128 + signal))
            .unwrap_or(-1);
        Ok((code, self.screen(), self.picture()?))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! A full screen with a list: what it shows is a [`Page`], what is typed a [`Key`]. The terminal is afterwards as it was.

use std::{
    io::{self, Stdout, stdout},
    time::Duration,
};

use ratatui::{
    Terminal,
    backend::CrosstermBackend,
    crossterm::{
        cursor::Show,
        event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers},
        execute,
        terminal::{self, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
    },
    layout::{Constraint, Layout, Rect},
    style::{Modifier, Style},
    text::Line,
    widgets::{Block, Clear, Paragraph},
};
use shared::plain::printable;

/// The first line.
const TITLE: &str = " node-tool du: arrow keys to walk, ? for help";
/// How long a thread waits for a key before it checks whether anybody still wants one.
const KEY_PERIOD: Duration = Duration::from_millis(200);
/// Number of lines that are no rows of the list.
const OTHER_LINES: u16 = 3;

/// A key that was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A character.
    Char(char),
    /// The arrow up.
    Up,
    /// The arrow down.
    Down,
    /// The arrow to the left, or backspace.
    Left,
    /// The arrow to the right.
    Right,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// The first row.
    Home,
    /// The last row.
    End,
    /// Enter.
    Enter,
    /// Escape, or Ctrl-C.
    Escape,
    /// Anything else, such as another size of the terminal.
    Other,
}

/// What is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where the list is from.
    pub path: String,
    /// The rows that fit.
    pub rows: Vec<Row>,
    /// The last line.
    pub footer: String,
    /// Lines in a box over the list. Empty means none.
    pub over: Vec<String>,
}

/// A row of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its text.
    pub text: String,
    /// Whether it is selected.
    pub is_selected: bool,
}

/// The terminal, taken over until this is dropped.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When there is none.
    pub fn open() -> io::Result<Self> {
        enable_raw_mode()?;
        let opened = execute!(stdout(), EnterAlternateScreen)
            .and_then(|()| Terminal::new(CrosstermBackend::new(stdout())));
        match opened {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    /// Returns how many rows fit.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn height(&self) -> io::Result<usize> {
        Ok(usize::from(self.terminal.size()?.height.saturating_sub(OTHER_LINES)).max(1))
    }

    /// Draws a page.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw(&mut self, page: &Page) -> io::Result<()> {
        self.terminal.draw(|frame| {
            let area = frame.area();
            let [title, path, rows, footer] = Layout::vertical([
                Constraint::Length(1),
                Constraint::Length(1),
                Constraint::Min(1),
                Constraint::Length(1),
            ])
            .areas(area);
            let reversed = Style::new().add_modifier(Modifier::REVERSED);
            frame.render_widget(Paragraph::new(TITLE).style(reversed), title);
            frame.render_widget(Paragraph::new(format!("--- {} ---", printable(&page.path))), path);
            let line = |row: &Row| {
                let style = if row.is_selected { reversed } else { Style::new() };
                Line::styled(printable(&row.text), style)
            };
            let lines: Vec<Line<'_>> = page.rows.iter().map(line).collect();
            frame.render_widget(Paragraph::new(lines), rows);
            frame.render_widget(
                Paragraph::new(format!(" {}", printable(&page.footer))).style(reversed),
                footer,
            );
            if !page.over.is_empty() {
                let lines: Vec<Line<'_>> = page.over.iter().map(|line| Line::raw(printable(line))).collect();
                let box_area = centred(area, &page.over);
                frame.render_widget(Clear, box_area);
                frame.render_widget(Paragraph::new(lines).block(Block::bordered()), box_area);
            }
        })?;
        Ok(())
    }

    /// Forgets what was drawn: something else may have written to the terminal.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn clear(&mut self) -> io::Result<()> {
        execute!(stdout(), terminal::Clear(terminal::ClearType::All))?;
        // A fresh one draws everything. (Its own way to clear asks the terminal where the cursor is.)
        self.terminal = Terminal::new(CrosstermBackend::new(stdout()))?;
        Ok(())
    }

    /// Waits for a key.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub async fn key(&mut self) -> io::Result<Key> {
        let next = || match event::poll(KEY_PERIOD)? {
            true => event::read().map(Some),
            false => Ok(None),
        };
        loop {
            let event = tokio::task::spawn_blocking(next)
                .await
                .map_err(io::Error::other)??;
            match event {
                Some(Event::Key(key)) if key.kind != KeyEventKind::Release => return Ok(meaning(key)),
                Some(Event::Resize(..)) => return Ok(Key::Other),
                _ => {}
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back. One that is gone needs nothing.
fn give_back() {
    let _ = execute!(stdout(), LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

fn meaning(key: KeyEvent) -> Key {
    let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c') if is_control => Key::Escape,
        KeyCode::Char(_) if is_control => Key::Other,
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left | KeyCode::Backspace => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Escape,
        _ => Key::Other,
    }
}

/// Returns the place in the middle for a box around these lines.
fn centred(area: Rect, lines: &[String]) -> Rect {
    let widest = lines
        .iter()
        .map(|line| unicode_width::UnicodeWidthStr::width(line.as_str()))
        .max();
    let width = u16::try_from(widest.unwrap_or(0) + 2)
        .unwrap_or(u16::MAX)
        .min(area.width);
    let height = u16::try_from(lines.len() + 2)
        .unwrap_or(u16::MAX)
        .min(area.height);
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_lies_in_the_middle_and_within_the_screen() {
        let area = Rect::new(0, 0, 40, 10);
        let lines = |text: &str| vec![text.to_owned()];
        assert_eq!(centred(area, &lines("12345678")), Rect::new(15, 3, 10, 3));
        assert_eq!(centred(area, &lines(&"x".repeat(99))), Rect::new(0, 3, 40, 3));
    }

    #[test]
    fn control_c_leaves_as_escape_does() {
        let press = |code, modifiers| meaning(KeyEvent::new(code, modifiers));
        assert_eq!(press(KeyCode::Char('c'), KeyModifiers::CONTROL), Key::Escape);
        assert_eq!(press(KeyCode::Char('d'), KeyModifiers::CONTROL), Key::Other);
        assert_eq!(press(KeyCode::Char('d'), KeyModifiers::NONE), Key::Char('d'));
        assert_eq!(press(KeyCode::Char('C'), KeyModifiers::SHIFT), Key::Char('C'));
    }
}

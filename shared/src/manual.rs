//! Manual pages: of each command what clap knows about it, and of the program what holds for all its commands.
//!
//! The help's last part becomes the page's: prose before the first example is part of the description, the rest are the examples.

use clap::Command;
use clap_mangen::{
    Man,
    roff::{Inline, Roff, bold, roman},
};

use crate::{exit, version::VERSION};

/// The section of commands.
const SECTION: &str = "1";
/// How far examples are indented.
const INDENT: &str = "4";

/// What holds for all commands of a program.
#[derive(Clone, Copy, Debug)]
pub struct Manual {
    /// The program's name.
    pub program: &'static str,
    /// The exit codes that occur.
    pub exit_codes: &'static [u8],
    /// Variables of the environment, with what they do.
    pub environment: &'static [(&'static str, &'static str)],
    /// Files, with what they hold.
    pub files: &'static [(&'static str, &'static str)],
    /// Other pages of section 1.
    pub see_also: &'static [&'static str],
}

/// A page and the name of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The name, such as `node-tool-config-create.1`.
    pub file_name: String,
    /// The page, for `man`.
    pub text: String,
}

impl Manual {
    /// Returns the pages of a program and of all its commands that are not hidden.
    pub fn pages(&self, program: Command) -> Vec<Page> {
        let program = built(program);
        let mut pages = Vec::new();
        self.add(&program, &mut pages);
        pages
    }

    fn add(&self, command: &Command, pages: &mut Vec<Page>) {
        pages.push(Page {
            file_name: format!("{}.{SECTION}", name(command)),
            text: self.page(command),
        });
        for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
            self.add(below, pages);
        }
    }

    /// Returns the page of the command that `words` name below a program. `None` if there is none.
    pub fn page_of(&self, program: Command, words: &[String]) -> Option<String> {
        let program = built(program);
        let mut command = &program;
        for word in words {
            command = command.find_subcommand(word)?;
        }
        Some(self.page(command))
    }

    /// Returns the page of a command that has been built.
    fn page(&self, command: &Command) -> String {
        let (prose, examples) = split(&after_help(command));
        let man = Man::new(command.clone());
        let mut page = Roff::new();
        self.head(&mut page, command);
        page.control("SH", ["DESCRIPTION"]);
        let about = command.get_long_about().or_else(|| command.get_about());
        paragraphs(
            &mut page,
            &sentence(&about.map(ToString::to_string).unwrap_or_default()),
        );
        if !prose.is_empty() {
            page.control("PP", []);
            paragraphs(&mut page, &prose);
        }
        let mut text = page.render();
        if command.get_arguments().any(|arg| !arg.is_hide_set()) {
            text += &without_preamble(|out| man.render_options_section(out));
        }
        if command.get_subcommands().any(|below| !below.is_hide_set()) {
            text += &without_preamble(|out| man.render_subcommands_section(out));
        }
        text += &body(&self.foot(command, &examples));
        text
    }

    fn head(&self, page: &mut Roff, command: &Command) {
        // An empty argument has to be written as one, or the others move up.
        let source = format!("{} {VERSION}", self.program);
        page.control("TH", [name(command), SECTION, "\"\"", &source, "User Commands"]);
        page.control("SH", ["NAME"]);
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let about = about.lines().next().unwrap_or_default().trim_end_matches('.');
        page.text([roman(format!("{} - {about}", name(command)))]);
        page.control("SH", ["SYNOPSIS"]);
        let usage = command.clone().render_usage().to_string();
        let called = command.get_bin_name().unwrap_or_else(|| command.get_name());
        for (at, line) in usage.trim_start_matches("Usage:").lines().enumerate() {
            if at > 0 {
                page.control("br", []);
            }
            match line.trim().strip_prefix(called) {
                Some(rest) => page.text([bold(called), roman(rest)]),
                None => page.text([roman(line.trim())]),
            };
        }
    }

    fn foot(&self, command: &Command, examples: &str) -> Roff {
        let mut page = Roff::new();
        page.control("SH", ["EXIT STATUS"]);
        let codes = exit::MEANINGS
            .iter()
            .filter(|(code, _)| self.exit_codes.contains(code));
        for (code, meaning) in codes {
            item(&mut page, bold(code.to_string()), meaning);
        }
        page.control("SH", ["ENVIRONMENT"]);
        for (variable, meaning) in self.environment {
            item(&mut page, bold(*variable), meaning);
        }
        page.control("SH", ["FILES"]);
        for (file, meaning) in self.files {
            item(&mut page, Inline::Italic((*file).to_owned()), meaning);
        }
        if !examples.is_empty() {
            page.control("SH", ["EXAMPLES"]);
            paragraphs(&mut page, examples);
        }
        page.control("SH", ["SEE ALSO"]);
        let others = self.see_also.iter().filter(|other| **other != name(command));
        let others: Vec<String> = others.map(|other| format!("{other}({SECTION})")).collect();
        page.text([roman(others.join(", "))]);
        page
    }
}

fn built(program: Command) -> Command {
    let mut program = program.disable_help_subcommand(true);
    program.build();
    program
}

/// Returns a command's name with those above it: `node-tool-config-create`.
fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

fn after_help(command: &Command) -> String {
    let after = command.get_after_long_help().or_else(|| command.get_after_help());
    after.map(ToString::to_string).unwrap_or_default()
}

/// Splits the end of a help text into prose and examples, which begin with the first line that says so, or with the whole text if
/// none does and it has indented lines.
fn split(text: &str) -> (String, String) {
    let is_start = |line: &&str| line.starts_with("Example: ") || *line == "Examples:";
    let is_shown = text.lines().any(|line| line.starts_with("  "));
    let at = text.lines().position(|line| is_start(&line));
    let at = at.unwrap_or(if is_shown { 0 } else { usize::MAX });
    let part = |lines: Vec<&str>| lines.join("\n").trim_matches('\n').to_owned();
    let prose = part(text.lines().take(at).collect());
    let examples = text.lines().skip(at).filter(|line| *line != "Examples:");
    let examples = examples.map(|line| match line.strip_prefix("Example: ") {
        Some(line) => format!("  {line}"),
        None => line.to_owned(),
    });
    (
        prose,
        part(examples.collect::<Vec<_>>().iter().map(String::as_str).collect()),
    )
}

/// Ends a text as a sentence.
fn sentence(text: &str) -> String {
    match text.ends_with(['.', ':']) || text.is_empty() {
        true => text.to_owned(),
        false => format!("{text}."),
    }
}

/// Adds text: an empty line ends a paragraph, and indented lines are shown as they are.
fn paragraphs(page: &mut Roff, text: &str) {
    let mut is_shown = false;
    for line in text.lines() {
        let code = line.strip_prefix("  ");
        if code.is_some() != is_shown {
            is_shown = code.is_some();
            show(page, is_shown);
        }
        match code {
            Some(code) => page.text([roman(code)]),
            None if line.is_empty() => page.control("PP", []),
            None => page.text([roman(line)]),
        };
    }
    if is_shown {
        show(page, false);
    }
}

/// Begins or ends lines that are shown as they are.
fn show(page: &mut Roff, begins: bool) {
    if begins {
        page.control("RS", [INDENT]);
        page.control("nf", []);
    } else {
        page.control("fi", []);
        page.control("RE", []);
    }
}

fn item(page: &mut Roff, head: Inline, text: &str) {
    page.control("TP", []);
    page.text([head]);
    page.text([roman(text)]);
}

/// Returns the lines of a section by themselves: each rendering begins with the same definitions.
fn without_preamble(render: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    let _ = render(&mut out); // memory takes all
    strip(&String::from_utf8_lossy(&out))
}

fn body(page: &Roff) -> String {
    strip(&page.render())
}

fn strip(text: &str) -> String {
    let preamble = Roff::new().render();
    text.strip_prefix(&preamble).unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANUAL: Manual = Manual {
        program: "tool",
        exit_codes: &[exit::SUCCESS, exit::USAGE],
        environment: &[("TOOL_HOME", "Where it is at home")],
        files: &[("~/.tool", "What it keeps")],
        see_also: &["tool", "other"],
    };

    fn program() -> Command {
        let copy = Command::new("copy")
            .about("Copy files")
            .arg(clap::Arg::new("SOURCE").required(true))
            .after_help("Nothing is deleted.\n\nExamples:\n  tool copy 'a b'\n  tool copy .x");
        let hidden = Command::new("secret").hide(true);
        Command::new("tool").about("A tool").subcommands([copy, hidden])
    }

    #[test]
    fn each_command_has_a_page_with_all_sections() {
        let pages = MANUAL.pages(program());
        let names: Vec<_> = pages.iter().map(|page| page.file_name.as_str()).collect();
        assert_eq!(names, ["tool.1", "tool-copy.1"]);
        let page = &pages[1].text;
        for part in [
            &format!(".TH tool-copy 1 \"\" \"tool {VERSION}\" \"User Commands\"\n"),
            ".SH NAME\ntool\\-copy \\- Copy files\n",
            ".SH SYNOPSIS\n\\fBtool copy\\fR <SOURCE>\n",
            ".SH DESCRIPTION\nCopy files.\n.PP\nNothing is deleted.\n",
            ".SH \"EXIT STATUS\"\n.TP\n\\fB0\\fR\n",
            ".SH ENVIRONMENT\n.TP\n\\fBTOOL_HOME\\fR\nWhere it is at home\n",
            ".SH FILES\n.TP\n\\fI~/.tool\\fR\nWhat it keeps\n",
            ".SH EXAMPLES\n.RS 4\n.nf\ntool copy \\*(Aqa b\\*(Aq\ntool copy .x\n.fi\n.RE\n",
            ".SH \"SEE ALSO\"\ntool(1), other(1)\n",
        ] {
            assert!(page.contains(part), "{part}\n---\n{page}");
        }
        assert_eq!(
            page.matches(".ds Aq").count(),
            2,
            "it is defined once, for both kinds of roff"
        );
        assert!(!page.contains("\\fB7\\fR"), "it never exits so");
    }

    #[test]
    fn a_command_is_found_by_its_words() {
        let page = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            MANUAL.page_of(program(), &words)
        };
        assert!(page(&[]).unwrap().contains(".TH tool 1"));
        assert!(page(&["copy"]).unwrap().contains(".TH tool-copy 1"));
        assert!(page(&["nothing"]).is_none() && page(&["copy", "x"]).is_none());
    }

    #[test]
    fn the_end_of_a_help_text_is_prose_and_examples() {
        for (text, prose, examples) in [
            ("", "", ""),
            ("Ends with Ctrl-C.", "Ends with Ctrl-C.", ""),
            ("Example: a b", "", "  a b"),
            ("Why.\n\nExample: a\nOr: b", "Why.", "  a\nOr: b"),
            ("Why.\n\nExamples:\n  a\n  b", "Why.", "  a\n  b"),
            ("First:\n  a\n\nThen:\n  b", "", "First:\n  a\n\nThen:\n  b"),
        ] {
            assert_eq!(split(text), (prose.to_owned(), examples.to_owned()), "{text}");
        }
    }
}

//! The session that the README shows as a picture: typed for real, so that the picture shows what the programs print.

use anyhow::Context as _;

use crate::files::{noise, write};
use crate::reader::Reader;
use crate::svg::{Line, picture};

/// Describes the picture to those who can't see it.
const TITLE: &str = "A terminal: authorizer connects a login node over ssh; node-tool copies results to Dropbox, finds nothing to do \
                     the second time, compares, and says what to type after a mistake";

/// Computers of the session.
const LAPTOP: &str = "laptop";
const NODE: &str = "login";

/// Files of the copied folder: many small ones, and a big one of this many bytes.
const SMALL_FILES: usize = 500;
const BIG_BYTES: usize = 48 << 20;

/// Plays the session and returns its picture.
///
/// # Errors
/// When a command can't be run, or this machine has no OpenSSH server.
pub fn play() -> anyhow::Result<String> {
    let reader = Reader::new()?;
    anyhow::ensure!(reader.has_ssh(), "the session needs an OpenSSH server");
    make_results(&reader)?;
    let mut lines = vec![Line::Note("# Once: connect. Nothing is pasted.".into())];
    let said = typed(
        &reader,
        LAPTOP,
        "authorizer --ssh ann@login.hpc.example.org dbx",
        &mut lines,
    )?;
    lines.extend(without_address(&said).into_iter().map(Line::Printed));
    lines.push(Line::Printed(String::new()));
    lines.push(Line::Note("# From then on, also in batch jobs:".into()));
    for line in [
        "node-tool copy results dbx:project/results",
        "node-tool copy results dbx:project/results",
        "node-tool check results dbx:project/results",
        "node-tool lsf dbx:project",
        "node-tool copy dbx:projekt .",
    ] {
        let said = typed(&reader, NODE, line, &mut lines)?;
        lines.extend(said.lines().map(|line| Line::Printed(line.to_owned())));
    }
    Ok(picture(TITLE, &lines))
}

/// Returns a picture without what differs from one play to the next: durations and rates.
pub fn without_times(picture: &str) -> String {
    let lines = picture
        .lines()
        .map(|line| match line.split_once(" already there, ") {
            Some((before, _)) => format!("{before} already there\n"),
            None => format!("{line}\n"),
        });
    lines.collect()
}

fn typed(reader: &Reader, host: &str, line: &str, lines: &mut Vec<Line>) -> anyhow::Result<String> {
    lines.push(Line::Typed {
        host: host.into(),
        line: line.into(),
    });
    reader.types(line).with_context(|| line.to_owned())
}

/// Returns the lines that a login prints, with `…` in place of the address, which is long and never the same.
fn without_address(said: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for line in said.lines().filter(|line| !line.is_empty()) {
        let is_address = line.contains("/oauth2/authorize?");
        out.push(if is_address { "…".into() } else { line.to_owned() });
    }
    out
}

fn make_results(reader: &Reader) -> anyhow::Result<()> {
    let results = reader.env.path("results");
    for index in 0..SMALL_FILES {
        let name = format!("run{:02}/{index:03}.csv", index % 20);
        write(&results.join(name), &noise(index as u64, 4000), 1_700_000_000)?;
    }
    write(&results.join("scan.raw"), &noise(42, BIG_BYTES), 1_700_000_000)
}

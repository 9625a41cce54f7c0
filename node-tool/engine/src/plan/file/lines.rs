//! The lines of a plan file: their order, and the seal at the end.

use std::io::{self, BufRead, Write};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    Group, Header, Namespace, PlanFile, PlanFileError, StepRecord, Together, Totals, VERSION, step::Action,
};
use crate::plan::{Obstacle, Plan};

/// How a line of a step begins: there may be a million of them, which are read without looking for their type first.
const STEP: &str = "{\"type\":\"step\",";

/// A line.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Line<'a> {
    Plan(&'a Header),
    Namespace(&'a Namespace),
    Group(&'a Group),
    Obstacle(&'a Obstacle),
    Step(&'a StepRecord),
    Totals(&'a Totals),
    End(&'a End),
}

/// A line that was read, other than a step.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Other {
    Plan(Box<Header>),
    Namespace(Namespace),
    Group(Group),
    Obstacle(Obstacle),
    Totals(Totals),
    End(End),
}

/// The last line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    /// Number of lines before it.
    lines: usize,
    /// SHA-256 of the bytes before it, in hexadecimal digits.
    sha256: String,
}

/// What every version begins with.
#[derive(Deserialize)]
struct Beginning {
    #[serde(rename = "type")]
    kind: String,
    version: u32,
}

/// Writes lines and adds them up.
pub(super) struct Seal<W> {
    out: W,
    digest: Sha256,
    lines: usize,
}

impl<W: Write> Seal<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            out,
            digest: Sha256::new(),
            lines: 0,
        }
    }

    pub(super) fn line(&mut self, line: &Line<'_>) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.digest.update(&text);
        self.lines += 1;
        self.out.write_all(&text)
    }

    pub(super) fn end(mut self) -> io::Result<()> {
        let end = End {
            lines: self.lines,
            sha256: HEXLOWER.encode(&self.digest.clone().finalize()),
        };
        self.line(&Line::End(&end))?;
        self.out.flush()
    }
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    header: Option<Header>,
    plan: Plan,
    together: Together,
    totals: Option<Totals>,
}

/// Reads a whole plan.
pub(super) fn read(mut input: impl BufRead) -> Result<PlanFile, PlanFileError> {
    let (mut digest, mut line, mut number) = (Sha256::new(), String::new(), 0);
    let mut reading = Reading::default();
    loop {
        line.clear();
        if let Err(error) = input.read_line(&mut line) {
            return Err(match error.kind() {
                io::ErrorKind::InvalidData if number == 0 => PlanFileError::NoPlan,
                io::ErrorKind::InvalidData => damaged(number + 1, "it is not UTF-8"),
                _ => error.into(),
            });
        }
        number += 1;
        let Some(text) = line.strip_suffix('\n') else {
            return Err(match number {
                1 if !text_begins(&line) => PlanFileError::NoPlan,
                _ => PlanFileError::Cut(number - 1),
            });
        };
        if number == 1 {
            check_beginning(text)?;
        }
        if let Some(end) = reading.take(text).map_err(|reason| damaged(number, reason))? {
            let there = End {
                lines: number - 1,
                sha256: HEXLOWER.encode(&digest.finalize()),
            };
            let mut after = String::new();
            return match end == there {
                false => Err(damaged(number, "the checksum is another")),
                true if input.read_line(&mut after)? > 0 => Err(damaged(number + 1, "it follows the end")),
                true => reading.finish(number),
            };
        }
        digest.update(line.as_bytes());
    }
}

/// Whether what there is of the first line may be the beginning of a plan.
fn text_begins(line: &str) -> bool {
    let plan = "{\"type\":\"plan\",";
    !line.is_empty() && (plan.starts_with(line) || line.starts_with(plan))
}

fn damaged(line: usize, reason: impl Into<String>) -> PlanFileError {
    let reason = reason.into();
    PlanFileError::Damaged { line, reason }
}

fn check_beginning(text: &str) -> Result<(), PlanFileError> {
    match serde_json::from_str::<Beginning>(text) {
        Ok(begin) if begin.kind != "plan" => Err(PlanFileError::NoPlan),
        Ok(begin) if begin.version != VERSION => Err(PlanFileError::OtherVersion(begin.version)),
        Ok(_) => Ok(()),
        Err(error) if text_begins(text) => Err(damaged(1, error.to_string())),
        Err(_) => Err(PlanFileError::NoPlan),
    }
}

impl Reading {
    /// Takes a line. Returns the seal, if it is that.
    fn take(&mut self, text: &str) -> Result<Option<End>, String> {
        if text.starts_with(STEP) {
            let record: StepRecord = serde_json::from_str(text).map_err(|error| error.to_string())?;
            self.take_step(record)?;
            return Ok(None);
        }
        match serde_json::from_str(text).map_err(|error| error.to_string())? {
            Other::Plan(header) => self.header = Some(*header),
            Other::Namespace(namespace) => self.together.namespaces.push(namespace),
            Other::Group(group) => self.together.groups.push(group),
            Other::Obstacle(obstacle) => self.plan.obstacles.push(obstacle),
            Other::Totals(totals) => self.totals = Some(totals),
            Other::End(end) => return Ok(Some(end)),
        }
        Ok(None)
    }

    fn take_step(&mut self, record: StepRecord) -> Result<(), String> {
        let (action, is_late) = (record.action, record.late);
        let step = record.step().ok_or("its fields don't go together")?;
        let steps = match (action, is_late) {
            (Action::Mkdir, false) => &mut self.plan.mkdirs,
            (Action::Mkdir, true) => &mut self.plan.late_mkdirs,
            (Action::Rename, _) => &mut self.plan.renames,
            (Action::Copy, false) => &mut self.plan.copies,
            (Action::Copy, true) => &mut self.plan.late_copies,
            (Action::Delete, _) => &mut self.plan.deletes,
            (Action::Rmdir, _) => &mut self.plan.rmdirs,
            (Action::DeleteSource, _) => &mut self.plan.source_deletes,
            (Action::RmdirSource, _) => &mut self.plan.source_rmdirs,
        };
        steps.push(step);
        Ok(())
    }

    fn finish(mut self, lines: usize) -> Result<PlanFile, PlanFileError> {
        let (Some(header), Some(totals)) = (self.header, self.totals) else {
            return Err(damaged(lines, "something is missing before it"));
        };
        self.plan.unchanged = totals.unchanged;
        self.plan.skipped = totals.skipped;
        if Totals::of(&self.plan) != totals {
            return Err(damaged(lines, "the totals are others"));
        }
        Ok(PlanFile {
            header,
            plan: self.plan,
            together: self.together,
        })
    }
}

//! `--combined`, `--match` and the other lists of what a check found.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Write},
};

use shared::failure::Failure;

use crate::report::{
    self,
    format::{Checked, on_one_line},
    json,
};

/// Flags for lists of what was found.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub struct OutputFlags {
    /// Write one line per file to FILE: = same, - only in DEST, + only in SOURCE, * differs, ! failed
    #[arg(long, value_name = "FILE")]
    combined: Option<String>,
    /// Write the files that are the same to FILE
    #[arg(long = "match", value_name = "FILE")]
    matching: Option<String>,
    /// Write the files that differ to FILE
    #[arg(long, value_name = "FILE")]
    differ: Option<String>,
    /// Write the files that only DEST has to FILE
    #[arg(long, value_name = "FILE")]
    missing_on_src: Option<String>,
    /// Write the files that only SOURCE has to FILE
    #[arg(long, value_name = "FILE")]
    missing_on_dst: Option<String>,
    /// Write the files that could not be compared to FILE
    #[arg(long, value_name = "FILE")]
    error: Option<String>,
}

/// The destinations of the lists.
pub(in crate::commands) struct Outputs {
    files: HashMap<&'static str, Output>,
    /// What goes to the standard output, in its order.
    shown: Vec<String>,
}

/// The destination of one list.
enum Output {
    /// `-`
    Stdout,
    File(io::BufWriter<File>),
}

impl OutputFlags {
    /// Returns whether any list is wanted.
    pub(in crate::commands) fn is_any(&self) -> bool {
        self.all().iter().any(|(_, name)| name.is_some())
    }

    /// Returns the lists by the names of their flags, each with its destination.
    fn all(&self) -> [(&'static str, Option<&String>); 6] {
        [
            ("combined", self.combined.as_ref()),
            ("match", self.matching.as_ref()),
            ("differ", self.differ.as_ref()),
            ("missing-on-src", self.missing_on_src.as_ref()),
            ("missing-on-dst", self.missing_on_dst.as_ref()),
            ("error", self.error.as_ref()),
        ]
    }
}

impl Outputs {
    /// Returns no lists but the combined one, on the standard output.
    pub(in crate::commands) fn shown() -> Self {
        Self {
            files: HashMap::from([("combined", Output::Stdout)]),
            shown: Vec::new(),
        }
    }

    /// Makes the files of the lists that are wanted.
    ///
    /// # Errors
    /// When a file can't be made.
    pub(in crate::commands) fn open(flags: &OutputFlags) -> Result<Self, Failure> {
        let mut files = HashMap::new();
        for (list, name) in flags.all() {
            let Some(name) = name else { continue };
            let open = if name == "-" {
                Output::Stdout
            } else {
                let file = File::create(name);
                let file =
                    file.map_err(|e| Failure::usage(format!("--{list}: could not write '{name}'")).why(e))?;
                Output::File(io::BufWriter::new(file))
            };
            files.insert(list, open);
        }
        Ok(Self {
            files,
            shown: Vec::new(),
        })
    }

    /// Adds a path to the lists of its outcome.
    pub(in crate::commands) fn write(&mut self, outcome: Checked, path: &str) -> Result<(), Failure> {
        let list = match outcome {
            Checked::Same => "match",
            Checked::MissingOnSource => "missing-on-src",
            Checked::MissingOnTarget => "missing-on-dst",
            Checked::Different => "differ",
            Checked::Failed => "error",
        };
        let path_line = on_one_line(path).into_owned();
        for (name, line) in [(list, path_line), ("combined", outcome.line(path))] {
            match self.files.get_mut(name) {
                None => {}
                Some(Output::Stdout) => self.shown.push(line),
                Some(Output::File(file)) => {
                    let failed = |e| Failure::new(format!("--{name}: could not write")).why(e);
                    file.write_all(&shared::raw::bytes(&line)).map_err(failed)?;
                    file.write_all(b"\n").map_err(failed)?;
                }
            }
        }
        Ok(())
    }

    /// Flushes the lists.
    pub(in crate::commands) fn finish(self) -> Result<(), Failure> {
        if !json::is_on() {
            report::results(self.shown.into_iter())?;
        }
        for (name, output) in self.files {
            if let Output::File(mut file) = output {
                let failed = |e| Failure::new(format!("--{name}: could not write")).why(e);
                file.flush().map_err(failed)?;
            }
        }
        Ok(())
    }
}

//! The table, a row as soon as it is known, and what was missed.

use std::{collections::HashMap, process::ExitCode};

use super::{
    runners::Runner,
    works::{Run, Work},
};

/// The rows so far.
pub struct Table {
    /// Seconds by work and runner.
    seconds: HashMap<(&'static str, &'static str), f64>,
    rows: Vec<String>,
    wrong: Vec<String>,
}

impl Table {
    /// Says on what machine, with which versions.
    ///
    /// # Errors
    /// When a runner can't be run.
    pub fn begin(runners: &[Runner]) -> anyhow::Result<Self> {
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = info
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
            .map_or("unknown", |(_, model)| model);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        say(&format!(
            "{cores} cores, {model}; the sandbox runs on the same machine."
        ));
        let mut versions: Vec<String> = Vec::new();
        for runner in runners {
            versions.push(runner.version()?);
        }
        versions.dedup();
        say(&format!("{}.\n", versions.join(", ")));
        Ok(Self {
            seconds: HashMap::new(),
            rows: Vec::new(),
            wrong: Vec::new(),
        })
    }

    /// Adds a run.
    pub fn row(&mut self, work: &Work, runner: &Runner, run: Run) {
        let seconds = run.cost.took.as_secs_f64();
        self.seconds.insert((work.name, runner.name), seconds);
        let of_limit = work
            .limit(run.bytes)
            .map_or_else(String::new, |limit| format!("{:.2}", seconds / limit));
        let verdict = if run.wrong.is_empty() { "right" } else { "WRONG" };
        let (calls, mebibytes) = (run.calls, run.cost.peak_bytes as f64 / f64::from(1 << 20));
        let cpu = run.cost.cpu.as_secs_f64();
        say(&format!(
            "… {}, {}: {seconds:.1} s, {calls} calls, {mebibytes:.0} MiB, {cpu:.2} s CPU, {verdict}",
            work.name, runner.name
        ));
        self.wrong.extend(
            run.wrong
                .iter()
                .take(5)
                .map(|line| format!("{}, {}: {line}", work.name, runner.name)),
        );
        self.rows.push(format!(
            "| {} | {} | {seconds:.1} | {of_limit} | RATIO {}\u{0}{} | {calls} | {:.1} | {mebibytes:.0} | {cpu:.2} | {verdict} |",
            work.name,
            runner.name,
            work.name,
            runner.name,
            run.bytes as f64 / f64::from(1 << 20),
        ));
    }

    /// Prints it.
    pub fn end(self) -> ExitCode {
        say(
            "\n| work | runner | seconds | of the link's least | ours is faster by | calls | MiB | peak MiB | CPU s | tree |",
        );
        say("|---|---|--:|--:|--:|--:|--:|--:|--:|---|");
        for row in &self.rows {
            let Some((before, rest)) = row.split_once("RATIO ") else {
                continue;
            };
            let (key, after) = rest.split_once(" |").unwrap_or((rest, ""));
            let ratio = key.split_once('\u{0}').and_then(|(work, runner)| {
                let theirs = self.find(work, runner)?;
                let ours = self.find(work, "node-tool")?;
                runner
                    .starts_with("rclone")
                    .then(|| format!("{:.1}×", theirs / ours))
            });
            say(&format!("{before}{} |{after}", ratio.unwrap_or_default()));
        }
        for line in &self.wrong {
            say(line);
        }
        if self.wrong.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    fn find(&self, work: &str, runner: &str) -> Option<f64> {
        self.seconds
            .iter()
            .find(|((w, r), _)| *w == work && *r == runner)
            .map(|(_, seconds)| *seconds)
    }
}

/// Prints a line.
#[allow(clippy::print_stdout, reason = "printing is what a race is for")]
pub fn say(line: &str) {
    println!("{line}");
}

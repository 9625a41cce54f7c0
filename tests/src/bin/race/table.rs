//! The table, a row as soon as it is known, and what was missed.

use std::process::ExitCode;

use super::{
    jobs::{Job, Run},
    runners::Runner,
};

/// The rows so far.
#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
    wrong: Vec<String>,
}

struct Row {
    job: &'static str,
    runner: &'static str,
    seconds: f64,
    /// Multiple of the least time that the network model allows.
    of_least: Option<f64>,
    /// Calls, and all that follows.
    rest: String,
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
        Ok(Self::default())
    }

    /// Adds a run.
    pub fn row(&mut self, job: &Job, runner: &Runner, run: &Run) {
        let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let seconds = run.cost.took.as_secs_f64();
        let verdict = if run.wrong.is_empty() { "right" } else { "WRONG" };
        let cells = [
            run.calls.to_string(),
            format!("{:.1}", mebibytes(run.bytes)),
            format!("{:.0}", mebibytes(run.cost.peak_bytes)),
            format!("{:.2}", run.cost.cpu.as_secs_f64()),
            verdict.to_owned(),
        ];
        say(&format!(
            "… {}, {}: {seconds:.1} s, {} calls, {} MiB at most, {} s CPU, {verdict}",
            job.name, runner.name, cells[0], cells[2], cells[3]
        ));
        let wrong = run.wrong.iter().take(5);
        self.wrong
            .extend(wrong.map(|line| format!("{}, {}: {line}", job.name, runner.name)));
        self.rows.push(Row {
            job: job.name,
            runner: runner.name,
            seconds,
            of_least: job.least_seconds(run.bytes).map(|least| seconds / least),
            rest: cells.join(" | "),
        });
    }

    /// Prints it.
    pub fn end(&self) -> ExitCode {
        say(
            "\n| job | runner | seconds | × the link's least | node-tool is faster by | calls | MiB | peak MiB | CPU s | tree |",
        );
        say("|---|---|--:|--:|--:|--:|--:|--:|--:|---|");
        for row in &self.rows {
            let ours = self
                .rows
                .iter()
                .find(|r| r.job == row.job && r.runner == "node-tool");
            let ratio = ours
                .filter(|_| row.runner.starts_with("rclone"))
                .map(|ours| format!("{:.1}×", row.seconds / ours.seconds));
            say(&format!(
                "| {} | {} | {:.1} | {} | {} | {} |",
                row.job,
                row.runner,
                row.seconds,
                row.of_least
                    .map(|least| format!("{least:.2}"))
                    .unwrap_or_default(),
                ratio.unwrap_or_default(),
                row.rest
            ));
        }
        self.wrong.iter().for_each(|line| say(line));
        ExitCode::from(u8::from(!self.wrong.is_empty()))
    }
}

/// Prints a line.
#[allow(clippy::print_stdout, reason = "printing is what a race is for")]
pub fn say(line: &str) {
    println!("{line}");
}

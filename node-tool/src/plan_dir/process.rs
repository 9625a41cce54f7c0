//! Who a worker is, and whether it still lives.

use std::{env, fs};

use engine::plan::{
    progress::{VERSION, Worker},
    shard::Part,
};

/// Whether a worker still lives, as far as can be said without looking at its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It does.
    Alive,
    /// It doesn't.
    Dead,
    /// It is on another machine.
    Unknown,
}

/// Returns what this process is as a worker.
pub(crate) fn me(part: Option<Part>) -> Worker {
    let pid = std::process::id();
    Worker {
        version: VERSION,
        host: system("/proc/sys/kernel/hostname"),
        machine: machine(),
        pid,
        began: began(pid).unwrap_or(0),
        part: part.map(|part| part.to_string()),
        job: job(|name| env::var(name).ok()),
        restarts: number("SLURM_RESTART_COUNT"),
    }
}

impl Standing {
    /// Returns whether `worker` still lives, as `own`, which does, can tell.
    pub(crate) fn of(worker: &Worker, own: &Worker) -> Self {
        // What the batch system starts again, it has ended before.
        if own.job.is_some() && own.job == worker.job && worker.restarts < own.restarts {
            return Self::Dead;
        }
        if own.machine.is_empty() || own.machine != worker.machine {
            return Self::Unknown;
        }
        match began(worker.pid) == Some(worker.began) {
            true => Self::Alive,
            false => Self::Dead,
        }
    }
}

fn system(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

fn number(variable: &str) -> u32 {
    let text = env::var(variable).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Returns what is the same for all processes that can see each other: the machine's start, and the container.
fn machine() -> String {
    let boot = system("/proc/sys/kernel/random/boot_id");
    let container = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    match boot.is_empty() {
        true => boot,
        false => format!("{boot} {}", container.display()),
    }
}

/// Returns when a process began, in clock ticks since the machine's start. `None` if there is none of this number.
fn began(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    let began = fields.nth(18)?.parse().ok()?;
    (state != "Z" && state != "X").then_some(began)
}

/// Returns the batch system's name of the job, which is the same when it is started again.
fn job(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let job = variable("SLURM_JOB_ID")?;
    let task = variable("SLURM_STEP_ID").and_then(|_| variable("SLURM_PROCID"));
    Some(match task {
        Some(task) => format!("{job}.{task}"),
        None => job,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_of_this_machine_lives_as_long_as_its_process() {
        let own = me(None);
        assert_eq!(Standing::of(&own, &own), Standing::Alive);
        let reused = Worker {
            began: own.began + 1,
            ..own.clone()
        };
        assert_eq!(Standing::of(&reused, &own), Standing::Dead);
        let gone = Worker {
            pid: u32::MAX,
            ..own.clone()
        };
        assert_eq!(Standing::of(&gone, &own), Standing::Dead);
        let elsewhere = Worker {
            machine: "another".into(),
            ..own.clone()
        };
        assert_eq!(Standing::of(&elsewhere, &own), Standing::Unknown);
        let again = Worker {
            job: Some("7".into()),
            restarts: 1,
            ..own
        };
        let before = Worker {
            job: Some("7".into()),
            ..elsewhere
        };
        assert_eq!(Standing::of(&before, &again), Standing::Dead);
        assert_eq!(Standing::of(&again, &before), Standing::Unknown);
    }

    #[test]
    fn tasks_of_one_job_are_different_workers() {
        let variables = |all: &'static [(&str, &str)]| {
            move |name: &str| {
                all.iter()
                    .find(|(known, _)| *known == name)
                    .map(|(_, text)| (*text).to_owned())
            }
        };
        assert_eq!(job(variables(&[])), None);
        assert_eq!(
            job(variables(&[("SLURM_JOB_ID", "7"), ("SLURM_PROCID", "0")])).as_deref(),
            Some("7")
        );
        let step = [
            ("SLURM_JOB_ID", "7"),
            ("SLURM_STEP_ID", "0"),
            ("SLURM_PROCID", "2"),
        ];
        let job = job(|name| {
            step.iter()
                .find(|(known, _)| *known == name)
                .map(|(_, text)| (*text).to_owned())
        });
        assert_eq!(job.as_deref(), Some("7.2"));
    }
}

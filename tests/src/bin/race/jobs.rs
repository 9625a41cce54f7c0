//! What is raced, and how the result is checked.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};
use sandbox::{NetworkModel, Sandbox};
use tests::{
    files::{differences, snapshot},
    test_env::{TestEnv, text},
};

use super::runners::{Cost, Runner};

/// A job.
pub struct Job {
    /// Its name in the table.
    pub name: &'static str,
    /// Which way.
    way: Way,
    /// Files, folders that they are in, bytes of each.
    tree: (usize, usize, usize),
    /// How many folders are around each of these.
    depth: usize,
    /// Number of processes that do it at the same time, each a part of the folders.
    tasks: usize,
    network: fn() -> NetworkModel,
    /// Most bytes of request headers.
    header_limit: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Up,
    Down,
    Size,
    /// How much is in each folder.
    Usage,
    Again,
    /// A sync of what was the same before.
    Same,
    /// One file up, which comes as a stream.
    Stream,
}

/// What a run of a job has shown.
pub struct Run {
    /// What it cost.
    pub cost: Cost,
    /// Calls that the sandbox counted.
    pub calls: usize,
    /// Bytes of content.
    pub bytes: u64,
    /// What is wrong with the result.
    pub wrong: Vec<String>,
}

const fn job(name: &'static str, way: Way, files: usize, folders: usize, bytes: usize) -> Job {
    Job {
        name,
        way,
        tree: (files, folders, bytes),
        depth: 1,
        tasks: 1,
        network: NetworkModel::campus,
        header_limit: 60 * 1024,
    }
}

const MIB: usize = 1 << 20;

/// A campus network, and a Dropbox that refuses commits to one namespace that overlap.
fn refusing() -> NetworkModel {
    NetworkModel {
        commit_lock_timeout: 0,
        ..NetworkModel::campus()
    }
}

/// A campus network, and a Dropbox that takes 30 calls a minute.
fn rationed() -> NetworkModel {
    NetworkModel {
        calls_per_minute: Some(30),
        ..refusing()
    }
}

/// Everything that is raced.
pub const JOBS: &[Job] = &[
    job("2,000 × 10 kB up", Way::Up, 2000, 20, 10_000),
    Job {
        header_limit: 8 * 1024,
        ..job("2,000 × 10 kB up, 8 KiB header", Way::Up, 2000, 20, 10_000)
    },
    job("1 GiB up", Way::Up, 1, 1, 1024 * MIB),
    job("2,000 × 10 kB down", Way::Down, 2000, 20, 10_000),
    job("1 GiB down", Way::Down, 1, 1, 1024 * MIB),
    job(
        "size of 50,000 files in 2,500 folders",
        Way::Size,
        50_000,
        2500,
        1,
    ),
    Job {
        network: NetworkModel::default,
        ..job(
            "size of 1,000,000 files in 20,000 folders, loopback speed",
            Way::Size,
            1_000_000,
            20_000,
            1,
        )
    },
    Job {
        depth: 2,
        ..job(
            "size of 1,000,000 files in 20,000 folders in 20 of 20",
            Way::Size,
            1_000_000,
            20_000,
            1,
        )
    },
    job(
        "size of 1,000,000 files in 20,000 folders in 400",
        Way::Size,
        1_000_000,
        20_000,
        1,
    ),
    job(
        "sync again, 20,000 files in 1,000 folders",
        Way::Again,
        20_000,
        1000,
        100,
    ),
    Job {
        network: NetworkModel::default,
        ..job(
            "du of 1,000,000 files in 20,000 folders, loopback speed",
            Way::Usage,
            1_000_000,
            20_000,
            1,
        )
    },
    Job {
        network: NetworkModel::default,
        ..job(
            "sync of 1,000,000 files in 20,000 folders, nothing changed, loopback speed",
            Way::Same,
            1_000_000,
            20_000,
            1,
        )
    },
    job("1 GiB up as a stream", Way::Stream, 1, 1, 1024 * MIB),
    Job {
        network: NetworkModel::default,
        ..job(
            "1 GiB up as a stream, loopback speed",
            Way::Stream,
            1,
            1,
            1024 * MIB,
        )
    },
    job("200 × 8 MiB up", Way::Up, 200, 10, 8 * MIB),
    job("200 × 8 MiB down", Way::Down, 200, 10, 8 * MIB),
    Job {
        network: NetworkModel::default,
        ..job("1 GiB up, loopback speed", Way::Up, 1, 1, 1024 * MIB)
    },
    Job {
        network: NetworkModel::default,
        ..job("1 GiB down, loopback speed", Way::Down, 1, 1, 1024 * MIB)
    },
    Job {
        network: refusing,
        ..job("3,200 × 10 kB up, 1 process", Way::Up, 3200, 16, 10_000)
    },
    Job {
        network: refusing,
        tasks: 16,
        ..job("3,200 × 10 kB up, 16 processes", Way::Up, 3200, 16, 10_000)
    },
    Job {
        network: rationed,
        tasks: 16,
        ..job(
            "320 × 10 kB up, 16 processes, 30 calls a minute",
            Way::Up,
            320,
            16,
            10_000,
        )
    },
];

impl Job {
    /// Whether it means something for a runner.
    pub fn takes(&self, runner: &Runner) -> bool {
        match runner.name {
            "without zip" => self.way == Way::Down && self.tree.0 > 1000,
            "one cursor" => self.way == Way::Size && self.tree.0 == 1_000_000 && (self.network)().listing > 0,
            // A header limit means nothing to it, the million is about our memory, and so few calls would take it hours.
            "rclone tuned" | "rclone default" => {
                let is_rationed = (self.network)().calls_per_minute.is_some();
                self.header_limit > 8 * 1024 && self.tree.0 < 1_000_000 && !is_rationed
            }
            _ => true,
        }
    }

    /// Returns the least time in seconds that the network model allows; `None` if the rate of the link is not what limits.
    pub fn least_seconds(&self, bytes: u64) -> Option<f64> {
        let rate = (self.network)().total_rate?;
        (self.tree.2 >= MIB).then_some(bytes as f64 / rate as f64)
    }

    /// Plays it.
    ///
    /// # Errors
    /// When a runner fails.
    pub fn play(&self, runner: &Runner, small: bool, verbose: bool) -> anyhow::Result<Run> {
        let (mut files, mut folders, mut bytes) = self.tree;
        if small {
            match files {
                1 => bytes /= 10,
                _ => (files, folders) = (files.div_ceil(10), folders.div_ceil(10)),
            }
        }
        let tls = tempfile::TempDir::new()?;
        let builder = Sandbox::builder()
            .tls(tls.path(), "127.0.0.1:443".parse()?)
            .even_pages()
            .header_limit(self.header_limit);
        let env = TestEnv::with(builder)?;
        runner.connect(&env)?;
        let (from, back) = (env.path("from"), env.path("back"));
        let folder = |number: usize| match self.depth {
            1 => folder(number),
            _ => format!("g{:02}/{}", number / 1000, folder(number)),
        };
        let names = (0..files).map(|number| format!("{}/file {number:05}.dat", folder(number % folders)));
        let is_there = matches!(self.way, Way::Size | Way::Usage);
        let paths = tree(&from, names, bytes, !is_there)?;
        if !matches!(self.way, Way::Up | Way::Stream | Way::Again) {
            fill(&env.sandbox, &from, &paths)?;
        }
        env.sandbox.set_network((self.network)());
        let ca = tls.path().join("ca.pem");
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let command = match self.way {
            Way::Up => words(&["copy", &text(&from), "dbx:to"]),
            Way::Down => words(&["copy", "dbx:to", &text(&back)]),
            Way::Size => words(&["size", "dbx:to", "--json"]),
            Way::Usage => words(&["du", "dbx:to", "--json"]),
            Way::Again | Way::Same => words(&["sync", &text(&from), "dbx:to"]),
            Way::Stream => words(&["rcat", &format!("dbx:to/{}", paths[0])]),
        };
        let input = (self.way == Way::Stream).then(|| from.join(&paths[0]));
        let commands = match self.tasks.min(folders) {
            1 => vec![command],
            tasks => (0..tasks)
                .map(|task| {
                    let part = folder(task);
                    words(&["copy", &text(&from.join(&part)), &format!("dbx:to/{part}")])
                })
                .collect(),
        };
        if self.way == Way::Again {
            runner.run(&env, &ca, (&commands, None), verbose)?;
        }
        env.sandbox.reset_calls();
        let cost = runner.run(&env, &ca, (&commands, input.as_deref()), verbose)?;
        let calls = env.sandbox.calls().len();
        // For those who want to know where the time goes.
        if let Some(path) = std::env::var_os("RACE_CALLS") {
            let file = PathBuf::from(path).join(self.name).with_extension("json");
            std::fs::write(file, serde_json::to_string(&env.sandbox.calls())?)?;
        }
        env.sandbox.set_network(NetworkModel::default());
        let mut wrong = match self.way {
            Way::Up | Way::Again | Way::Same | Way::Stream => same_up(&env, &from)?,
            Way::Usage => {
                let said: serde_json::Value = serde_json::from_str(&cost.out)?;
                let all = said.as_array().and_then(|lines| lines.last());
                let right = all.is_some_and(|all| all["bytes"] == files);
                (!right).then(|| format!("it said {all:?}")).into_iter().collect()
            }
            Way::Down => differences(&from, &back)?,
            Way::Size => {
                let said: serde_json::Value = serde_json::from_str(&cost.out)?;
                let right = said["count"] == files && said["bytes"] == files;
                (!right).then(|| format!("it said {said}")).into_iter().collect()
            }
        };
        wrong.splice(0..0, cost.failed.iter().cloned());
        Ok(Run {
            cost,
            calls,
            bytes: (files * bytes) as u64,
            wrong,
        })
    }
}

/// Returns the path of a folder.
fn folder(number: usize) -> String {
    format!("f{:02}/d{number:04}", number / 50)
}

/// Makes files; only their names if they are not wanted.
fn tree(
    root: &Path,
    names: impl Iterator<Item = String>,
    bytes: usize,
    wanted: bool,
) -> anyhow::Result<Vec<String>> {
    let mut random = SmallRng::seed_from_u64(7);
    let mut buffer = vec![0; bytes];
    let mut paths = Vec::new();
    for (number, path) in names.enumerate() {
        if wanted {
            random.fill(&mut buffer[..]);
            tests::files::write(&root.join(&path), &buffer, 1_700_000_000 + number as u64)?;
        }
        paths.push(path);
    }
    Ok(paths)
}

/// Puts the files into the Dropbox, without anybody's help.
fn fill(sandbox: &Sandbox, from: &Path, paths: &[String]) -> anyhow::Result<()> {
    for (number, path) in paths.iter().enumerate() {
        let bytes = match std::fs::read(from.join(path)) {
            Ok(bytes) => bytes,
            Err(_) => vec![7],
        };
        let time = jiff::Timestamp::from_second(1_700_000_000 + number as i64)?.to_string();
        sandbox.put_file(&format!("/to/{path}"), &bytes, Some(&time))?;
    }
    Ok(())
}

/// What differs between a folder here and `/to` there.
fn same_up(env: &TestEnv, from: &Path) -> anyhow::Result<Vec<String>> {
    let there: std::collections::HashMap<String, String> = env
        .sandbox
        .tree()
        .into_iter()
        .filter(|stored| !stored.is_folder)
        .map(|stored| (stored.path, stored.content_hash))
        .collect();
    let here: Vec<PathBuf> = snapshot(from)?.keys().map(PathBuf::from).collect();
    let mut wrong = Vec::new();
    for path in &here {
        let hash = hash(&from.join(path)).with_context(|| text(path))?;
        if there.get(&format!("/to/{}", path.display())) != Some(&hash) {
            wrong.push(format!("{} differs", path.display()));
        }
    }
    if there.len() != here.len() {
        wrong.push(format!("{} files here, {} there", here.len(), there.len()));
    }
    Ok(wrong)
}

fn hash(path: &Path) -> anyhow::Result<String> {
    let mut hasher = shared::content_hash::Hasher::new();
    let mut file = std::fs::File::open(path)?;
    let mut buffer = vec![0; MIB];
    loop {
        match std::io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok(hasher.finish().to_string()),
            count => hasher.update(&buffer[..count]),
        }
    }
}

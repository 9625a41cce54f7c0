//! A real Slurm of one node, without systemd: munged, slurmctld and slurmd on loopback, all that they keep in a folder of the test.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::test_env::{Output, TestEnv, run};

/// What has to be installed: Debian has it in slurmctld, slurmd, slurm-client and munge.
const PROGRAMS: [&str; 7] = [
    "munged",
    "slurmctld",
    "slurmd",
    "sbatch",
    "squeue",
    "scancel",
    "scontrol",
];

/// A cluster; its daemons and jobs end when it is dropped.
pub struct Slurm {
    dir: PathBuf,
}

/// Returns why there can't be a cluster here. `None` means that there can.
pub fn missing() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("slurmd has to be started as root".into());
    }
    if !has_address() {
        return Some("Slurm needs a network address that isn't loopback's".into());
    }
    let is_there = |name: &&str| {
        ["/usr/sbin", "/usr/bin", "/usr/local/bin"]
            .iter()
            .any(|dir| Path::new(dir).join(name).exists())
    };
    let missing: Vec<&str> = PROGRAMS.into_iter().filter(|name| !is_there(name)).collect();
    match missing.is_empty() {
        true => None,
        false => Some(format!("{} are not installed", missing.join(", "))),
    }
}

/// Whether there is an address besides loopback's: without one, the system's resolver gives Slurm none to listen at.
fn has_address() -> bool {
    let table = fs::read_to_string("/proc/net/fib_trie").unwrap_or_default();
    let lines: Vec<&str> = table.lines().map(str::trim).collect();
    let is_local = |pair: &[&str]| pair[1] == "/32 host LOCAL" && !pair[0].contains("127.");
    lines.windows(2).any(is_local)
}

impl Slurm {
    /// Starts a cluster whose folder is in the environment's.
    ///
    /// # Errors
    /// When a daemon doesn't start.
    pub fn start(env: &TestEnv) -> anyhow::Result<Self> {
        let slurm = Self {
            dir: env.path("slurm"),
        };
        for folder in ["ctld", "d", "log", "run"] {
            fs::create_dir_all(slurm.dir.join(folder))?;
        }
        // munged refuses sockets that others couldn't reach.
        for folder in [env.path(""), slurm.dir.clone(), slurm.dir.join("run")] {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
        }
        let host = fs::read_to_string("/proc/sys/kernel/hostname")?;
        let host = host.trim().split('.').next().unwrap_or_default().to_owned();
        slurm.configure(&host)?;
        slurm.daemons(&host)?;
        let began = Instant::now();
        while slurm.type_line(env, "sinfo -h -o %t")?.out.trim() != "idle" {
            anyhow::ensure!(
                began.elapsed() < Duration::from_secs(60),
                "the node isn't idle: {}",
                slurm.logs()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(slurm)
    }

    fn configure(&self, host: &str) -> anyhow::Result<()> {
        let (first, second) = (free_port()?, free_port()?);
        let dir = self.dir.display();
        let conf = format!(
            "ClusterName=test\n\
             SlurmctldHost={host}(127.0.0.1)\n\
             SlurmctldPort={first}\n\
             SlurmdPort={second}\n\
             SlurmUser=root\n\
             SlurmdUser=root\n\
             AuthType=auth/munge\n\
             CredType=cred/munge\n\
             AuthInfo=socket={dir}/run/munge\n\
             StateSaveLocation={dir}/ctld\n\
             SlurmdSpoolDir={dir}/d\n\
             SlurmctldPidFile={dir}/run/slurmctld.pid\n\
             SlurmdPidFile={dir}/run/slurmd.pid\n\
             SlurmctldLogFile={dir}/log/slurmctld\n\
             SlurmdLogFile={dir}/log/slurmd\n\
             SlurmdParameters=config_overrides\n\
             ProctrackType=proctrack/linuxproc\n\
             TaskPlugin=task/none\n\
             JobAcctGatherType=jobacct_gather/none\n\
             AccountingStorageType=accounting_storage/none\n\
             SelectType=select/cons_tres\n\
             SelectTypeParameters=CR_CPU\n\
             SchedulerParameters=sched_interval=1,batch_sched_delay=0\n\
             MpiDefault=none\n\
             SwitchType=switch/none\n\
             ReturnToService=2\n\
             JobRequeue=1\n\
             KillWait=5\n\
             MinJobAge=300\n\
             PropagateResourceLimits=NONE\n\
             NodeName={host} NodeAddr=127.0.0.1 CPUs=16 RealMemory=1000 TmpDisk=100 State=UNKNOWN\n\
             PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO\n"
        );
        fs::write(self.conf(), conf)?;
        let key = self.dir.join("run/munge.key");
        fs::write(&key, crate::files::noise(1, 128))?;
        fs::set_permissions(key, fs::Permissions::from_mode(0o600))?;
        Ok(())
    }

    fn daemons(&self, host: &str) -> anyhow::Result<()> {
        let dir = self.dir.display();
        let munged = format!(
            "munged --force --key-file={dir}/run/munge.key --socket={dir}/run/munge --pid-file={dir}/run/munged.pid \
             --log-file={dir}/log/munged --seed-file={dir}/run/munge.seed"
        );
        let conf = self.conf();
        let conf = conf.display();
        for line in [
            munged,
            format!("slurmctld -c -f {conf}"),
            format!("slurmd -c -f {conf} -N {host}"),
        ] {
            let mut command = Command::new("/bin/sh");
            command
                .args(["-c", &line])
                .env("PATH", path())
                .env("SLURM_CONF", self.conf())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            // The daemons keep what they got: a pipe would stay open.
            let status = command.status().with_context(|| line.clone())?;
            anyhow::ensure!(status.success(), "{line}: {status}; {}", self.logs());
        }
        Ok(())
    }

    fn conf(&self) -> PathBuf {
        self.dir.join("slurm.conf")
    }

    /// Returns the last lines of the daemons' logs, for error messages.
    pub fn logs(&self) -> String {
        let tail = |name: &str| {
            let text = fs::read_to_string(self.dir.join("log").join(name)).unwrap_or_default();
            let lines: Vec<&str> = text.lines().rev().take(15).collect();
            format!(
                "{name}:\n{}\n",
                lines.into_iter().rev().collect::<Vec<_>>().join("\n")
            )
        };
        ["slurmctld", "slurmd", "munged"].map(tail).concat()
    }

    /// Types a line in a shell of the environment, with node-tool and Slurm's commands in its path.
    ///
    /// # Errors
    /// When the shell can't be run.
    pub fn type_line(&self, env: &TestEnv, line: &str) -> anyhow::Result<Output> {
        let mut command = Command::new("bash");
        env.isolate(&mut command);
        let programs = crate::programs::program("node-tool")?;
        let programs = programs.parent().context("no directory")?;
        command
            .env("PATH", format!("{}:{}", programs.display(), path()))
            .env("SLURM_CONF", self.conf())
            .args(["-c", line]);
        run(command, "")
    }

    /// Waits until no job waits or runs.
    ///
    /// # Errors
    /// After five minutes.
    pub fn wait_for_jobs(&self, env: &TestEnv) -> anyhow::Result<()> {
        let began = Instant::now();
        while !self.type_line(env, "squeue -h")?.ok()?.trim().is_empty() {
            let queue = || {
                self.type_line(env, "squeue")
                    .map(|end| end.out)
                    .unwrap_or_default()
            };
            anyhow::ensure!(
                began.elapsed() < Duration::from_secs(300),
                "{}\n{}",
                queue(),
                self.logs()
            );
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        for name in ["slurmd", "slurmctld", "munged"] {
            let pid = fs::read_to_string(self.dir.join("run").join(name).with_extension("pid"));
            let pid = pid
                .ok()
                .and_then(|text| text.trim().parse().ok())
                .and_then(Pid::from_raw);
            let Some(pid) = pid else { continue };
            let _ = kill_process(pid, Signal::TERM); // it may be gone
            for _ in 0..100 {
                if test_kill_process(pid).is_err() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

fn path() -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    format!("{path}:/usr/sbin:/usr/bin:/sbin:/bin")
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

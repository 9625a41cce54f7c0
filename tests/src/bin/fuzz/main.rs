//! The fuzzer: random small rounds of node-tool beside rclone, on the strict Dropbox at the real host names, each with a copy of its
//! own of the same trees. What differs and isn't in [`known`] is shrunk and shown as a line that repeats it; and so is
//! what breaks a rule of ours: a second run moves nothing, the dry run is the run, a killed move loses nothing, nothing
//! is deleted that the source has.

mod case;
mod known;
mod make;
mod play;
mod shrink;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    path::PathBuf,
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use clap::Parser;
use rand::{SeedableRng as _, rngs::StdRng};
use tests::private_hosts::{Network, enter, rclone};

use case::Case;
use play::{Complaint, Ground};

/// Run random verbs on random trees with node-tool and rclone, and compare what they leave
#[derive(Parser)]
struct Args {
    /// Number of rounds
    #[arg(long, default_value_t = 100)]
    rounds: u64,
    /// Seed of the first round; each round has the next number [default: the time]
    #[arg(long)]
    seed: Option<u64>,
    /// Play this round alone, as an earlier run has shown it
    #[arg(long, value_name = "JSON")]
    case: Option<String>,
    /// Stop after so many rounds that went wrong
    #[arg(long, default_value_t = 3)]
    most: u64,
    /// rclone; by default $RCLONE, or the one of tests/peers
    #[arg(long, value_name = "PATH")]
    rclone: Option<PathBuf>,
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    enter(Network::Loopback)?;
    let tls = tempfile::TempDir::new()?;
    let mut ground = Ground::new(rclone(args.rclone.as_deref())?, tls.path())?;
    if let Some(json) = &args.case {
        let case: Case = serde_json::from_str(json).context("--case")?;
        let complaints = ground.play(&case)?;
        for complaint in &complaints {
            say(&format!(
                "{complaint:#?}\n  {}",
                known::why(&case, complaint).unwrap_or("not known")
            ))?;
        }
        return Ok(ExitCode::from(u8::from(
            complaints.iter().any(|it| known::why(&case, it).is_none()),
        )));
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let first = args.seed.unwrap_or(now);
    let (mut wrong, mut seen) = (0, Seen::new());
    for seed in first..first + args.rounds {
        let case = make::case(&mut StdRng::seed_from_u64(seed));
        let Some(complaint) = unknown(&mut ground, &case, &mut seen)? else {
            continue;
        };
        wrong += 1;
        let small = shrink::shrink(case, |case| {
            Ok(unknown(&mut ground, case, &mut Seen::new())?.is_some_and(|other| other.is_like(&complaint)))
        })?;
        let complaint = unknown(&mut ground, &small, &mut Seen::new())?.unwrap_or(complaint);
        say(&format!(
            "seed {seed}: {:?} {:?} {:?}\n{complaint:#?}\nto repeat it: --case '{}'\n",
            small.verb,
            small.way,
            small.words(),
            serde_json::to_string(&small)?.replace('\'', r"'\''")
        ))?;
        if wrong == args.most {
            break;
        }
    }
    for (why, rounds) in seen {
        say(&format!("{rounds:4} differ since {why}"))?;
    }
    say(&format!(
        "{} rounds from seed {first}: {wrong} went wrong",
        args.rounds
    ))?;
    Ok(ExitCode::from(u8::from(wrong > 0)))
}

/// How many rounds each known difference explains.
type Seen = BTreeMap<&'static str, u64>;

/// The first thing that is wrong with a round and isn't known.
fn unknown(ground: &mut Ground, case: &Case, seen: &mut Seen) -> anyhow::Result<Option<Complaint>> {
    let complaints = ground.play(case).with_context(|| format!("{case:?}"))?;
    let whys: BTreeSet<&str> = complaints.iter().filter_map(|it| known::why(case, it)).collect();
    for why in whys {
        *seen.entry(why).or_default() += 1;
    }
    Ok(complaints
        .into_iter()
        .find(|complaint| known::why(case, complaint).is_none()))
}

fn say(text: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{text}")
}

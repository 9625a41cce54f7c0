//! Plays a round with both programs, each on a copy of its own of the same two trees, and compares what they leave.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use tests::{
    programs::program,
    test_env::{Output, TestEnv, run},
};
use unicode_normalization::UnicodeNormalization as _;

use super::case::{Case, Node, Tree, Verb, Way};

/// What is left: contents and times of files; folders have neither.
type Left = BTreeMap<String, Option<(String, i64)>>;

/// What is wrong with a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Complaint {
    /// The trees differ.
    Tree {
        /// Source, target or backup.
        place: &'static str,
        /// Nothing but times of files.
        is_only_time: bool,
        /// Nothing but folders that hold no file.
        is_only_folders: bool,
        /// What, in words.
        what: Vec<String>,
        /// What both said.
        said: Vec<String>,
    },
    /// The exit codes differ.
    Exit {
        theirs: i32,
        ours: i32,
        /// What both said.
        said: Vec<String>,
    },
    /// What is printed differs.
    Printed { theirs: String, ours: String },
    /// Something that always has to hold doesn't.
    Broken { what: String },
}

impl Complaint {
    /// Whether one of both said this.
    pub fn said(&self, words: &str) -> bool {
        match self {
            Self::Tree { said, .. } | Self::Exit { said, .. } => said.iter().any(|line| line.contains(words)),
            Self::Printed { .. } | Self::Broken { .. } => false,
        }
    }

    /// Whether both are of one kind.
    pub fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// Who plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Player {
    Theirs,
    Ours,
}

impl Player {
    fn name(self) -> &'static str {
        match self {
            Self::Theirs => "theirs",
            Self::Ours => "ours",
        }
    }
}

/// Where rounds are played.
pub struct Ground {
    env: TestEnv,
    rclone: PathBuf,
    ca: PathBuf,
    round: u64,
}

impl Ground {
    /// A sandbox at the real host names that both programs are connected to.
    ///
    /// # Errors
    /// When it can't be had.
    pub fn new(rclone: PathBuf, tls: &Path) -> anyhow::Result<Self> {
        let builder = sandbox::Sandbox::builder().tls(tls, "127.0.0.1:443".parse()?);
        let env = TestEnv::with(builder)?;
        env.connect("dbx")?;
        let sandbox = &env.sandbox;
        let tokens = sandbox.grant(sandbox.app_key(), None, true)?;
        let token = serde_json::json!({
            "access_token": tokens.access_token,
            "token_type": "bearer",
            "refresh_token": tokens.refresh_token,
            "expiry": "2099-01-01T00:00:00Z",
        });
        let config = env.home().join(".config/rclone/rclone.conf");
        fs::create_dir_all(config.parent().context("no parent")?)?;
        let (key, secret) = (sandbox.app_key(), sandbox.app_secret());
        fs::write(
            config,
            format!("[dbx]\ntype = dropbox\nclient_id = {key}\nclient_secret = {secret}\ntoken = {token}\n"),
        )?;
        let ca = tls.join("ca.pem");
        Ok(Self {
            env,
            rclone,
            ca,
            round: 0,
        })
    }

    /// Plays a round; gives what is wrong with it.
    ///
    /// # Errors
    /// When it can't be played.
    pub fn play(&mut self, case: &Case) -> anyhow::Result<Vec<Complaint>> {
        self.round += 1;
        fs::create_dir(self.env.path(&format!("r{}", self.round)))?;
        self.env.sandbox.put_folder(&format!("/r{}", self.round))?;
        let complaints = self.compare(case);
        fs::remove_dir_all(self.env.path(&format!("r{}", self.round)))?;
        self.env.sandbox.remove(&format!("/r{}", self.round))?;
        complaints
    }

    fn compare(&self, case: &Case) -> anyhow::Result<Vec<Complaint>> {
        let mut complaints = Vec::new();
        self.set_up(case, Player::Ours)?;
        let before = self.left(case, Player::Ours)?;
        if case.verb == Verb::KilledMove {
            self.kill(case, &before, &mut complaints)?;
            return Ok(complaints);
        }
        self.set_up(case, Player::Theirs)?;
        let theirs = self.run(case, Player::Theirs, &[])?;
        let planned = self.dry_run(case, &before, &mut complaints)?;
        let ours = self.run(case, Player::Ours, &[])?;
        let said: Vec<String> = [&theirs.err, &ours.err]
            .iter()
            .flat_map(|err| err.lines().take(8))
            .map(str::to_owned)
            .collect();
        if theirs.code != ours.code {
            complaints.push(Complaint::Exit {
                theirs: theirs.code,
                ours: ours.code,
                said: said.clone(),
            });
        }
        // rclone prints in the order in which its workers come to it, we by path.
        let printed = |out: &str| match case.verb {
            Verb::Tree => out.to_owned(),
            Verb::Cat => sorted(out.chars().map(String::from)).concat(),
            _ => sorted(out.lines().map(str::to_owned)).join("\n"),
        };
        if !case.verb.transfers() && printed(&theirs.out) != printed(&ours.out) {
            complaints.push(Complaint::Printed {
                theirs: theirs.out,
                ours: ours.out.clone(),
            });
        }
        let (left_theirs, left_ours) = (self.left(case, Player::Theirs)?, self.left(case, Player::Ours)?);
        for (place, ours) in &left_ours {
            complaints.extend(differ(place, &left_theirs[place], ours, &said));
        }
        if let Some(planned) = planned.filter(|_| ours.code == 0) {
            let files: Vec<&String> = left_ours["target"]
                .iter()
                .filter(|(_, node)| node.is_some())
                .map(|(path, _)| path)
                .collect();
            if planned.iter().collect::<Vec<_>>() != files {
                complaints.push(broken(format!(
                    "the dry run is not the run: it foresaw {planned:?}, and there is {files:?}"
                )));
            }
        }
        hold(case, &before, &left_ours, &mut complaints);
        if case.verb == Verb::Copy && case.way == Way::Up && case.flags.is_empty() && case.target.is_none() {
            self.round_trip(case, &before["source"], &mut complaints)?;
        }
        if matches!(case.verb, Verb::Copy | Verb::Sync) && ours.code == 0 {
            let again = self.run(case, Player::Ours, &[])?;
            let after = self.left(case, Player::Ours)?;
            let moved = !again.err.contains("0 files copied") && !again.err.contains(" 0 files ");
            if !case.has("--ignore-times") && (again.code != 0 || after != left_ours || moved) {
                complaints.push(broken(format!(
                    "a second run isn't idle: exit code {}, {}",
                    again.code,
                    again.err.trim()
                )));
            }
        }
        Ok(complaints)
    }

    /// What went up comes down as it was.
    fn round_trip(&self, case: &Case, source: &Left, complaints: &mut Vec<Complaint>) -> anyhow::Result<()> {
        let down = self.place(case, "target", Player::Ours);
        let back = format!("r{}/back", self.round);
        let mut command = self.program(Player::Ours)?;
        command.args(["copy", &down, &back]);
        let end = run(command, "")?;
        let mut left = Left::new();
        if self.env.path(&back).exists() {
            walk(&self.env.path(&back), "", &mut left)?;
        }
        let files = |tree: &Left| -> Left {
            let files = tree.iter().filter(|(_, node)| node.is_some());
            files.map(|(path, node)| (path.clone(), node.clone())).collect()
        };
        // Nothing goes up, so that nothing is there.
        let is_empty = files(source).is_empty();
        if !is_empty && (end.code != 0 || files(source) != files(&left)) {
            complaints.push(broken(format!(
                "up and down isn't identity: {:?} became {:?}; {}",
                files(source),
                files(&left),
                end.err.trim()
            )));
        }
        Ok(())
    }

    /// Kills a move, and repeats it: nothing is lost at any time, and in the end all is there.
    fn kill(
        &self,
        case: &Case,
        before: &BTreeMap<&'static str, Left>,
        complaints: &mut Vec<Complaint>,
    ) -> anyhow::Result<()> {
        let mut child = self
            .command(case, Player::Ours, &[])?
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        std::thread::sleep(Duration::from_millis(case.after_ms));
        child.kill()?;
        child.wait()?;
        for moment in ["killed", "repeated"] {
            let left = self.left(case, Player::Ours)?;
            for (path, node) in &before["source"] {
                let Some((text, _)) = node else { continue };
                let is_there = |place: &str| left[place].values().flatten().any(|(other, _)| other == text);
                if !is_there("source") && !is_there("target") {
                    complaints.push(broken(format!("{moment}: '{path}' is in neither place")));
                }
            }
            if moment == "killed" {
                self.run(case, Player::Ours, &[])?;
            }
        }
        Ok(())
    }

    /// The files that the target will have, as a dry run foresees them, which changes nothing itself.
    fn dry_run(
        &self,
        case: &Case,
        before: &BTreeMap<&'static str, Left>,
        complaints: &mut Vec<Complaint>,
    ) -> anyhow::Result<Option<Vec<String>>> {
        if !case.verb.transfers() || case.has("--suffix") {
            return Ok(None);
        }
        let dry = self.run(case, Player::Ours, &["--dry-run", "--json"])?;
        if self.left(case, Player::Ours)? != *before {
            complaints.push(broken("a dry run changes something".into()));
        }
        let mut files: std::collections::BTreeSet<String> = before["target"]
            .iter()
            .filter(|(_, node)| node.is_some())
            .map(|(path, _)| path.clone())
            .collect();
        for line in dry.out.lines() {
            let step: serde_json::Value =
                serde_json::from_str(line).with_context(|| format!("a step: {line}"))?;
            let text = |field: &str| step[field].as_str().unwrap_or_default().nfc().collect::<String>();
            match step["action"].as_str() {
                Some("copy") => drop(files.insert(text("to"))),
                Some("rename") => {
                    files.remove(&text("path"));
                    files.insert(text("to"));
                }
                Some("delete") => drop(files.remove(&text("path"))),
                _ => {}
            }
        }
        Ok((dry.code == 0).then(|| files.into_iter().collect()))
    }

    fn run(&self, case: &Case, player: Player, more: &[&str]) -> anyhow::Result<Output> {
        run(self.command(case, player, more)?, "")
    }

    fn program(&self, player: Player) -> anyhow::Result<Command> {
        let mut command = match player {
            Player::Theirs => Command::new(&self.rclone),
            Player::Ours => Command::new(program("node-tool")?),
        };
        self.env.isolate(&mut command);
        command.env_remove("DROPBOX_URL").env("SSL_CERT_FILE", &self.ca);
        Ok(command)
    }

    fn command(&self, case: &Case, player: Player, more: &[&str]) -> anyhow::Result<Command> {
        let mut command = self.program(player)?;
        command.arg(case.verb.word());
        match (case.verb, player) {
            (Verb::Lsf, _) => drop(command.args(["-R", "--format", "ps"])),
            (Verb::Hashsum, _) => drop(command.arg("dropbox")),
            (Verb::Check, _) => drop(command.args(["--combined", "-"])),
            _ => {}
        }
        if player == Player::Theirs {
            command.args([
                "--retries",
                "1",
                "--low-level-retries",
                "1",
                "--dropbox-batch-mode",
                "off",
                "--dropbox-pacer-min-sleep",
                "1ms",
            ]);
        }
        for words in &case.flags {
            let backup = self.place(case, "backup", player);
            command.args(
                words
                    .iter()
                    .map(|word| if word == "BACKUP" { &backup } else { word }),
            );
        }
        command.args(more).arg(self.place(case, "source", player));
        if case.verb.has_two_places() {
            command.arg(self.place(case, "target", player));
        }
        Ok(command)
    }

    /// Whether a place of the round is in the Dropbox.
    fn is_remote(case: &Case, place: &str) -> bool {
        match case.way {
            Way::Up => place != "source",
            Way::Down => place == "source",
            Way::Across => true,
        }
    }

    fn place(&self, case: &Case, place: &str, player: Player) -> String {
        let path = format!("r{}/{}/{place}", self.round, player.name());
        if Self::is_remote(case, place) {
            format!("dbx:{path}")
        } else {
            path
        }
    }

    fn set_up(&self, case: &Case, player: Player) -> anyhow::Result<()> {
        let empty = Tree::new();
        let trees = [
            ("source", Some(&case.source)),
            ("target", case.target.as_ref()),
            ("backup", Some(&empty)),
        ];
        for (place, tree) in trees {
            let path = format!("r{}/{}/{place}", self.round, player.name());
            let Some(tree) = tree else { continue };
            let (sandbox, local) = (&self.env.sandbox, self.env.path(&path));
            let remote = Self::is_remote(case, place);
            if remote {
                sandbox.put_folder(&format!("/{path}"))?;
            } else {
                fs::create_dir_all(&local)?;
            }
            for (name, node) in tree {
                match (node, remote) {
                    (Node::Folder, true) => {
                        // One with files in it may be there already.
                        let _ = sandbox.put_folder(&format!("/{path}/{}", name.nfc()));
                    }
                    (Node::File { text, time }, true) => {
                        let stamp = jiff::Timestamp::from_second(*time)?.to_string();
                        sandbox.put_file(
                            &format!("/{path}/{}", name.nfc()),
                            text.as_bytes(),
                            Some(&stamp),
                        )?;
                    }
                    (Node::Folder, false) => fs::create_dir_all(local.join(name))?,
                    (Node::File { text, time }, false) => {
                        let time = u64::try_from(*time)?;
                        tests::files::write(&local.join(name), text.as_bytes(), time)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// What the places of a round hold, with names as Dropbox has them.
    fn left(&self, case: &Case, player: Player) -> anyhow::Result<BTreeMap<&'static str, Left>> {
        let mut all = BTreeMap::new();
        for place in ["source", "target", "backup"] {
            let path = format!("r{}/{}/{place}", self.round, player.name());
            let mut left = Left::new();
            if Self::is_remote(case, place) {
                let root = format!("/{path}/");
                for stored in self.env.sandbox.tree() {
                    let Some(name) = stored.path.strip_prefix(&root) else {
                        continue;
                    };
                    let node = if stored.is_folder {
                        None
                    } else {
                        let bytes = self.env.sandbox.read_file(&stored.path).unwrap_or_default();
                        let time: jiff::Timestamp = stored.client_modified.parse()?;
                        Some((String::from_utf8_lossy(&bytes).into_owned(), time.as_second()))
                    };
                    left.insert(name.to_owned(), node);
                }
            } else {
                let root = self.env.path(&path);
                if root.exists() {
                    walk(&root, "", &mut left)?;
                }
            }
            all.insert(place, left);
        }
        Ok(all)
    }
}

fn sorted(parts: impl Iterator<Item = String>) -> Vec<String> {
    let mut parts: Vec<String> = parts.collect();
    parts.sort_unstable();
    parts
}

fn broken(what: String) -> Complaint {
    Complaint::Broken { what }
}

fn walk(root: &Path, relative: &str, left: &mut Left) -> anyhow::Result<()> {
    for entry in fs::read_dir(root.join(relative))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if relative.is_empty() {
            name
        } else {
            format!("{relative}/{name}")
        };
        let key: String = path.nfc().collect();
        let meta = entry.metadata()?;
        if meta.is_dir() {
            left.insert(key, None);
            walk(root, &path, left)?;
        } else {
            let time = meta
                .modified()
                .unwrap_or(SystemTime::UNIX_EPOCH)
                .duration_since(UNIX_EPOCH)?;
            let text = fs::read_to_string(entry.path())?;
            anyhow::ensure!(
                left.insert(key, Some((text, i64::try_from(time.as_secs())?)))
                    .is_none(),
                "'{path}' is there in two forms"
            );
        }
    }
    Ok(())
}

/// How two trees differ.
fn differ(place: &'static str, theirs: &Left, ours: &Left, said: &[String]) -> Option<Complaint> {
    let (mut what, mut is_only_time, mut is_only_folders) = (Vec::new(), true, true);
    let paths: std::collections::BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
    for path in paths {
        let (their, our) = (theirs.get(path), ours.get(path));
        if their == our {
            continue;
        }
        let text = |node: Option<&Option<(String, i64)>>| node.cloned().flatten().map(|(text, _)| text);
        is_only_time &= text(their).is_some() && text(their) == text(our);
        is_only_folders &= text(their).is_none() && text(our).is_none();
        what.push(format!("{path}: theirs {their:?}, ours {our:?}"));
    }
    (!what.is_empty()).then_some(Complaint::Tree {
        place,
        is_only_time,
        is_only_folders,
        what,
        said: said.to_vec(),
    })
}

/// What holds whatever rclone does.
fn hold(
    case: &Case,
    before: &BTreeMap<&'static str, Left>,
    after: &BTreeMap<&'static str, Left>,
    complaints: &mut Vec<Complaint>,
) {
    if !case.verb.empties_source() && before["source"] != after["source"] {
        complaints.push(broken("the source has changed".into()));
    }
    if !case.verb.transfers() {
        return;
    }
    let is_file = |left: &Left, path: &str| left.get(path).is_some_and(Option::is_some);
    for (path, node) in &before["target"] {
        if node.is_some() && is_file(&before["source"], path) && !is_file(&after["target"], path) {
            let excludes = case.has("--delete-excluded") && case.filters() && !case.has("--max-depth");
            if !excludes {
                complaints.push(broken(format!(
                    "'{path}' is gone from the target, and the source has it"
                )));
            }
        }
    }
    // A file of the source is in the source or in the target, whatever happens.
    for (path, node) in &before["source"] {
        let Some((text, _)) = node else { continue };
        let is_there = |place: &str| after[place].values().flatten().any(|(other, _)| other == text);
        if !is_there("source") && !is_there("target") && !is_there("backup") && case.verb.transfers() {
            complaints.push(broken(format!("'{path}' is lost")));
        }
    }
}

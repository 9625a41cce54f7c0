//! The schema of `--json`: each object that the program prints, and nothing else defines one.
//!
//! A field whose value is not known, or makes no sense for the object, is left out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::content_hash::ContentHash;

/// The version of the schema. It grows when a reader of this version would misunderstand what is printed; new types and new
/// fields don't change it.
pub const SCHEMA: u32 = 1;

/// An object that is printed, on a line of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Object {
    /// Something that `--dry-run` would do.
    Step(Step),
    /// Something that was done, or failed.
    Outcome(Outcome),
    /// A file or folder that a command lists.
    Entry(Entry),
    /// A path that `check` compared.
    Checked(Checked),
    /// A change that `watch` saw.
    Change(Change),
    /// An earlier state of a file.
    Revision(Revision),
    /// A link.
    Link(Link),
    /// A remote of the configuration.
    Remote(Remote),
    /// The file of the configuration.
    Config(ConfigFile),
    /// A digest of a file.
    Digest(Digest),
    /// Something that others share.
    Shared(Shared),
    /// A job of a batch system, of `submit`.
    Job(Job),
    /// Counts of files and bytes, of `size`.
    Size(Size),
    /// The space of an account, of `about`.
    About(About),
    /// How far a plan is, of `run --status`.
    Plan(PlanStatus),
    /// The program.
    Version(Version),
    /// Why the command failed.
    Error(Error),
    /// The end of the command: the last line.
    Total(Total),
}

/// What a step does, or an outcome has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A file is copied to the target.
    Copy,
    /// It goes from one place to another in one step, on the server.
    Move,
    /// A file of the target gets another name.
    Rename,
    /// A file is deleted; in a transfer, from the target.
    Delete,
    /// A file of the target is moved into the backup.
    Backup,
    /// A file is deleted from the source of a move.
    DeleteSource,
    /// A folder is made.
    Mkdir,
    /// An empty folder is removed; in a transfer, from the target.
    Rmdir,
    /// An empty folder is removed from the source of a move.
    RmdirSource,
    /// A folder is removed with everything in it.
    Purge,
    /// A file gets a new time, or is made empty.
    Touch,
    /// An earlier state of a file becomes its present one.
    Restore,
    /// A link ends.
    Unlink,
    /// A file is made of a stream or an address.
    Write,
    /// A file goes into an archive.
    Archive,
    /// A file comes out of an archive.
    Extract,
    /// A shared folder is seen among one's own.
    Mount,
    /// It is not any more.
    Unmount,
    /// Nothing: it stays as it is, for the reason given.
    Keep,
}

/// Something that would be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What.
    pub action: Action,
    /// The path before the step, below the root that it is in.
    pub path: String,
    /// The path after it, for a copy and a rename.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Size of the file in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The revision that is restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rev: Option<String>,
    /// Why it is copied: `new`, `size-differs` and so on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Something that was done, or failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// What was done, or tried. `None` if it is not known what would have been done to what failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// Whether it was done.
    pub ok: bool,
    /// The path afterwards, below the root that it is in.
    pub path: String,
    /// The path before, if it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Size of the file in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Its revision in the Dropbox that it is in or comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rev: Option<String>,
    /// Dropbox's content hash of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<ContentHash>,
    /// The digests that were asked for, by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub digests: BTreeMap<String, String>,
    /// Why it failed, or stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Reason>,
}

/// Why something failed, or stays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// The kind, as far as a program has to tell them apart.
    pub kind: ReasonKind,
    /// In words.
    pub message: String,
    /// Whether the same command may succeed later.
    pub retry: Retry,
}

/// The kind of a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonKind {
    /// It isn't there, or no longer.
    NotFound,
    /// Something is there already.
    AlreadyExists,
    /// The folder is not empty.
    NotEmpty,
    /// It is not, or no longer, what was listed.
    Changed,
    /// The name can't be stored there.
    InvalidName,
    /// Anything else.
    Other,
}

/// Whether the same command may succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// Probably.
    Later,
    /// Only after something is changed.
    Never,
    /// Unknown.
    Unknown,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A symlink in an archive.
    Symlink,
    /// Something else in an archive.
    Other,
}

/// A file or folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its path below the place that is listed.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// Size in bytes; not of folders and cloud documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The modification time in UTC: `2026-11-28T20:00:00Z`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
    /// Dropbox's content hash, if it is known without reading the file, or was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<ContentHash>,
    /// Its revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rev: Option<String>,
    /// Its lasting id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// When it was deleted, of what `--deleted` lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<String>,
    /// Who changed it last, of what `--deleted` lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<String>,
}

/// A path that was compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checked {
    /// The path below both places.
    pub path: String,
    /// What came of it.
    pub result: CheckResult,
    /// Why, unless both are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What came of comparing a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckResult {
    /// The same on both sides.
    Same,
    /// On both sides, and different.
    Different,
    /// Only in the target.
    MissingInSource,
    /// Only in the source.
    MissingInTarget,
    /// It could not be compared.
    Failed,
}

/// A change of a Dropbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Whether it is there now, or gone.
    pub change: ChangeKind,
    /// The path, as a remote has it.
    pub path: String,
    /// What it is. `None` for what is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Size of a file in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Its revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rev: Option<String>,
    /// Dropbox's content hash of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<ContentHash>,
}

/// What a change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is new or has changed.
    There,
    /// It was deleted.
    Gone,
}

/// An earlier state of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revision {
    /// The file, as a remote has it.
    pub path: String,
    /// The revision.
    pub rev: String,
    /// Size in bytes.
    pub size: u64,
    /// The modification time in UTC.
    pub modified: String,
    /// When Dropbox got it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uploaded: Option<String>,
    /// Dropbox's content hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<ContentHash>,
    /// The id of the account that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<String>,
    /// Whether it is what the file is now.
    pub is_current: bool,
}

/// A link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// What it leads to, as a remote has it.
    pub path: String,
    /// Its address.
    pub url: String,
}

/// A remote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remote {
    /// Its name, without a colon.
    pub name: String,
    /// Its settings by their names, without secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
}

/// The file of the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    /// Where it is. Empty if the configuration is only in memory.
    pub path: String,
    /// Whether it is there.
    pub exists: bool,
    /// Whether it is under a password.
    pub encrypted: bool,
}

/// A digest of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digest {
    /// The file's path below the place that is read; `-` is the standard input. `None` for what is only the name of a digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The digest's name.
    pub algorithm: String,
    /// In hexadecimal digits. `None` for a cloud document, which has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Size of the file in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// Something that others share with the account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shared {
    /// A file or a folder.
    pub kind: Kind,
    /// What it is called.
    pub name: String,
    /// Its lasting id: of a folder, that of its namespace.
    pub id: String,
    /// What commands take for it: a place for a folder, an address for a file.
    pub place: String,
    /// What the account may do, in Dropbox's words: `owner`, `editor`, `viewer` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<String>,
    /// Where a folder is mounted, as a remote has it. `None` for one that isn't, and for files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mounted: Option<String>,
    /// The names of those who own it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<String>,
}

/// A job of a batch system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Its number. `None` for one that was not submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its script.
    pub script: String,
}

/// Counts of files and bytes. The fields are rclone's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Number of files.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Number of files of unknown size, counted as empty.
    pub sizeless: u64,
}

/// How far all processes are with a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanStatus {
    /// The verb that was planned.
    pub verb: engine::plan::Verb,
    /// The source, absolute.
    pub source: String,
    /// The target, absolute.
    pub target: String,
    /// Files to copy.
    pub files: Count,
    /// Their bytes.
    pub bytes: Count,
    /// Number of steps that have to be done before what comes last.
    pub open: u64,
    /// Steps that come last.
    pub last: Count,
    /// What failed, and isn't done since.
    pub failed: Vec<FailedStep>,
    /// The processes, those that began first before others.
    pub workers: Vec<Worker>,
}

/// How many there are, and how many of them are done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// All of them.
    pub all: u64,
    /// Those that are done.
    pub done: u64,
}

/// A step that failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailedStep {
    /// Its path.
    pub path: String,
    /// Why, in words.
    pub reason: String,
}

/// A process that carries out a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    /// The name of its log.
    pub name: String,
    /// The name of its machine.
    pub host: String,
    /// The batch system's name of its job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// The part that it was given, such as `1/4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// What became of it.
    pub state: WorkerState,
    /// Number of steps that it has done.
    pub done: u64,
}

/// What became of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkerState {
    /// It runs.
    Running,
    /// It ended.
    Ended,
    /// It ended without saying so.
    Killed,
}

/// The space of an account in bytes. The fields are rclone's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// All of it.
    pub total: u64,
    /// What is used.
    pub used: u64,
    /// What is free.
    pub free: u64,
}

/// The program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// `node-tool`.
    pub program: String,
    /// Its version.
    pub version: String,
}

/// Why a command failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Error {
    /// What could not be done.
    pub message: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<String>,
    /// Commands that may help.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<String>,
    /// Advice in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hint: Vec<String>,
}

/// The end of a command. What a command doesn't count is left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Total {
    /// The verb.
    pub command: String,
    /// Number of files that were copied, deleted, listed …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
    /// Their bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Number of files that were in the target already, or are the same on both sides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unchanged: Option<u64>,
    /// Number of files that a rule left as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<u64>,
    /// Number of files that were renamed in the target instead of being copied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed: Option<u64>,
    /// Number of files that were deleted from the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<u64>,
    /// Number of differences that `check` found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub different: Option<u64>,
    /// Number of files that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<u64>,
    /// How long it took.
    pub seconds: f64,
    /// The exit code of the process.
    pub exit_code: u8,
}

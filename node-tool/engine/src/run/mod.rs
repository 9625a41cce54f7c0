//! Runs a plan, in the order in which a failure loses nothing: make folders, keep what is replaced, rename, copy, only
//! then delete, and last copy to where something was deleted.

mod backup;
mod elsewhere;
mod event;
mod execute;
mod recheck;
mod rename;
mod report;
mod resolve;
mod shutdown;
mod tally;
mod transfer;

pub use backup::Backup;
pub use elsewhere::{Elsewhere, FromElsewhere, find_elsewhere};
pub use event::{Arrived, Event, Observer, Subject};
pub use execute::{Job, RunOptions, Stop, run};
pub use recheck::recheck;
pub use rename::track_renames;
pub use report::Run;
pub use resolve::resolve;
pub use shutdown::{ActiveGuard, Shutdown};
pub use tally::{Failed, Tally};
pub use transfer::{BackupPlace, Kept, Transfer};

//! `node-tool`: lists, copies and syncs between Dropbox and a cluster's file system.
//!
//! ```text
//!   cli ─▶ commands ─▶ plan ◀── local, dropbox      two listings become a plan
//!              │         │
//!              ▼         ▼
//!           report ◀─ transfer ──▶ local, dropbox   the plan is carried out; what happens is told
//! ```
//!
//! Imports point down: `commands → side → transfer → plan → {dropbox, local} → filter → tree → shared`. `plan` does no I/O,
//! `dropbox` alone sends HTTP, `report` alone prints, nothing imports `commands`.

pub mod cli;
pub mod commands;
pub mod completion;
pub mod config;
mod convert;
pub mod documents;
pub mod failed;
pub mod filter;
pub mod limits;
pub mod local;
pub mod location;
pub mod plan;
pub mod report;
pub mod roots;
pub mod side;
pub mod terminal;
pub mod transfer;
pub mod tree;
mod variables;
pub mod view;

use ::dropbox;
use shared::raw;

pub use cli::main;

/// What the programs of this crate call themselves to Dropbox.
const USER_AGENT: &str = concat!("node-tool/", env!("CARGO_PKG_VERSION"));

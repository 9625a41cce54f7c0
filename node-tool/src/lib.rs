//! `node-tool`: lists, copies and syncs between Dropbox and a cluster's file system.
//!
//! ```text
//!   cli ─▶ commands ─▶ engine (list, plan, run) ─▶ stores (local folder, Dropbox) ─▶ dropbox
//!              │
//!              ▼
//!           report      what a person sees
//! ```
//!
//! This crate is the face: from a command line to options, from events and tallies to lines. `report` alone prints, and
//! nothing imports `commands`.

mod app;
mod app_hint;
mod app_team;
mod as_rclone;
pub mod cli;
mod client;
mod commands;
mod completion;
pub mod config;
mod failures;
mod flags;
mod limits;
mod location;
mod plan_dir;
mod rclone;
pub mod report;
mod terminal;
mod typed;
mod variables;

pub use cli::main;

/// What the programs of this crate call themselves to Dropbox.
const USER_AGENT: &str = concat!("node-tool/", env!("CARGO_PKG_VERSION"));

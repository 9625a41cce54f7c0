//! What the end-to-end tests share; never published.
//!
//! [`test_env`] is a home directory of its own with both programs and a [`sandbox`], [`terminal`] a person at a terminal, [`browser`]
//! and [`chromium`] a person at a browser, [`ssh_server`] the way to a login node, and [`files`] makes and compares folders. A
//! [`reader`] types what a [`document`] says; a [`session`] is drawn as [`svg`].

pub mod browser;
pub mod chromium;
pub mod document;
pub mod files;
pub mod next_lines;
pub mod private_hosts;
pub mod programs;
pub mod reader;
pub mod session;
pub mod slurm;
pub mod snapshots;
pub mod ssh_server;
pub mod svg;
pub mod terminal;
pub mod test_env;

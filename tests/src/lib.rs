//! Everything the tests stand on; never published.
//!
//! [`sandbox`] is a strict Dropbox on loopback, [`world`] a home of its own with both programs, [`terminal`] a person at
//! a terminal, [`browser`] and [`chromium`] a person at a browser,
//! [`ssh_server`] the way to a login node, and [`files`] makes and compares folders.

pub mod browser;
pub mod chromium;
pub mod files;
pub mod next_lines;
pub mod programs;
pub mod sandbox;
pub mod ssh_server;
pub mod terminal;
pub mod world;

//! Everything the tests stand on; never published.
//!
//! [`sandbox`] is a strict Dropbox on loopback, [`world`] a home of its own with both programs, [`terminal`] a person at
//! a terminal, [`browser`] and [`chromium`] a person at a browser, and [`files`] makes and compares folders.

pub mod browser;
pub mod chromium;
pub mod files;
pub mod programs;
pub mod sandbox;
pub mod terminal;
pub mod world;

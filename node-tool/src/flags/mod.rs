//! Flags that several commands take, and the way from them to plain options.

pub(crate) mod bandwidth;
pub(crate) mod filter;
pub(crate) mod links;
pub(crate) mod log;
pub(crate) mod network;
mod rule_files;
pub(crate) mod symlinks;

//! Everything the tests stand on; never published. `sandbox` is a strict Dropbox on loopback.

pub mod sandbox;

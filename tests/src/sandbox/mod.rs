//! A strict Dropbox on loopback.

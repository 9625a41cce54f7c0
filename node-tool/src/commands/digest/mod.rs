//! Digests of files: printed as `md5sum` prints them, and compared with what was printed before.

pub mod checksum;
mod compute;
pub mod hashsum;
mod sum_file;
pub(in crate::commands) mod verify;

use super::{App, place_failure};

//! This machine's file system: walking, reading, and putting files in their place.

mod place;
mod read;
mod walk;

pub use place::{Partial, set_modified};
pub use read::{Changed, Identity, Source, hash_file};
pub use walk::{Skipped, Walked, stat, walk};

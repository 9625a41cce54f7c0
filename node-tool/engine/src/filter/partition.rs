//! One of several parts of all files, as rclone divides them: by a hash of their paths, so that each file is in exactly one.

use md5::{Digest, Md5};

use crate::relative_path::composed;

/// A part of all files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its number, from 0.
    part: u64,
    /// Number of parts, at least 1.
    parts: u64,
}

impl Partition {
    /// Returns the part of this number, of so many; counting goes around, so that 3 of 3 is 0 of 3. `None` if there are no parts.
    pub fn new(part: u64, parts: u64) -> Option<Self> {
        let part = part.checked_rem(parts)?;
        Some(Self { part, parts })
    }

    /// Returns whether a file is in it. Letter case and Unicode form don't matter.
    pub fn includes(self, path: &str) -> bool {
        let hash = Md5::digest(composed(path).to_lowercase());
        let number = hash
            .iter()
            .take(8)
            .rev()
            .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        number % self.parts == self.part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_where_rclone_has_them() {
        // From rclone 1.75.2: lsf -R --hash-filter N/7.
        for (path, part) in [
            ("Abc", 6),
            ("abc", 6),
            ("e\u{301}", 6),
            ("\u{e9}", 6),
            ("ä", 5),
            ("Ä", 5),
        ] {
            for number in 0..7 {
                let partition = Partition::new(number, 7).unwrap();
                assert_eq!(partition.includes(path), number == part, "{path} {number}");
            }
        }
    }

    #[test]
    fn each_file_is_in_exactly_one_part() {
        for number in 0..200 {
            let path = format!("d/{number}");
            let parts =
                (0..5).filter(|part| Partition::new(*part, 5).is_some_and(|part| part.includes(&path)));
            assert_eq!(parts.count(), 1);
        }
        assert_eq!(Partition::new(3, 3), Partition::new(0, 3));
        assert_eq!(Partition::new(0, 0), None);
    }
}

//! `size`: how much there is.

use std::fmt;

/// Counts of files and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Files.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files of unknown size, counted as empty.
    pub sizeless: u64,
}

impl Total {
    /// Adds a file.
    pub fn add(&mut self, size_bytes: Option<u64>) {
        self.count += 1;
        match size_bytes {
            Some(bytes) => self.bytes += bytes,
            None => self.sizeless += 1,
        }
    }
}

/// The lines for people, without the end of the last.
impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let objects = scaled(self.count, 1000, ["", "k", "M", "G", "T", "P", "E"]);
        write!(f, "Total objects: {objects}")?;
        if self.count >= 1000 {
            write!(f, " ({})", self.count)?;
        }
        write!(f, "\nTotal size: {} ({} Byte)", size(self.bytes), self.bytes)?;
        if self.sizeless > 0 {
            let sizeless = scaled(self.sizeless, 1000, ["", "k", "M", "G", "T", "P", "E"]);
            write!(
                f,
                "\nTotal objects with unknown size: {sizeless} ({})",
                self.sizeless
            )?;
        }
        Ok(())
    }
}

/// `1.500Ki`, as rclone writes sizes in lists for people.
pub fn short_size(bytes: u64) -> String {
    scaled(bytes, 1024, ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"])
}

/// `1.500 KiB`, as rclone writes sizes.
pub fn size(bytes: u64) -> String {
    let scaled = scaled(bytes, 1024, [" ", " Ki", " Mi", " Gi", " Ti", " Pi", " Ei"]);
    format!("{scaled}B")
}

/// Formats a number with three decimals, or none if they are all zero.
fn scaled(value: u64, step: u64, units: [&str; 7]) -> String {
    let mut power = 1;
    let mut unit = 0;
    while unit < 6 && value / step >= power {
        power *= step;
        unit += 1;
    }
    if value.is_multiple_of(power) {
        return format!("{}{}", value / power, units[unit]);
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let scaled = value as f64 / power as f64;
    format!("{scaled:.3}{}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_told_as_rclone_tells_them() {
        for (count, bytes, text) in [
            (0, 0, "Total objects: 0\nTotal size: 0 B (0 Byte)"),
            (8, 4, "Total objects: 8\nTotal size: 4 B (4 Byte)"),
            (999, 1023, "Total objects: 999\nTotal size: 1023 B (1023 Byte)"),
            (
                1000,
                1024,
                "Total objects: 1k (1000)\nTotal size: 1 KiB (1024 Byte)",
            ),
            (
                1234,
                1536,
                "Total objects: 1.234k (1234)\nTotal size: 1.500 KiB (1536 Byte)",
            ),
            (
                1_000_001,
                1 << 60,
                "Total objects: 1.000M (1000001)\nTotal size: 1 EiB (1152921504606846976 Byte)",
            ),
        ] {
            let total = Total {
                count,
                bytes,
                sizeless: 0,
            };
            assert_eq!(total.to_string(), text);
        }
        let mut total = Total::default();
        total.add(Some(7));
        total.add(None);
        assert_eq!((total.count, total.bytes, total.sizeless), (2, 7, 1));
        assert!(
            total
                .to_string()
                .ends_with("\nTotal objects with unknown size: 1 (1)")
        );
    }
}

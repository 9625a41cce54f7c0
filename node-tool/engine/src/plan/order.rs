//! The order in which files are copied (`--order-by`).

use std::str::FromStr;

use super::Step;

/// The order in which files are copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// What files are ordered by.
    pub by: OrderBy,
    /// Whether the largest comes first.
    pub is_descending: bool,
}

/// What files are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderBy {
    /// Their sizes.
    Size,
    /// Their paths.
    Name,
    /// Their modification times.
    Modified,
}

impl FromStr for Order {
    type Err = String;

    /// Parses `size`, `name` or `modtime`, perhaps followed by `,ascending` or `,descending`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (by, direction) = text.split_once(',').unwrap_or((text, "ascending"));
        let by = match by {
            "size" => OrderBy::Size,
            "name" => OrderBy::Name,
            "modtime" => OrderBy::Modified,
            _ => return Err("give size, name or modtime, and perhaps ',ascending' or ',descending'".into()),
        };
        let is_descending = match direction {
            "ascending" | "asc" => false,
            "descending" | "desc" => true,
            _ => return Err(format!("'{direction}' is neither ascending nor descending")),
        };
        Ok(Self { by, is_descending })
    }
}

impl Order {
    /// Sorts steps.
    pub(super) fn sort(self, steps: &mut [Step]) {
        steps.sort_by(|a, b| {
            let order = match self.by {
                OrderBy::Size => a.meta.size_bytes.cmp(&b.meta.size_bytes),
                OrderBy::Name => a.from.cmp(&b.from),
                OrderBy::Modified => a.meta.modified.cmp(&b.meta.modified),
            };
            if self.is_descending {
                order.reverse()
            } else {
                order
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_those_of_rclone() {
        for (text, by, is_descending) in [
            ("size", OrderBy::Size, false),
            ("name,descending", OrderBy::Name, true),
            ("modtime,asc", OrderBy::Modified, false),
        ] {
            assert_eq!(text.parse(), Ok(Order { by, is_descending }), "{text}");
        }
        for bad in ["", "age", "size,sideways"] {
            assert!(bad.parse::<Order>().is_err(), "{bad}");
        }
    }
}

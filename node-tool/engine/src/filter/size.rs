//! Sizes as rclone writes them: `100` (KiB), `100b`, `1.5M`, `10Gi`, `10GiB`, `off`.

use std::str::FromStr;

/// A size given by a flag, in bytes. `None` means `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub Option<u64>);

/// Of both spellings: `10M`, `10MiB`.
const UNITS: [char; 7] = ['b', 'k', 'm', 'g', 't', 'p', 'e'];

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("off") {
            return Ok(Self(None));
        }
        let hint = "give a number of KiB, or one with b, k, M, G, T or P, such as 10M or 10MiB";
        let (number, unit) = split_unit(text);
        let power = match unit {
            None => Some(1),
            Some(unit) => UNITS.iter().position(|u| u.eq_ignore_ascii_case(&unit)),
        };
        let value: Option<f64> = number.parse().ok();
        match (value, power) {
            (Some(value), Some(power)) if value.is_finite() && value >= 0.0 => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "rclone rounds down too; too large is as large as can be"
                )]
                let bytes = (value * 1024_f64.powi(i32::try_from(power).unwrap_or(0))) as u64;
                Ok(Self(Some(bytes)))
            }
            _ => Err(hint.into()),
        }
    }
}

/// The number, and the unit if there is one.
fn split_unit(text: &str) -> (&str, Option<char>) {
    let plain = |text: &'_ str| text.ends_with(|c: char| c.is_ascii_digit() || c == '.');
    if plain(text) {
        return (text, None);
    }
    // `Ki` and `KiB` mean the same as `K`; a bare `iB` or `i` is no unit.
    let rest = text
        .strip_suffix("iB")
        .or_else(|| text.strip_suffix("ib"))
        .or_else(|| text.strip_suffix(['i', 'I']))
        .filter(|rest| !plain(rest) && !rest.ends_with(['b', 'B']))
        .unwrap_or(text);
    let mut chars = rest.chars();
    let unit = chars.next_back();
    (chars.as_str(), unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_rclone_reads_them() {
        for (text, bytes) in [
            ("0", 0),
            ("1", 1024),
            ("1b", 1),
            ("1B", 1),
            ("1.5k", 1536),
            ("1.", 1024),
            (".5K", 512),
            ("1Ki", 1024),
            ("1KiB", 1024),
            ("1kib", 1024),
            ("2M", 2 << 20),
            ("2m", 2 << 20),
            ("3G", 3 << 30),
            ("4T", 4 << 40),
            ("5P", 5 << 50),
            ("1E", 1 << 60),
        ] {
            assert_eq!(text.parse(), Ok(Size(Some(bytes))), "{text}");
        }
        assert_eq!("off".parse(), Ok(Size(None)));
        for text in [
            "", "b", "x", "10MB", "10x", "1i", "1iB", "-1", "inf", "NaN", "1bi", "1 k",
        ] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }
}

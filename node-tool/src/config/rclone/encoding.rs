//! rclone's `encoding` setting: which characters of names are mapped to others.

use std::collections::BTreeSet;

/// What rclone maps in a Dropbox by default; `--encode-names` does the same.
const USUAL: [&str; 6] = ["Slash", "BackSlash", "Del", "RightSpace", "InvalidUtf8", "Dot"];
/// Flags that make no difference for names that a file system or a Dropbox can have.
const MOOT: [&str; 2] = ["Slash", "Dot"];
/// Values that map nothing.
const NOTHING: [&str; 3] = ["None", "Raw", ""];

/// The meaning of a remote's encoding here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As `--encode-names`.
    Usual,
    /// Names are as they are.
    Nothing,
    /// Neither: the words for what differs from the usual one.
    Other(String),
}

/// Parses the setting. `None` means rclone's default.
pub fn read(value: Option<&str>) -> Encoding {
    let Some(value) = value else {
        return Encoding::Usual;
    };
    let flags: BTreeSet<&str> = value
        .split(',')
        .map(str::trim)
        .filter(|flag| !NOTHING.contains(flag))
        .collect();
    if flags.iter().all(|flag| MOOT.contains(flag)) {
        return Encoding::Nothing;
    }
    let mut differences: Vec<String> = flags
        .iter()
        .filter(|flag| !USUAL.contains(flag))
        .map(|flag| format!("{flag} is not mapped"))
        .collect();
    let missing = USUAL
        .iter()
        .filter(|flag| !MOOT.contains(flag) && !flags.contains(*flag));
    differences.extend(missing.map(|flag| format!("{flag} is mapped")));
    if differences.is_empty() {
        Encoding::Usual
    } else {
        Encoding::Other(differences.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_said() {
        let usual = "Slash,BackSlash,Del,RightSpace,InvalidUtf8,Dot";
        for value in [
            None,
            Some(usual),
            Some("Dot, InvalidUtf8,RightSpace,Del,BackSlash"),
        ] {
            assert_eq!(read(value), Encoding::Usual);
        }
        for value in ["", "None", "Raw", "Slash", "Slash, Dot"] {
            assert_eq!(read(Some(value)), Encoding::Nothing, "{value}");
        }
        for (value, difference) in [
            (format!("{usual},Ctl"), "Ctl is not mapped"),
            (usual.replace("Del,", ""), "Del is mapped"),
            (
                "BackSlash,Ctl,RightSpace,InvalidUtf8".into(),
                "Ctl is not mapped, Del is mapped",
            ),
        ] {
            assert_eq!(read(Some(&value)), Encoding::Other(difference.into()));
        }
    }
}

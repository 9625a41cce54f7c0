//! Permissions of local files, kept in a Dropbox: one small file for each folder that needs one.
//!
//! The file says which permissions most files and most folders in its folder have, and which are different:
//!
//! ```json
//! {"version":1,"files":"644","folders":"755","except":{"run.sh":"755","private/":"700"}}
//! ```
//!
//! A folder in which all files are `644` and all folders `755` needs none. Only the nine bits of owner, group and others are kept:
//! setuid, setgid and sticky bits would give rights to who downloads that nobody meant to give.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The name of the file. It is no user's data: with permissions, it is neither copied nor deleted nor shown.
pub const MODES_NAME: &str = ".node-tool-modes.json";

/// What is kept of a file's mode.
pub const MODE_MASK: u32 = 0o777;
/// The version of the format.
const VERSION: u32 = 1;
const USUAL_FILE: Mode = Mode(0o644);
const USUAL_FOLDER: Mode = Mode(0o755);

/// Permissions, written in octal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Mode(u32);

impl Serialize for Mode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:o}", self.0))
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mode = u32::from_str_radix(&text, 8);
        let mode = mode.map_err(|_| serde::de::Error::custom(format!("'{text}' is no mode")))?;
        Ok(Self(mode & MODE_MASK))
    }
}

/// The permissions of what is in a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Modes {
    version: u32,
    /// Those of most files.
    files: Mode,
    /// Those of most folders.
    folders: Mode,
    /// The others, by name; a folder's ends in a slash.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    except: BTreeMap<String, Mode>,
}

/// A child of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    /// Its name.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Its permissions; other bits are ignored.
    pub mode: u32,
}

/// The usual permissions.
impl Default for Modes {
    fn default() -> Self {
        Self {
            version: VERSION,
            files: USUAL_FILE,
            folders: USUAL_FOLDER,
            except: BTreeMap::new(),
        }
    }
}

impl Modes {
    /// Returns the permissions of what is in a folder. `None` means that they are the usual ones, which need not be kept.
    pub fn of(children: &[Child]) -> Option<Self> {
        let of_kind = |is_folder: bool| {
            let of_kind = children.iter().filter(move |child| child.is_folder == is_folder);
            of_kind.map(|child| Mode(child.mode & MODE_MASK))
        };
        let files = most(of_kind(false)).unwrap_or(USUAL_FILE);
        let folders = most(of_kind(true)).unwrap_or(USUAL_FOLDER);
        let others = children.iter().filter_map(|child| {
            let mode = Mode(child.mode & MODE_MASK);
            let usual = if child.is_folder { folders } else { files };
            (mode != usual).then(|| (key(&child.name, child.is_folder), mode))
        });
        let modes = Self {
            version: VERSION,
            files,
            folders,
            except: others.collect(),
        };
        Some(modes).filter(|modes| !modes.is_usual())
    }

    /// Sets the permissions of a child, and leaves those of the others.
    pub fn set(&mut self, child: &Child) {
        let (key, mode) = (key(&child.name, child.is_folder), Mode(child.mode & MODE_MASK));
        let usual = if child.is_folder { self.folders } else { self.files };
        match mode == usual {
            true => self.except.remove(&key),
            false => self.except.insert(key, mode),
        };
    }

    /// Returns whether all permissions are the usual ones, which need not be kept.
    pub fn is_usual(&self) -> bool {
        self.except.is_empty() && (self.files, self.folders) == (USUAL_FILE, USUAL_FOLDER)
    }

    /// Returns the permissions of a child.
    pub fn mode(&self, name: &str, is_folder: bool) -> u32 {
        let usual = if is_folder { self.folders } else { self.files };
        self.except.get(&key(name, is_folder)).unwrap_or(&usual).0
    }

    /// Reads the file.
    ///
    /// # Errors
    /// When it isn't one, or of a newer version.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let modes: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        match modes.version {
            VERSION => Ok(modes),
            version => Err(format!(
                "it is of version {version}, which a newer node-tool wrote"
            )),
        }
    }

    /// Returns the file's content: the same permissions have always the same.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).unwrap_or_default(); // strings and numbers always can
        bytes.push(b'\n');
        bytes
    }
}

/// The name as the file has it.
fn key(name: &str, is_folder: bool) -> String {
    if is_folder {
        format!("{name}/")
    } else {
        name.to_owned()
    }
}

/// The most frequent of them, the smallest of several.
fn most(modes: impl Iterator<Item = Mode>) -> Option<Mode> {
    let mut counts: BTreeMap<Mode, usize> = BTreeMap::new();
    for mode in modes {
        *counts.entry(mode).or_default() += 1;
    }
    let most = counts
        .into_iter()
        .max_by_key(|(mode, count)| (*count, std::cmp::Reverse(*mode)));
    most.map(|(mode, _)| mode)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn child(name: &str, is_folder: bool, mode: u32) -> Child {
        Child {
            name: name.into(),
            is_folder,
            mode,
        }
    }

    #[test]
    fn what_is_usual_is_not_kept_and_the_rest_is_short() {
        for (children, kept) in [
            (vec![], None),
            (vec![child("a", false, 0o644), child("d", true, 0o755)], None),
            // A file that may set the user's id when it runs doesn't.
            (vec![child("a", false, 0o100_644 | 0o4000)], None),
            (
                vec![
                    child("a", false, 0o664),
                    child("b", false, 0o664),
                    child("run", false, 0o6775),
                ],
                Some(r#"{"version":1,"files":"664","folders":"755","except":{"run":"775"}}"#),
            ),
            (
                vec![
                    child("x", true, 0o700),
                    child("x", false, 0o644),
                    child("y", true, 0o755),
                ],
                Some(r#"{"version":1,"files":"644","folders":"700","except":{"y/":"755"}}"#),
            ),
        ] {
            let modes = Modes::of(&children);
            let text = modes.map(|modes| String::from_utf8(modes.to_bytes()).unwrap());
            assert_eq!(text.as_deref().map(str::trim_end), kept, "{children:?}");
        }
    }

    #[test]
    fn one_child_is_set_beside_the_others() {
        let mut modes = Modes::default();
        modes.set(&child("run", false, 0o100_755));
        modes.set(&child("d", true, 0o755));
        assert_eq!(
            (modes.mode("run", false), modes.mode("other", false)),
            (0o755, 0o644)
        );
        modes.set(&child("run", false, 0o644));
        assert!(modes.is_usual());
    }

    #[test]
    fn what_is_read_is_checked() {
        let modes = Modes::parse(br#"{"version":1,"files":"7644","folders":"755"}"#).unwrap();
        assert_eq!(modes.mode("any", false), 0o644, "the bits above are ignored");
        for (text, why) in [
            ("", "EOF"),
            (r#"{"version":2,"files":"644","folders":"755"}"#, "newer"),
            (r#"{"version":1,"files":"9","folders":"755"}"#, "'9' is no mode"),
            (r#"{"version":1,"files":420,"folders":"755"}"#, "string"),
        ] {
            let error = Modes::parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn fuzz_modes() {
        fuzzing::run(
            &[br#"{"version":1,"files":"644","folders":"755","except":{"run.sh":"755","private/":"700"}}"#],
            |bytes| {
                Modes::parse(bytes).map_or_else(
                    |error| error,
                    |modes| format!("{:o}", modes.mode("run.sh", false)),
                )
            },
        );
    }

    proptest! {
        #[test]
        fn each_child_has_its_own_again(modes in prop::collection::vec((0..0o10_000_u32, any::<bool>()), 0..12)) {
            let children: Vec<Child> = modes
                .iter()
                .enumerate()
                .map(|(number, (mode, is_folder))| child(&number.to_string(), *is_folder, *mode))
                .collect();
            let kept = Modes::of(&children).map(|modes| Modes::parse(&modes.to_bytes()).unwrap());
            for child in &children {
                let usual = if child.is_folder { 0o755 } else { 0o644 };
                let mode = kept.as_ref().map_or(usual, |modes| modes.mode(&child.name, child.is_folder));
                prop_assert_eq!(mode, child.mode & 0o777);
            }
        }
    }
}

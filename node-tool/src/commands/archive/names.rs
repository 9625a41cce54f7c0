//! Names in archives: none may lead out of the folder that it is extracted to.

/// Why a name is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("its name begins with a slash")]
    Absolute,
    #[error("its name leads out of the folder ('..')")]
    Upwards,
    #[error("its name is empty or has a character that no file may have")]
    Invalid,
}

/// Returns a name in an archive as a path below the folder that it is extracted to. A slash at the end, and `./` at the beginning,
/// are nothing; the folder itself is `None`.
///
/// # Errors
/// When it leads anywhere else.
pub(super) fn below(name: &str) -> Result<Option<String>, Refusal> {
    let drive = name.as_bytes();
    let has_drive = drive.len() >= 2 && drive[1] == b':' && drive[0].is_ascii_alphabetic();
    if name.starts_with(['/', '\\']) || (has_drive && matches!(drive.get(2), Some(b'/' | b'\\'))) {
        return Err(Refusal::Absolute);
    }
    if has_nul(name) {
        return Err(Refusal::Invalid);
    }
    let mut parts = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err(Refusal::Upwards),
            // As a Windows program would read it.
            part if part.split('\\').any(|part| part == "..") => return Err(Refusal::Upwards),
            part => parts.push(part),
        }
    }
    match parts.is_empty() {
        true if name.is_empty() => Err(Refusal::Invalid),
        true => Ok(None),
        false => Ok(Some(parts.join("/"))),
    }
}

/// Whether a name has a NUL, and not only bytes that are no characters.
fn has_nul(name: &str) -> bool {
    shared::raw::bytes(name).contains(&0)
}

/// Whether a symlink at `path` that leads to `target` stays in the folder that both are below.
pub(super) fn stays_below(path: &str, target: &str) -> bool {
    if target.is_empty() || target.starts_with('/') || has_nul(target) {
        return false;
    }
    // Once it has gone into something, which may be another symlink, '..' may lead anywhere.
    let parts = target.split('/').filter(|part| !matches!(*part, "" | "."));
    let upwards = parts.clone().take_while(|part| *part == "..").count();
    upwards < path.split('/').count() && !parts.skip(upwards).any(|part| part == "..")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_lead_out_are_refused() {
        for (name, expected) in [
            ("a/b", Ok(Some("a/b"))),
            ("./a//b/", Ok(Some("a/b"))),
            ("a\\b", Ok(Some("a\\b"))),
            ("./", Ok(None)),
            ("...", Ok(Some("..."))),
            ("c:x", Ok(Some("c:x"))),
            ("", Err(Refusal::Invalid)),
            ("a\0", Err(Refusal::Invalid)),
            ("a\0b", Err(Refusal::Invalid)),
            ("a\x002Fb", Err(Refusal::Invalid)),
            ("gro\0DF/\0E9", Ok(Some("gro\0DF/\0E9"))),
            ("\0E9/../../x", Err(Refusal::Upwards)),
            ("/etc/passwd", Err(Refusal::Absolute)),
            ("\\x", Err(Refusal::Absolute)),
            ("C:\\x", Err(Refusal::Absolute)),
            ("..", Err(Refusal::Upwards)),
            ("a/../../b", Err(Refusal::Upwards)),
            ("a\\..\\..\\b", Err(Refusal::Upwards)),
        ] {
            let found = below(name);
            assert_eq!(
                found.as_ref().map(|path| path.as_deref()),
                expected.as_ref().map(|path| *path),
                "{name}"
            );
        }
    }

    #[test]
    fn symlinks_stay_below() {
        for (path, target, stays) in [
            ("a/link", "b", true),
            ("a/link", "../b", true),
            ("a/link", "../../b", false),
            ("link", "..", false),
            ("link", "a/../..", false),
            ("a/link", "x/../y", false),
            ("a/link", "./../x/.", true),
            ("link", "/etc", false),
            ("link", "", false),
            ("link", "\0E9", true),
            ("link", "a\0", false),
            ("link", "\0E9/../..", false),
        ] {
            assert_eq!(stays_below(path, target), stays, "{path} {target}");
        }
    }

    proptest! {
        #[test]
        fn no_path_leads_out(name in "[a./\\\\]{0,12}") {
            if let Ok(Some(path)) = below(&name) {
                prop_assert!(!path.starts_with('/'));
                prop_assert!(path.split('/').all(|part| !part.is_empty() && part != "." && part != ".."));
            }
        }
    }
}

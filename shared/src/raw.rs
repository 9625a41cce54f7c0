//! Names of local files that are not UTF-8, as text: a byte that is not part of a character is written as NUL and two
//! hexadecimal digits. No file name on Linux has a NUL, and none in a Dropbox, so nothing else looks like it.

use std::{
    borrow::Cow,
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

/// The mark before the digits of a byte.
pub const MARK: char = '\0';

/// Returns a name or path as text.
pub fn text(name: &OsStr) -> Cow<'_, str> {
    match name.to_str() {
        Some(name) => Cow::Borrowed(name),
        None => Cow::Owned(escape(name.as_bytes())),
    }
}

fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            out.push_str(&format!("{MARK}{byte:02X}"));
        }
    }
    out
}

/// Returns whether a text is that of a name which is not UTF-8.
pub fn is_raw(text: &str) -> bool {
    text.contains(MARK)
}

/// Returns the name or path of a text.
pub fn name(text: &str) -> Cow<'_, OsStr> {
    if is_raw(text) {
        Cow::Owned(OsString::from_vec(bytes(text)))
    } else {
        Cow::Borrowed(OsStr::new(text))
    }
}

/// Returns the bytes of the name of a text.
pub fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut parts = text.split(MARK);
    out.extend(parts.next().unwrap_or_default().bytes());
    for part in parts {
        match part
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
        {
            // Digits never mean a character with a meaning in a path.
            Some(byte) if !byte.is_ascii() => {
                out.push(byte);
                out.extend(part[2..].bytes());
            }
            // It is not the name of a file; the file system will refuse it.
            _ => {
                out.push(0);
                out.extend(part.bytes());
            }
        }
    }
    out
}

/// Returns the path of `relative`, a text, below `root`.
pub fn join(root: &Path, relative: &str) -> PathBuf {
    root.join(&*name(relative))
}

/// Returns whether a text is what [`text`] makes of a name. One that writes the bytes of a character as digits is not.
pub fn is_sound(text: &str) -> bool {
    !is_raw(text) || escape(&bytes(text)) == text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_what_is_no_character_is_written_in_digits() {
        for (bytes, expected) in [
            (&b"plain"[..], "plain"),
            (b"gro\xdf.txt", "gro\0DF.txt"),
            (b"\xe9", "\0E9"),
            (b"\xff\xfe/x", "\0FF\0FE/x"),
            ("größe".as_bytes(), "größe"),
        ] {
            let os = OsStr::from_bytes(bytes);
            assert_eq!(text(os), expected);
            assert_eq!(&*name(expected), os);
            assert!(is_sound(expected));
        }
        assert!(!is_sound("\0C3\0A9"), "that is é");
        assert_eq!(bytes("\x002F"), b"\x002F", "no way to write a slash");
        assert_eq!(
            join(Path::new("/r"), "a\0E9"),
            Path::new("/r").join(OsStr::from_bytes(b"a\xe9"))
        );
    }

    proptest! {
        #[test]
        fn every_name_comes_back(bytes in prop::collection::vec(1_u8.., 0..12)) {
            let os = OsStr::from_bytes(&bytes);
            let text = text(os);
            prop_assert_eq!(&*name(&text), os);
            prop_assert!(is_sound(&text));
        }

        #[test]
        fn no_text_is_a_panic(text in "[\\x00a0E9é/]{0,8}") {
            let _ = (name(&text).len(), is_sound(&text));
        }
    }
}

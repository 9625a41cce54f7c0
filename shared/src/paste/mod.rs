//! Undoes what terminals, clipboards, mails and chats do to a text on its way, for everything that people paste: grants, codes,
//! JSON, addresses, app keys, challenges.
//!
//! [`plain`] removes what nothing that is pasted here can contain: terminal sequences, invisible characters, quote marks of
//! mails, borders of boxes, encodings. The result contains the text that was meant, perhaps wrapped into lines. [`readings()`] adds
//! guesses for text that proves that it is whole (a grant has a length and a checksum), so that a wrong guess does no harm.
//! [`word`] is for text that can't prove it: it guesses only where no information is lost.

mod characters;
mod escapes;
mod guess;
mod layers;
mod readings;
mod sequences;
mod words;

pub use layers::plain;
pub use readings::readings;
pub use words::{word, words};

/// Reads pasted bytes as text: UTF-8, or the UTF-16 that PowerShell's `>` writes. Invalid sequences become U+FFFD.
pub fn decode(bytes: &[u8]) -> String {
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units)
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_powershell_are_read() {
        for unit in [u16::to_le_bytes, u16::to_be_bytes] {
            let bytes: Vec<u8> = "\u{feff}a b\r\n".encode_utf16().flat_map(unit).collect();
            assert_eq!(decode(&bytes), "a b\r\n");
        }
        assert_eq!(decode("\u{feff}ä".as_bytes()), "\u{feff}ä");
        assert_eq!(plain(&decode(b"a\0b\0\xff")), "ab");
    }
}

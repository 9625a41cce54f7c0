//! rclone's config file: an INI file, plain or encrypted (NaCl secretbox, its documentation "Configuration encryption").

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use crypto_secretbox::{
    Nonce, XSalsa20Poly1305,
    aead::{Aead, KeyInit},
};
use sha2::{Digest, Sha256};
use shared::secret::Secret;
use unicode_normalization::UnicodeNormalization;

/// The line before the ciphertext.
const MARK: &str = "RCLONE_ENCRYPT_V0:";
/// The nonce comes first, in bytes.
const NONCE_BYTES: usize = 24;

/// A section: its keys and values.
pub type Section = BTreeMap<String, String>;

/// Whether a file's text is encrypted.
pub fn is_encrypted(text: &str) -> bool {
    text.lines().any(|line| line.trim() == MARK)
}

/// Opens an encrypted file; nothing if the password is wrong or the file damaged.
pub fn open(text: &str, password: &Secret) -> Option<String> {
    let coded: String = text
        .lines()
        .skip_while(|line| line.trim() != MARK)
        .skip(1)
        .map(str::trim)
        .collect();
    let sealed = STANDARD.decode(coded).ok()?;
    let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES)?;
    let normal: String = password.expose().nfkc().collect();
    let key = Sha256::digest(format!("[{normal}][rclone-config]"));
    let cipher = XSalsa20Poly1305::new_from_slice(&key).ok()?;
    let plain = cipher.decrypt(Nonce::from_slice(nonce), sealed).ok()?;
    String::from_utf8(plain).ok()
}

/// All sections by name.
pub fn sections(text: &str) -> BTreeMap<String, Section> {
    let mut all: BTreeMap<String, Section> = BTreeMap::new();
    let mut current = None;
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            all.entry(name.to_owned()).or_default();
            current = Some(name.to_owned());
        } else if let Some((key, value)) = line.split_once('=')
            && let Some(section) = current.as_ref().and_then(|name| all.get_mut(name))
        {
            section.insert(key.trim().to_owned(), value.trim().to_owned());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_read() {
        let all = sections("# x\n[a]\ntype = dropbox\ntoken = {\"a\":\"b=c\"}\n\n[b c]\ntype = local\n");
        assert_eq!(all["a"]["token"], "{\"a\":\"b=c\"}");
        assert_eq!(all["b c"]["type"], "local");
    }

    #[test]
    fn nonsense_is_not_opened() {
        assert!(!is_encrypted("[a]\n"));
        for text in [
            "RCLONE_ENCRYPT_V0:\n",
            "RCLONE_ENCRYPT_V0:\nAAAA\n",
            "RCLONE_ENCRYPT_V0:\n???\n",
        ] {
            assert!(is_encrypted(text));
            assert_eq!(open(text, &Secret::new("x")), None);
        }
    }
}

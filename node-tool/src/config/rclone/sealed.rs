//! rclone's encrypted config (NaCl secretbox, its documentation "Configuration encryption").

use base64::{Engine, engine::general_purpose::STANDARD};
use crypto_secretbox::{
    Nonce, XSalsa20Poly1305,
    aead::{Aead, KeyInit},
};
use sha2::{Digest, Sha256};
use shared::secret::Secret;
use unicode_normalization::UnicodeNormalization;

/// The prefix of the line before the ciphertext.
const MARK: &str = "RCLONE_ENCRYPT_V";
/// The one version there is.
const MARK_0: &str = "RCLONE_ENCRYPT_V0:";
/// The nonce comes first, in bytes.
const NONCE_BYTES: usize = 24;

/// Whether and how a file is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealing {
    /// It is plain.
    None,
    /// With a password that [`open`] takes.
    Password,
    /// In a way that only a newer rclone knows.
    Newer,
}

/// Returns whether and how a file's text is encrypted, by its first line that is no comment.
pub fn sealing(text: &str) -> Sealing {
    let mut lines = text.lines().map(str::trim);
    match lines.find(|line| !line.is_empty() && !line.starts_with(['#', ';'])) {
        Some(MARK_0) => Sealing::Password,
        Some(line) if line.starts_with(MARK) => Sealing::Newer,
        _ => Sealing::None,
    }
}

/// Opens an encrypted file. `None` if the password is wrong or the file damaged.
pub fn open(text: &str, password: &Secret) -> Option<String> {
    let coded: String = text
        .lines()
        .skip_while(|line| line.trim() != MARK_0)
        .skip(1)
        .map(str::trim)
        .collect();
    let sealed = STANDARD.decode(coded).ok()?;
    let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES)?;
    let plain = decrypt(nonce, sealed, password.expose())
        // Older versions of rclone removed spaces around the password.
        .or_else(|| decrypt(nonce, sealed, password.expose().trim()))?;
    Some(super::decode(&plain))
}

fn decrypt(nonce: &[u8], sealed: &[u8], password: &str) -> Option<Vec<u8>> {
    let normal: String = password.nfkc().collect();
    let key = Sha256::digest(format!("[{normal}][rclone-config]"));
    let cipher = XSalsa20Poly1305::new_from_slice(&key).ok()?;
    cipher.decrypt(Nonce::from_slice(nonce), sealed).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by rclone 1.75 with the password "secret".
    const SEALED: &str = include_str!("sealed.test");

    #[test]
    fn what_rclone_sealed_is_opened() {
        assert_eq!(sealing(SEALED), Sealing::Password);
        for (password, opens) in [
            ("secret", true),
            (" secret\n", true),
            ("Secret", false),
            ("", false),
        ] {
            let plain = open(SEALED, &Secret::new(password));
            assert_eq!(
                plain.is_some_and(|plain| plain.contains("type = local")),
                opens,
                "{password:?}"
            );
        }
        assert_eq!(sealing(&SEALED.replace("V0", "V1")), Sealing::Newer);
    }

    #[test]
    fn nonsense_is_not_opened() {
        assert_eq!(sealing("[a]\nx = RCLONE_ENCRYPT_V0:\n"), Sealing::None);
        for text in [
            "RCLONE_ENCRYPT_V0:\n",
            "RCLONE_ENCRYPT_V0:\nAAAA\n",
            "RCLONE_ENCRYPT_V0:\n???\n",
        ] {
            assert_eq!(sealing(text), Sealing::Password);
            assert_eq!(open(text, &Secret::new("x")), None);
        }
    }
}

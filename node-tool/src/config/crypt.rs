//! The config file under a password: the age format with scrypt, in its ASCII armour, so that any `age -d` can open it too.

use std::io::{Read as _, Write as _};

use age::{
    Decryptor, Encryptor,
    armor::{ArmoredReader, ArmoredWriter, Format},
    scrypt,
    secrecy::SecretString,
};
use shared::secret::Secret;

/// How the armour begins.
const BEGIN: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
/// scrypt's cost as a power of two, as `age -p` has it: 256 MiB for about a second, in every command and for every guess.
const COST: u8 = 18;
/// The maximum cost that is accepted from a file: some seconds.
const MAX_COST: u8 = 20;

/// Why a file could not be opened or closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CryptError {
    /// Another password, or an altered file: they can't be distinguished.
    #[error("the password is wrong")]
    WrongPassword,
    /// Not what age wrote.
    #[error("it is damaged")]
    Damaged,
}

/// Whether a file's text is encrypted.
pub fn is_encrypted(text: &str) -> bool {
    text.trim_start().starts_with(BEGIN)
}

/// Opens a file's text.
///
/// # Errors
/// When the password is wrong or the file is damaged.
pub fn open(text: &str, password: &Secret) -> Result<String, CryptError> {
    let armour = ArmoredReader::new(text.trim_start().as_bytes());
    let decryptor = Decryptor::new_buffered(armour).map_err(|_| CryptError::Damaged)?;
    let mut identity = scrypt::Identity::new(SecretString::from(password.expose().to_owned()));
    identity.set_max_work_factor(MAX_COST);
    let mut reader = decryptor
        .decrypt(std::iter::once(&identity as &dyn age::Identity))
        .map_err(|_| CryptError::WrongPassword)?;
    let mut plain = String::new();
    reader
        .read_to_string(&mut plain)
        .map_err(|_| CryptError::Damaged)?;
    Ok(plain)
}

/// Closes a text with a password.
///
/// # Errors
/// When the text can't be written, which would be a fault of the program.
pub fn close(plain: &str, password: &Secret) -> Result<String, CryptError> {
    let mut recipient = scrypt::Recipient::new(SecretString::from(password.expose().to_owned()));
    recipient.set_work_factor(COST);
    let write = || -> Option<Vec<u8>> {
        let encryptor =
            Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient)).ok()?;
        let armour = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor).ok()?;
        let mut writer = encryptor.wrap_output(armour).ok()?;
        writer.write_all(plain.as_bytes()).ok()?;
        writer.finish().and_then(ArmoredWriter::finish).ok()
    };
    write()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or(CryptError::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_opens_what_was_closed() {
        let (right, wrong) = (Secret::new("correct horse"), Secret::new("battery staple"));
        let closed = close("secret = 1\n", &right).unwrap();
        assert!(is_encrypted(&closed) && !closed.contains("secret"));
        assert_eq!(open(&closed, &right), Ok("secret = 1\n".into()));
        assert_eq!(open(&closed, &wrong), Err(CryptError::WrongPassword));
        let cut = &closed[..closed.len() / 2];
        assert!(open(cut, &right).is_err());
        assert!(!is_encrypted("[remotes.x]\n"));
    }
}

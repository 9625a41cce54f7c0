//! Proof Key for Code Exchange (RFC 7636), and the `state` that ties an answer to its request.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::{TryRng, rngs::SysRng};
use sha2::{Digest, Sha256};

use crate::{paste, secret::Secret};

/// The secret half of a login: generated where the token will be kept, and sent to the token endpoint only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier(Secret);

/// The public half of a login: `BASE64URL(SHA-256(verifier))`, 43 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge(String);

impl Verifier {
    /// Generates a verifier of 86 characters from 64 bytes of the system's generator (RFC 7636 §4.1 asks for 43 to 128). Its
    /// challenge doesn't begin with '-', so that no command line takes it for a flag.
    ///
    /// # Errors
    /// When the system's random generator fails.
    pub fn generate() -> Result<Self, NoRandomness> {
        loop {
            let verifier = Self(Secret::new(random_text::<64>()?));
            if !verifier.challenge().as_str().starts_with('-') {
                return Ok(verifier);
            }
        }
    }

    /// Returns the challenge of this verifier.
    pub fn challenge(&self) -> Challenge {
        Challenge(URL_SAFE_NO_PAD.encode(Sha256::digest(self.0.expose().as_bytes())))
    }

    /// Returns the text that the token endpoint gets.
    pub fn secret(&self) -> &Secret {
        &self.0
    }
}

impl Challenge {
    /// Reads a challenge as it was typed or pasted.
    ///
    /// # Errors
    /// When it isn't 43 characters of base64url, as every SHA-256 challenge is.
    pub fn parse(text: &str) -> Result<Self, String> {
        let word = paste::word(text);
        let joined = paste::words(text).concat().concat(); // the length proves that it is whole
        let is_challenge = |text: &String| URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32);
        match word.into_iter().chain([joined]).find(is_challenge) {
            Some(challenge) => Ok(Self(challenge)),
            None => Err(format!(
                "'{text}' is not a PKCE challenge (43 characters of A-Z a-z 0-9 - _); copy the whole line that node-tool printed"
            )),
        }
    }

    /// Returns the challenge as addresses contain it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The system's random generator failed.
#[derive(Debug, thiserror::Error)]
#[error("the system's random generator failed")]
pub struct NoRandomness;

/// Generates a `state`: 43 characters from 32 bytes of the system's generator (Dropbox allows 500 bytes).
///
/// # Errors
/// When the system's random generator fails.
pub fn state() -> Result<Secret, NoRandomness> {
    random_text::<32>().map(Secret::new)
}

fn random_text<const BYTES: usize>() -> Result<String, NoRandomness> {
    let mut bytes = [0u8; BYTES];
    SysRng.try_fill_bytes(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_7636_appendix_b() {
        let verifier = Verifier(Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
        assert_eq!(
            verifier.challenge().as_str(),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn verifiers_are_legal_and_differ() {
        let (a, b) = (Verifier::generate().unwrap(), Verifier::generate().unwrap());
        assert_ne!(a, b);
        assert_eq!(a.secret().expose().len(), 86);
        assert!(
            a.secret()
                .expose()
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || b"-._~".contains(&c))
        );
        assert!(Challenge::parse(a.challenge().as_str()).is_ok());
    }

    #[test]
    fn no_challenge_of_ours_looks_like_a_flag() {
        for _ in 0..1000 {
            let challenge = Verifier::generate().unwrap().challenge();
            assert!(!challenge.as_str().starts_with('-'));
        }
    }

    #[test]
    fn a_challenge_is_43_characters_of_base64url() {
        for bad in [
            "",
            "short",
            &"A".repeat(44),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM",
        ] {
            assert!(Challenge::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_pasted_challenge_is_read() {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        for pasted in [
            format!("“{challenge}”"),
            format!("--challenge {challenge}"),
            format!("--challenge={challenge}"),
            format!("{}\n{}", &challenge[..20], &challenge[20..]),
            format!("{}\r\n> {}.", &challenge[..13], &challenge[13..]),
            format!("\u{feff}{challenge}\u{a0}"),
        ] {
            assert_eq!(
                Challenge::parse(&pasted).unwrap().as_str(),
                challenge,
                "{pasted:?}"
            );
        }
    }
}

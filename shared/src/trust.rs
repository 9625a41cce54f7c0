//! Advice for certificates that are not trusted or are missing, in the same words in both programs.

use crate::failure::Failure;

/// The variable that names a file of trusted certificates.
pub const CERTIFICATES_VARIABLE: &str = "SSL_CERT_FILE";

/// Adds what to do when the server can't prove that it is Dropbox; `certificates` is the value of [`CERTIFICATES_VARIABLE`].
#[must_use]
pub fn untrusted(failure: Failure, certificates: Option<&str>) -> Failure {
    let failure = match set(certificates) {
        Some(file) => failure.hint(format!(
            "SSL_CERT_FILE says '{file}': that file has to contain the certificate that signs connections here; or unset SSL_CERT_FILE"
        )),
        None => failure.hint(
            "if your network inspects encrypted connections, set SSL_CERT_FILE to a bundle with its certificate",
        ),
    };
    failure.next("date    # certificates are valid for a limited time, and the clock may be wrong")
}

/// Returns why there are no trusted certificates at all.
pub fn why_no_certificates(certificates: Option<&str>) -> String {
    match set(certificates) {
        Some(file) => {
            let problem = match std::path::Path::new(file).try_exists() {
                Ok(true) => "contains no certificate that can be read",
                Ok(false) => "is not there",
                Err(_) => "can't be accessed",
            };
            format!("SSL_CERT_FILE says '{file}', and that file {problem}")
        }
        None => "this system has no certificates".into(),
    }
}

/// Adds what to do when there are no trusted certificates at all.
#[must_use]
pub fn no_certificates(failure: Failure, certificates: Option<&str>) -> Failure {
    match set(certificates) {
        Some(_) => {
            failure.next("unset SSL_CERT_FILE    # or set it to a bundle of certificates in PEM format")
        }
        None => failure
            .hint("set SSL_CERT_FILE to a bundle of certificates, or install the package ca-certificates"),
    }
}

/// Treats an empty variable as unset.
fn set(value: Option<&str>) -> Option<&str> {
    value.filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_takes_the_variable_into_account() {
        let untrusted = |file| untrusted(Failure::new("x"), file).to_string();
        let missing = |file| no_certificates(Failure::new("x"), file).to_string();
        for none in [None, Some("")] {
            assert!(untrusted(none).contains("set SSL_CERT_FILE to a bundle"));
            assert!(why_no_certificates(none).contains("this system"));
            assert!(missing(none).contains("hint: set SSL_CERT_FILE"));
        }
        let text = untrusted(Some("/etc/mine.pem"));
        assert!(text.contains("'/etc/mine.pem'") && !text.contains("set SSL_CERT_FILE to"));
        assert!(text.contains("next: date "), "{text}");
        let why = why_no_certificates(Some("/nowhere/x.pem"));
        assert!(
            why.contains("'/nowhere/x.pem'") && why.contains("is not there"),
            "{why}"
        );
        assert!(missing(Some("/nowhere/x.pem")).contains("next: unset SSL_CERT_FILE"));
        assert!(why_no_certificates(Some("/")).contains("no certificate"));
    }
}

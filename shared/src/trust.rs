//! What to type where certificates are not trusted, or there are none: the same words in both programs.

/// The variable that names a file of trusted certificates.
pub const CERTIFICATES_VARIABLE: &str = "SSL_CERT_FILE";

/// Next steps where the other side can't show that it is Dropbox; `certificates` is what [`CERTIFICATES_VARIABLE`] says.
pub fn untrusted(certificates: Option<&str>) -> Vec<String> {
    let bundle = match set(certificates) {
        Some(file) => format!(
            "SSL_CERT_FILE says '{file}': that file has to hold the certificate of whoever signs connections here; or unset SSL_CERT_FILE"
        ),
        None => "if your network looks into encrypted connections, set SSL_CERT_FILE to a bundle with its certificate".into(),
    };
    vec![
        bundle,
        "date    # certificates are good for a time, and the clock may be wrong".into(),
    ]
}

/// Why there are no trusted certificates at all, and the next step.
pub fn no_certificates(certificates: Option<&str>) -> (String, String) {
    match set(certificates) {
        Some(file) => {
            let problem = match std::path::Path::new(file).try_exists() {
                Ok(true) => "holds no certificate that can be read",
                Ok(false) => "is not there",
                Err(_) => "can't be looked at",
            };
            (
                format!("SSL_CERT_FILE says '{file}', and that file {problem}"),
                "unset SSL_CERT_FILE    # or set it to a bundle of certificates in PEM format".into(),
            )
        }
        None => (
            "this system has no certificates".into(),
            "set SSL_CERT_FILE to a bundle of certificates, or install the package ca-certificates".into(),
        ),
    }
}

/// An empty variable counts as none.
fn set(value: Option<&str>) -> Option<&str> {
    value.filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_and_wrong_is_not_advised() {
        for none in [None, Some("")] {
            assert!(untrusted(none)[0].contains("set SSL_CERT_FILE to a bundle"));
            assert!(no_certificates(none).0.contains("this system"));
        }
        let words = untrusted(Some("/etc/mine.pem"));
        assert!(words[0].contains("'/etc/mine.pem'") && !words[0].contains("set SSL_CERT_FILE to"));
        let (why, next) = no_certificates(Some("/nowhere/x.pem"));
        assert!(
            why.contains("'/nowhere/x.pem'") && why.contains("is not there"),
            "{why}"
        );
        assert!(next.starts_with("unset SSL_CERT_FILE"), "{next}");
        assert!(no_certificates(Some("/")).0.contains("no certificate"));
    }
}

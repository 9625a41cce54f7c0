//! `hashsum`: lines that `md5sum -c` and similar programs can read.

use base64::{Engine, engine::general_purpose::URL_SAFE};
use data_encoding::HEXLOWER;

use super::names::on_one_line;

/// How a hash is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SumForm {
    /// Hexadecimal digits.
    Hex,
    /// `--base64`, in the alphabet for URLs.
    Base64,
}

/// Returns a line, without its end. `hash_bytes` is the length of the hash as bytes; a missing hash is as wide in spaces.
pub fn sum_line(hex: Option<&str>, hash_bytes: usize, form: SumForm, path: &str) -> String {
    let hex = hex.unwrap_or_default();
    match form {
        SumForm::Hex => word_line(hex, hash_bytes, form, path),
        SumForm::Base64 => {
            let sum = URL_SAFE.encode(HEXLOWER.decode(hex.as_bytes()).unwrap_or_default());
            word_line(&sum, hash_bytes, form, path)
        }
    }
}

/// Returns a line with a word in place of the hash.
fn word_line(word: &str, hash_bytes: usize, form: SumForm, path: &str) -> String {
    let width = match form {
        SumForm::Hex => hash_bytes * 2,
        SumForm::Base64 => hash_bytes.div_ceil(3) * 4,
    };
    format!("{word:>width$}  {}", on_one_line(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_aligned() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(
            sum_line(Some(empty), 32, SumForm::Hex, "a b"),
            format!("{empty}  a b")
        );
        assert_eq!(
            sum_line(Some(empty), 32, SumForm::Base64, "d/x"),
            "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=  d/x"
        );
        assert_eq!(sum_line(None, 4, SumForm::Hex, "x"), "          x");
        assert_eq!(sum_line(None, 4, SumForm::Base64, "x"), "          x");
        assert_eq!(word_line("NONE", 3, SumForm::Hex, "x"), "  NONE  x");
    }
}

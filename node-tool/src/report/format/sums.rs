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
    let (sum, width) = match form {
        SumForm::Hex => (hex.to_owned(), hash_bytes * 2),
        SumForm::Base64 => {
            let bytes = HEXLOWER.decode(hex.as_bytes()).unwrap_or_default();
            (URL_SAFE.encode(bytes), hash_bytes.div_ceil(3) * 4)
        }
    };
    format!("{sum:>width$}  {}", on_one_line(path))
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
    }
}

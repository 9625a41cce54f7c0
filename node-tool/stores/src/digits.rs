//! Bytes as hexadecimal digits, where fewer than all are wanted.

use data_encoding::HEXLOWER;

/// Returns two digits for each byte, in lower case.
pub(crate) fn encode(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

/// Returns the first `digits` digits.
pub(crate) fn short(bytes: &[u8], digits: usize) -> String {
    let mut text = encode(bytes);
    text.truncate(digits);
    text
}

/// Returns the bytes of exactly `N` pairs of digits.
pub(crate) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}

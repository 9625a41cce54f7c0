//! Bytes as hexadecimal digits.

/// Two digits for each byte, in lower case.
pub fn encode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first `digits` digits.
pub fn short(bytes: &[u8], digits: usize) -> String {
    let mut text = encode(bytes);
    text.truncate(digits);
    text
}

/// The bytes of exactly `N` pairs of digits.
pub fn decode<const N: usize>(hex: &str) -> Option<[u8; N]> {
    if hex.len() != 2 * N || !hex.is_ascii() {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_become_the_same_bytes_again() {
        assert_eq!(encode(&[0, 1, 254]), "0001fe");
        assert_eq!(short(&[0xab, 0xcd], 3), "abc");
        assert_eq!(decode::<3>("0001fe"), Some([0, 1, 254]));
        for wrong in ["", "00", "0001f", "0001fg", "0001f\u{e9}"] {
            assert_eq!(decode::<3>(wrong), None, "{wrong}");
        }
    }
}

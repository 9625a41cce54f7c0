//! JSON for HTTP headers.

use std::fmt::Write;

/// Returns `json` with every character outside printable ASCII as `\uXXXX`, in UTF-16 code units: a surrogate
/// pair for characters outside the Basic Multilingual Plane.
///
/// Source: Dropbox "JSON encoding" page.
pub fn header_safe(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if (' '..='~').contains(&c) {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}"); // writing to a String cannot fail
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dropboxs_example_and_a_surrogate_pair() {
        assert_eq!(
            header_safe("{\"field\": \"some_üñîcødé_and_\u{7f}\"}"),
            r#"{"field": "some_\u00fc\u00f1\u00eec\u00f8d\u00e9_and_\u007f"}"#
        );
        assert_eq!(header_safe("😀"), r"\ud83d\ude00");
    }

    proptest! {
        #[test]
        fn decodes_to_the_same_text(text in any::<String>()) {
            let json = serde_json::to_string(&text).unwrap();
            let safe = header_safe(&json);
            prop_assert!(safe.bytes().all(|b| (b' '..=b'~').contains(&b)));
            prop_assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), text);
        }
    }
}

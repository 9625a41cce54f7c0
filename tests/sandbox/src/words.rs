//! Made-up identifiers in the shape of Dropbox's.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Random text of `len` characters from `A–Z a–z 0–9 - _`.
pub fn fresh(len: usize) -> String {
    let mut out = String::with_capacity(len + 24);
    while out.len() < len {
        URL_SAFE_NO_PAD.encode_string(rand::random::<[u8; 18]>(), &mut out);
    }
    out.truncate(len);
    out
}

/// An id of a file or folder.
pub fn fresh_id() -> String {
    format!("id:{}", fresh(22))
}

/// A revision: hex digits that end in the number, so that none comes twice.
pub fn fresh_rev(number: u64, ns: u64) -> String {
    format!("01{number:011x}{ns:012x}")
}

/// An upload session's id, in the length of today's.
pub fn fresh_session() -> String {
    format!("pid_upload_session:{}", fresh(50))
}

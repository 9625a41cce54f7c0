//! rclone.conf, whatever is in it: damaged inputs are errors, never panics, and never endless work.

use fuzzing::run;
use node_tool::config::rclone::{Token, decode, encoding, open, sealing, sections, take, words, wrappers};
use shared::secret::Secret;

const CONF: &[u8] = br#"# rclone
[dbx]
type = dropbox
client_id = a1b2c3d4e5f6g7h
client_secret =
token = {"access_token":"sl.B","token_type":"bearer","refresh_token":"r","expiry":"2026-11-23T17:00:00.123456789+01:00"}
encoding = Slash,BackSlash,Del,RightSpace,InvalidUtf8,Dot
batch_mode = async
root_namespace = 7

[crypt]
type = crypt
remote = dbx:secret
"#;

#[test]
fn fuzz_an_rclone_conf() {
    let utf16: Vec<u8> = "\u{feff}[dbx]\r\ntype = dropbox\r\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let sealed: &[u8] = b"# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\n5IyWh4bJPKVPTDqWAHHrKDqWAHHrKA6tdnTaBMdg";
    run(&[CONF, &utf16, sealed], |bytes| {
        let text = decode(bytes);
        let opened = open(&text, &Secret::new("password")).is_some();
        let found = sections(&text).map(|sections| {
            let taken: Vec<_> = sections
                .values()
                .map(|section| take(section, 1_700_000_000).map(|taken| taken.differences.len()))
                .collect();
            (taken, wrappers(&sections).len())
        });
        (
            sealing(&text) as u8,
            opened,
            found.map_err(|error| error.to_string()),
        )
    });
}

#[test]
fn fuzz_values_of_an_rclone_conf() {
    let examples: [&[u8]; 3] = [
        br#"{"access_token":"sl.B","refresh_token":"r","expiry":"0001-01-01T00:00:00Z"}"#,
        b"Slash,BackSlash,Del,RightSpace,InvalidUtf8,Dot",
        br#"ssh -p 2222 "a b" 'c'"#,
    ];
    run(&examples, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        (
            Token::parse(&text).map_err(|error| error.to_string()).is_ok(),
            std::mem::discriminant(&encoding::read(Some(&text))),
            words(&text).len(),
        )
    });
}

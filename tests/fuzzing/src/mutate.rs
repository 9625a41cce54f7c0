//! Ways to damage an input.

use rand::{RngExt as _, rngs::StdRng};

/// Maximum length of an input.
const MAX_LENGTH: usize = 64 * 1024;
/// Bytes that parsers treat in a way of their own.
const BYTES: &[u8] = b"\0\t\n\r\x1b \"'\\/.,:;-_=+*?!#$%&()[]{}<>|~09azAZ\x7f\x80\xbf\xc3\xff";
/// Texts that parsers treat in a way of their own.
const TEXTS: &[&str] = &[
    "0",
    "-1",
    "255",
    "4294967296",
    "18446744073709551615",
    "18446744073709551616",
    "1e999",
    "0.0000001",
    "null",
    "true",
    "[]",
    "{}",
    "\"\"",
    "\\u0000",
    "\\ud800",
    "\u{feff}",
    "\u{202e}",
    "e\u{301}",
    "😀",
    "%00",
    "%ff",
    "../",
    "//",
    "\r\n",
    "\u{1b}[31m",
];

/// Returns one of `pool`, damaged in one to six places.
pub(crate) fn mutate(pool: &[Vec<u8>], random: &mut StdRng) -> Vec<u8> {
    let mut input = pool[random.random_range(0..pool.len())].clone();
    for _ in 0..random.random_range(1..=6) {
        once(&mut input, pool, random);
    }
    input.truncate(MAX_LENGTH);
    input
}

fn once(input: &mut Vec<u8>, pool: &[Vec<u8>], random: &mut StdRng) {
    let at = random.random_range(0..=input.len());
    let end = random.random_range(at..=input.len().min(at + 64));
    match random.random_range(0..10) {
        0 if at < input.len() => input[at] ^= 1 << random.random_range(0..8),
        1 if at < input.len() => input[at] = BYTES[random.random_range(0..BYTES.len())],
        2 => input.insert(at, BYTES[random.random_range(0..BYTES.len())]),
        3 => drop(input.drain(at..end)),
        4 => {
            let part = input[at..end].repeat(random.random_range(1..=8));
            drop(input.splice(at..at, part));
        }
        5 => input.truncate(at),
        6 => {
            let text = TEXTS[random.random_range(0..TEXTS.len())];
            drop(input.splice(at..end, text.bytes()));
        }
        7 => {
            let other = &pool[random.random_range(0..pool.len())];
            let from = random.random_range(0..=other.len());
            drop(input.splice(at.., other[from..].iter().copied()));
        }
        8 => number(input, at, random),
        _ => {
            let byte: u8 = random.random();
            input.insert(at, byte);
        }
    }
}

/// Replaces the first number after `at`.
fn number(input: &mut Vec<u8>, at: usize, random: &mut StdRng) {
    let digit = |byte: &u8| byte.is_ascii_digit();
    let Some(start) = input[at..].iter().position(digit).map(|offset| at + offset) else {
        return;
    };
    let length = input[start..].iter().take_while(|byte| digit(byte)).count();
    let text = TEXTS[random.random_range(0..8)];
    drop(input.splice(start..start + length, text.bytes()));
}

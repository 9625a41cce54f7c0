//! What comes from the login node: the question, somewhere in what the shell there prints, of any kind and any length.

use std::io::Read;

use shared::pairing::Pairing;

/// A line longer than this is no longer kept as a whole: its end is, where the question may stand.
const LINE_BYTES: usize = 64 * 1024;
/// What is kept of a longer one; the question is much shorter.
const TAIL_BYTES: usize = 4 * 1024;
/// Who prints more than this without a question doesn't come to it.
const GREETING_BYTES: u64 = 16 << 20;

/// What was heard.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// The question.
    Pairing(Pairing),
    /// A second one, that differs: one of them isn't node-tool's.
    TwoPairings,
    /// A question that only another version of the authorizer understands.
    OtherVersion,
    /// More than any greeting has.
    TooMuch,
}

/// Reads to the end and tells what is heard. What comes behind the question is read too, so that nobody has to wait for
/// a reader, and dropped.
pub fn listen(mut from: impl Read, mut tell: impl FnMut(Heard)) {
    let mut first: Option<Pairing> = None;
    let mut line = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut total: u64 = 0;
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        let (mut found, mut other) = (Vec::new(), false);
        for piece in buffer[..count].split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let text = String::from_utf8_lossy(&line);
                other |= Pairing::is_of_other_version(&text);
                found.extend(Pairing::parse(&text));
                line.clear();
            } else if line.len() > LINE_BYTES {
                line.drain(..line.len() - TAIL_BYTES);
            }
        }
        judge(found, &mut first, &mut tell);
        if other && first.is_none() {
            tell(Heard::OtherVersion);
        }
        let before = total;
        total = total.saturating_add(count as u64);
        if first.is_none() && before <= GREETING_BYTES && total > GREETING_BYTES {
            tell(Heard::TooMuch);
        }
    }
    judge(
        Pairing::parse(&String::from_utf8_lossy(&line)),
        &mut first,
        &mut tell,
    );
}

/// Tells of the first question, once all that came with it is known, and of one that differs.
fn judge(
    found: impl IntoIterator<Item = Pairing>,
    first: &mut Option<Pairing>,
    tell: &mut impl FnMut(Heard),
) {
    let mut found = found.into_iter();
    let fresh = if first.is_none() { found.next() } else { None };
    let known = fresh.as_ref().or(first.as_ref());
    if found.any(|other| Some(&other) != known) {
        tell(Heard::TwoPairings);
    } else if let Some(pairing) = &fresh {
        tell(Heard::Pairing(pairing.clone()));
    }
    if fresh.is_some() {
        *first = fresh;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::pkce::Challenge;

    const ONE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    const OTHER: &str = "DPebfg0lO6FXzxXzywikEQm4i5dB5ykwE9u-oyln3lo";

    fn pairing(challenge: &str) -> Pairing {
        Pairing {
            app_key: "abc123".into(),
            challenge: Challenge::parse(challenge).unwrap(),
        }
    }

    fn heard(bytes: &[u8]) -> Vec<Heard> {
        let mut all = Vec::new();
        listen(bytes, |heard| all.push(heard));
        all
    }

    #[test]
    fn the_question_is_found_in_whatever_is_printed() {
        let line = pairing(ONE).line();
        let long = "x".repeat(200_000);
        for text in [
            format!("{line}\n"),
            line.clone(), // without an end
            format!("Welcome\n\n{line}\nGood bye\n"),
            format!("{long}{line}\n"),
            format!("{long}\n{long}{line}\n{long}"),
            format!("{line}\n{line}\n"),
        ] {
            assert_eq!(heard(text.as_bytes()), [Heard::Pairing(pairing(ONE))]);
        }
        let latin = [b"Gr\xfc\xdfe vom Cluster\n", line.as_bytes(), b"\r\n"].concat();
        assert_eq!(heard(&latin), [Heard::Pairing(pairing(ONE))]);
        assert_eq!(heard(b"Welcome\n"), []);
        let newer = line.replace("pairing1", "pairing2");
        assert_eq!(heard(format!("{newer}\n").as_bytes()), [Heard::OtherVersion]);
    }

    #[test]
    fn two_questions_are_none() {
        let both = format!("{}\n{}\n", pairing(ONE).line(), pairing(OTHER).line());
        assert_eq!(heard(both.as_bytes()), [Heard::TwoPairings]);
        // Apart, the first has been told already.
        let apart = both.as_bytes().split_inclusive(|byte| *byte == b'\n');
        let mut pieces = apart.map(<[u8]>::to_vec);
        let mut all = Vec::new();
        listen(Pieces(&mut pieces), |heard| all.push(heard));
        assert_eq!(all, [Heard::Pairing(pairing(ONE)), Heard::TwoPairings]);
    }

    #[test]
    fn endless_output_is_told_once_and_not_kept() {
        let endless = std::io::repeat(b'y').take(GREETING_BYTES * 2);
        let mut all = Vec::new();
        listen(endless, |heard| all.push(heard));
        assert_eq!(all, [Heard::TooMuch]);
    }

    struct Pieces<'a>(&'a mut dyn Iterator<Item = Vec<u8>>);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let piece = self.0.next().unwrap_or_default();
            buffer[..piece.len()].copy_from_slice(&piece);
            Ok(piece.len())
        }
    }
}

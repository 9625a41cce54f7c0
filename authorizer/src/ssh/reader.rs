//! Reads the output of the login node: the pairing, somewhere in what the shell there prints.

use std::io::Read;

use shared::pairing::Pairing;

/// Maximum length of a line that is kept as a whole; of a longer one the end is kept, where the pairing may be.
const MAX_LINE_BYTES: usize = 64 * 1024;
/// How much of a longer line is kept; a pairing is much shorter.
const TAIL_BYTES: usize = 4 * 1024;
/// Maximum size of the output before the pairing.
const MAX_GREETING_BYTES: u64 = 16 << 20;

/// What was found in the output.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// The first pairing.
    Pairing(Pairing),
    /// A second pairing, which differs: one of them isn't node-tool's.
    TwoPairings,
    /// A pairing that only another version of the authorizer understands.
    OtherVersion,
    /// More output than any greeting has, without a pairing.
    TooMuch,
}

/// Reads to the end and reports what is found. What follows the pairing is read and dropped, so that the writer never has to
/// wait for a reader.
pub(super) fn read(mut from: impl Read, mut report: impl FnMut(Finding)) {
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
            } else if line.len() > MAX_LINE_BYTES {
                line.drain(..line.len() - TAIL_BYTES);
            }
        }
        judge(found, &mut first, &mut report);
        if other && first.is_none() {
            report(Finding::OtherVersion);
        }
        let before = total;
        total = total.saturating_add(count as u64);
        if first.is_none() && before <= MAX_GREETING_BYTES && total > MAX_GREETING_BYTES {
            report(Finding::TooMuch);
        }
    }
    judge(
        Pairing::parse(&String::from_utf8_lossy(&line)),
        &mut first,
        &mut report,
    );
}

/// Reports the first pairing, once all that came with it is known, and one that differs.
fn judge(
    found: impl IntoIterator<Item = Pairing>,
    first: &mut Option<Pairing>,
    report: &mut impl FnMut(Finding),
) {
    let mut found = found.into_iter();
    let fresh = if first.is_none() { found.next() } else { None };
    let known = fresh.as_ref().or(first.as_ref());
    if found.any(|other| Some(&other) != known) {
        report(Finding::TwoPairings);
    } else if let Some(pairing) = &fresh {
        report(Finding::Pairing(pairing.clone()));
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

    fn findings(bytes: &[u8]) -> Vec<Finding> {
        let mut all = Vec::new();
        read(bytes, |finding| all.push(finding));
        all
    }

    #[test]
    fn the_pairing_is_found_in_whatever_is_printed() {
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
            assert_eq!(findings(text.as_bytes()), [Finding::Pairing(pairing(ONE))]);
        }
        let latin = [b"Gr\xfc\xdfe vom Cluster\n", line.as_bytes(), b"\r\n"].concat();
        assert_eq!(findings(&latin), [Finding::Pairing(pairing(ONE))]);
        assert_eq!(findings(b"Welcome\n"), []);
        let newer = line.replace("pairing1", "pairing2");
        assert_eq!(findings(format!("{newer}\n").as_bytes()), [Finding::OtherVersion]);
    }

    #[test]
    fn two_pairings_are_none() {
        let both = format!("{}\n{}\n", pairing(ONE).line(), pairing(OTHER).line());
        assert_eq!(findings(both.as_bytes()), [Finding::TwoPairings]);
        // Apart, the first has been reported already.
        let apart = both.as_bytes().split_inclusive(|byte| *byte == b'\n');
        let mut pieces = apart.map(<[u8]>::to_vec);
        let mut all = Vec::new();
        read(Pieces(&mut pieces), |finding| all.push(finding));
        assert_eq!(all, [Finding::Pairing(pairing(ONE)), Finding::TwoPairings]);
    }

    #[test]
    fn endless_output_is_reported_once_and_not_kept() {
        let endless = std::io::repeat(b'y').take(MAX_GREETING_BYTES * 2);
        let mut all = Vec::new();
        read(endless, |finding| all.push(finding));
        assert_eq!(all, [Finding::TooMuch]);
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

//! How to read what has two meanings.

/// Which of two meanings to assume.
#[derive(Clone, Copy, Default)]
pub(super) struct Guess {
    /// A long dash means one hyphen, rather than two.
    pub(super) short_dash: bool,
    /// In quoted-printable, `=` at the end of a line belongs to what follows (`=`, `0D`), rather than to the line end.
    pub(super) cut_escapes: bool,
}

pub(super) const SHORT_DASH: Guess = Guess {
    short_dash: true,
    cut_escapes: false,
};
pub(super) const CUT_ESCAPES: Guess = Guess {
    short_dash: false,
    cut_escapes: true,
};

//! `check --combined`: the result for each path, in one character.

use super::names::on_one_line;

/// The result for a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// The same on both sides.
    Same,
    /// Only on the target.
    MissingOnSource,
    /// Only on the source.
    MissingOnTarget,
    /// On both sides, and different.
    Different,
    /// Could not be read or hashed.
    Failed,
}

impl Checked {
    /// As in a diff.
    pub fn symbol(self) -> char {
        match self {
            Self::Same => '=',
            Self::MissingOnSource => '-',
            Self::MissingOnTarget => '+',
            Self::Different => '*',
            Self::Failed => '!',
        }
    }

    /// Returns a line, without its end.
    pub fn line(self, path: &str) -> String {
        format!("{} {}", self.symbol(), on_one_line(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_has_its_symbol() {
        for (outcome, line) in [
            (Checked::Same, "= a"),
            (Checked::MissingOnSource, "- a"),
            (Checked::MissingOnTarget, "+ a"),
            (Checked::Different, "* a"),
            (Checked::Failed, "! a"),
        ] {
            assert_eq!(outcome.line("a"), line);
        }
    }
}

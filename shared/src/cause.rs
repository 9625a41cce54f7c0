//! Finds the cause in a chain of errors.

use std::{error::Error, io};

/// Returns an error and its sources, outermost first, with the errors that I/O errors wrap: their own source skips them.
pub fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| next(*error))
}

fn next<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

/// Returns the first error of type `E` in the [`chain`].
pub fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    chain(error).find_map(|error| error.downcast_ref())
}

/// Returns the message of the deepest error; the others only repeat it.
pub fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().unwrap_or(error).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, thiserror::Error)]
    #[error("the cause")]
    struct Cause;

    #[derive(Debug, thiserror::Error)]
    #[error("around it")]
    struct Outer(#[source] io::Error);

    #[test]
    fn a_cause_is_found_however_deep_it_is() {
        let deep = Outer(io::Error::other(io::Error::other(Cause)));
        assert_eq!(find::<Cause>(&deep), Some(&Cause));
        assert_eq!(find::<Cause>(&Cause), Some(&Cause));
        assert_eq!(find::<Cause>(&io::Error::other("the network is down")), None);
        assert_eq!(innermost(&Outer(io::Error::other("the disk"))), "the disk");
    }
}

//! `copy f.txt dbx:new.txt`: in rclone that makes a folder called `new.txt`, which is hardly what is meant.

use std::path::Path;

use engine::plan::Verb;
use shared::{failure::Failure, plain::quoted};
use stores::Place;

use super::{Request, word};

/// Returns the folder and the new name, if the target of a single file called `name`, at which nothing is, is meant as its own
/// new place. `None` if it is a folder to make.
///
/// # Errors
/// When that isn't certain.
pub(super) fn meant(
    request: &Request<'_>,
    target: &Place,
    name: &str,
) -> Result<Option<(Place, String)>, Failure> {
    if request.dest_is_name || request.verb == Verb::Sync || request.dest.ends_with('/') {
        return Ok(None);
    }
    let Some((folder, last)) = target.split() else {
        return Ok(None);
    };
    if last == name {
        return Ok(Some((folder, last)));
    }
    let ending = |name: &str| {
        Path::new(name)
            .extension()
            .map(|ending| ending.to_ascii_lowercase())
    };
    if ending(&last).is_none() || ending(&last) != ending(name) {
        return Ok(None);
    }
    let verb = word(request.verb);
    let line = |verb: &str, slash: &str| {
        let dest = format!("{}{slash}", request.dest);
        format!("node-tool {verb} {} {}", quoted(request.source), quoted(&dest))
    };
    Err(Failure::usage(format!(
        "is '{target}' a folder to make, or the new name of '{name}'?"
    ))
    .next(format!("{}   if it is the name", line(&format!("{verb}to"), "")))
    .next(format!("{}   if it is a folder", line(verb, "/"))))
}

//! Which folders may hold what a pattern matches, so that the others need not be listed.
//!
//! These are rclone's rules, with their quirks: `a/*.jpg` leads only to a folder `a` at the top, although
//! the pattern alone would match in any `a`.

/// A slash that matches no file, but every folder.
const ALL: &str = "/**";

/// Returns patterns of the folders on the way to what `glob` matches; each ends in a slash or in `**`.
pub(super) fn on_the_way_to(glob: &str) -> Vec<String> {
    if is_opaque(glob) {
        return vec![ALL.into()];
    }
    let mut rest = squash_slashes(glob);
    let mut folders: Vec<String> = Vec::new();
    // From the innermost folder outwards: what is before a slash is one, and so is what `**` may match.
    while let Some(cut) = last_cut(&rest) {
        let folder = match cut {
            Cut::Slash(at) => format!("{}/", &rest[..at]),
            Cut::Stars(at) => format!("{}**/", &rest[..at]),
        };
        let (Cut::Slash(at) | Cut::Stars(at)) = cut;
        rest.truncate(at);
        if folders.last() != Some(&folder) {
            folders.push(folder);
        }
    }
    if folders.is_empty() {
        folders.push(ALL.into());
    }
    folders.retain(|folder| folder != "/"); // the top is always listed
    folders
}

enum Cut {
    Slash(usize),
    Stars(usize),
}

fn last_cut(glob: &str) -> Option<Cut> {
    match (glob.rfind('/'), glob.rfind("**")) {
        (slash, Some(stars)) if slash.is_none_or(|slash| stars > slash) => Some(Cut::Stars(stars)),
        (slash, _) => slash.map(Cut::Slash),
    }
}

/// Regular expressions, nested braces, and braces around a slash or `**` can't be taken apart.
fn is_opaque(glob: &str) -> bool {
    if glob.contains("{{") || glob.contains("}}") {
        return true;
    }
    // Escaped braces count as well: that lists a folder too much at worst.
    let mut pieces = glob.split('{').skip(1).peekable();
    while let Some(piece) = pieces.next() {
        let is_hard = match piece.split_once('}') {
            Some((inside, _)) => inside.contains('/') || inside.contains("**"),
            None => pieces.peek().is_some(), // nested
        };
        if is_hard {
            return true;
        }
    }
    false
}

fn squash_slashes(glob: &str) -> String {
    let mut out = String::with_capacity(glob.len());
    for c in glob.chars() {
        if c != '/' || !out.ends_with('/') {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_derived_as_rclone_does() {
        for (glob, folders) in [
            ("*", vec!["/**"]),
            ("*.jpg", vec!["/**"]),
            ("/*.jpg", vec![]),
            ("/a/*.jpg", vec!["/a/"]),
            ("a/*.jpg", vec!["a/"]),
            ("/a//b/c.jpg", vec!["/a/b/", "/a/"]),
            ("/a/b**c/d", vec!["/a/b**c/", "/a/b**/", "/a/"]),
            ("/a/**", vec!["/a/**/", "/a/"]),
            ("**", vec!["**/"]),
            ("**/x", vec!["**/"]),
            ("{a,b}/c", vec!["{a,b}/"]),
            ("{a/b,c}", vec!["/**"]),
            ("{a**,c}", vec!["/**"]),
            ("/{a,{b,c}}/d", vec!["/**"]),
            ("/{{a}}/d", vec!["/**"]),
            ("/x/{a,b}/{c,d}", vec!["/x/{a,b}/", "/x/"]),
        ] {
            assert_eq!(on_the_way_to(glob), folders, "{glob}");
        }
    }
}

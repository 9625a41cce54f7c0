//! Remotes of rclone that lie on others: crypt, alias, combine, union, chunker …

use std::collections::BTreeMap;

use super::{KIND, Section, words};

/// Returns the remotes that lie on a Dropbox, directly or through others, each with its kind and the place.
pub fn wrappers(sections: &BTreeMap<String, Section>) -> Vec<(&str, &str, String)> {
    let kind = |keys: &'_ Section| keys.get("type").cloned().unwrap_or_default();
    let mut on_dropbox: Vec<&str> = sections
        .iter()
        .filter(|(_, keys)| kind(keys) == KIND)
        .map(|(name, _)| name.as_str())
        .collect();
    let mut found: Vec<(&str, &str, String)> = Vec::new();
    loop {
        let next = sections.iter().find_map(|(name, keys)| {
            let kind = keys.get("type").filter(|kind| *kind != KIND)?;
            let is_new = !on_dropbox.contains(&name.as_str());
            let place = keys
                .iter()
                .filter(|(key, _)| matches!(key.as_str(), "remote" | "upstreams" | "remotes"))
                .flat_map(|(_, value)| places(value))
                .find(|place| lies_on(place, &on_dropbox));
            Some((name.as_str(), kind.as_str(), place?)).filter(|_| is_new)
        });
        let Some(wrapper) = next else { return found };
        on_dropbox.push(wrapper.0);
        found.push(wrapper);
    }
}

/// The places in a value: one, or a list such as `dbx:a "work=dbx:b c"`.
fn places(value: &str) -> Vec<String> {
    let parts = std::iter::once(value.trim().to_owned()).chain(words(value));
    let each = |part: String| {
        let behind = part.split_once('=').map(|(_, place)| place.to_owned());
        std::iter::once(part).chain(behind)
    };
    parts.flat_map(each).collect()
}

fn lies_on(place: &str, remotes: &[&str]) -> bool {
    let Some((name, _)) = place.split_once(':') else {
        return false;
    };
    // `:dropbox,opt=x:path` is a Dropbox without a section; `dbx,opt=x:path` one with other settings.
    let inline = place
        .strip_prefix(':')
        .is_some_and(|rest| rest.split([',', ':']).next() == Some(KIND));
    let name = name.split(',').next().unwrap_or(name);
    inline || remotes.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_on_a_dropbox_is_found() {
        let text = "[dbx]\ntype = dropbox\n[my box]\ntype = dropbox\n[other]\ntype = s3\n\
            [secret]\ntype = crypt\nremote = dbx:Secret\n[deep]\ntype = chunker\nremote = secret:x\n\
            [both]\ntype = combine\nupstreams = a=other:x \"b=my box:y z\"\n\
            [union]\ntype = union\nupstreams = other: /disk dbx,shared_files=true:\n\
            [inline]\ntype = alias\nremote = :dropbox,token=x:y\n\
            [apart]\ntype = crypt\nremote = other:dbx:\n[file]\ntype = alias\nremote = /home/x\n[odd]\nremote = dbx:\n";
        let sections = super::super::sections(text).unwrap();
        let mut found = wrappers(&sections);
        found.sort_unstable();
        let names: Vec<_> = found.iter().map(|(name, kind, _)| (*name, *kind)).collect();
        let expected = [
            ("both", "combine"),
            ("deep", "chunker"),
            ("inline", "alias"),
            ("secret", "crypt"),
            ("union", "union"),
        ];
        assert_eq!(names, expected);
        assert_eq!(found[3].2, "dbx:Secret");
    }
}

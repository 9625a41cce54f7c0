//! `listremotes`: the names of the remotes.

use std::collections::BTreeSet;

use serde::Serialize;
use shared::{exit, failure::Failure};

use crate::{
    commands::{App, config_failure},
    config::Environment,
    report,
};

/// The kind of all remotes of ours, in rclone's words.
const KIND: &str = "dropbox";

/// The arguments of `listremotes`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  node-tool listremotes\n  node-tool listremotes --json | jq -r '.[].name'"
)]
pub struct Args {
    /// List only those whose name, type or source has TEXT in it; * and ? stand for any characters
    #[arg(value_name = "TEXT")]
    filter: Option<String>,
    /// Also show the type and description
    #[arg(long)]
    long: bool,
    /// List only those with TEXT in their name
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// List only those with TEXT in their type, which is always dropbox
    #[arg(long = "type", value_name = "TEXT")]
    kind: Option<String>,
    /// List only those with TEXT in their source: file or environment
    #[arg(long, value_name = "TEXT")]
    source: Option<String>,
    /// Sort by name, type, source or description; =descending turns it around
    #[arg(long, value_name = "FIELDS", value_parser = order)]
    order_by: Option<Order>,
    /// Compare whole values
    #[arg(long)]
    exact: bool,
}

/// A remote as rclone shows it.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Listed {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    source: &'static str,
    description: String,
}

/// Lists them.
///
/// # Errors
/// When the config can't be read.
pub fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let config = app.store.load().map_err(config_failure)?;
    let environment = Environment::here();
    let sections = app.store.sections().map_err(config_failure)?.unwrap_or_default();
    let names: BTreeSet<String> = config
        .remotes
        .into_keys()
        .chain(sections.keys().cloned())
        .collect();
    let listed = |name: String| {
        // rclone's own file may have remotes of other kinds, which are listed like the others.
        let key = |key: &str| sections.get(&name).and_then(|keys| keys.get(key)).cloned();
        let kind = match sections.contains_key(&name) {
            true => key("type").unwrap_or_default(),
            false => KIND.to_owned(),
        };
        Listed {
            source: match environment.login_of(&name) {
                Some(_) => "environment",
                None => "file",
            },
            kind,
            description: key("description").unwrap_or_default(),
            name,
        }
    };
    let mut remotes: Vec<Listed> = names.into_iter().map(listed).collect();
    remotes.retain(|remote| args.lets_in(remote));
    if let Some(Order(fields)) = &args.order_by {
        remotes.sort_by(|a, b| compare(a, b, fields));
    }
    match report::json::is_own() {
        true => report::json_results(json(&remotes).into_iter())?,
        false => report::results(lines(&remotes, args.long).into_iter())?,
    }
    Ok(exit::SUCCESS)
}

/// Returns a field of a remote.
type Field = fn(&Listed) -> &str;

/// Fields to sort by, and whether each is turned around.
#[derive(Clone, Debug)]
struct Order(Vec<(Field, bool)>);

fn order(text: &str) -> Result<Order, String> {
    let field = |part: &str| {
        let (name, direction) = part.split_once('=').unwrap_or((part, "ascending"));
        let field: Field = match name.to_ascii_lowercase().as_str() {
            "name" => |remote| &remote.name,
            "type" => |remote| &remote.kind,
            "source" => |remote| remote.source,
            "description" => |remote| &remote.description,
            _ => {
                return Err(format!(
                    "there is no field '{name}': name, type, source or description"
                ));
            }
        };
        match direction.to_ascii_lowercase().as_str() {
            "ascending" | "asc" => Ok((field, false)),
            "descending" | "desc" => Ok((field, true)),
            _ => Err(format!("'{direction}' is no direction: ascending or descending")),
        }
    };
    text.split(',').map(field).collect::<Result<_, _>>().map(Order)
}

fn compare(a: &Listed, b: &Listed, fields: &[(Field, bool)]) -> std::cmp::Ordering {
    let by = |(field, turned): &(Field, bool)| {
        let order = field(a).cmp(field(b));
        if *turned { order.reverse() } else { order }
    };
    fields
        .iter()
        .map(by)
        .find(|order| order.is_ne())
        .unwrap_or(std::cmp::Ordering::Equal)
}

impl Args {
    fn lets_in(&self, remote: &Listed) -> bool {
        let matches = |pattern: &Option<String>, value: &str| {
            let pattern = pattern.as_deref().filter(|pattern| !pattern.is_empty());
            pattern.is_none_or(|pattern| matches(pattern, value, self.exact))
        };
        let all = [&remote.name, &remote.kind, remote.source, &remote.description];
        all.iter().any(|value| matches(&self.filter, value))
            && matches(&self.name, &remote.name)
            && matches(&self.kind, &remote.kind)
            && matches(&self.source, remote.source)
    }
}

/// Whether a value matches a pattern in which `*` and `?` stand for any characters; unless `exact`, a part of it is enough.
fn matches(pattern: &str, value: &str, exact: bool) -> bool {
    fn whole(pattern: &[char], value: &[char]) -> bool {
        match pattern.split_first() {
            None => value.is_empty(),
            Some(('*', rest)) => (0..=value.len()).any(|at| whole(rest, &value[at..])),
            Some(('?', rest)) => !value.is_empty() && whole(rest, &value[1..]),
            Some((c, rest)) => value.first() == Some(c) && whole(rest, &value[1..]),
        }
    }
    let pattern = match exact {
        true => pattern.to_owned(),
        false => format!("*{pattern}*"),
    };
    let chars = |text: &str| text.chars().collect::<Vec<_>>();
    whole(&chars(&pattern), &chars(value))
}

fn json(remotes: &[Listed]) -> Vec<String> {
    let last = remotes.len().saturating_sub(1);
    let line = |(at, remote): (usize, &Listed)| {
        let json = serde_json::to_string(remote).unwrap_or_default();
        if at == last { json } else { json + "," }
    };
    let lines = remotes.iter().enumerate().map(line);
    let begin = std::iter::once("[".to_owned());
    begin.chain(lines).chain(["]".to_owned()]).collect()
}

fn lines(remotes: &[Listed], long: bool) -> Vec<String> {
    let widest = |of: fn(&Listed) -> &str| remotes.iter().map(|remote| of(remote).chars().count()).max();
    let name_width = widest(|remote| &remote.name).unwrap_or(0) + 1;
    let kind_width = widest(|remote| &remote.kind).unwrap_or(0);
    let line = |remote: &Listed| {
        let name = format!("{}:", remote.name);
        match long {
            true => format!(
                "{name:name_width$} {:kind_width$} {}",
                remote.kind, remote.description
            ),
            false => name,
        }
    };
    remotes.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(name: &str) -> Listed {
        Listed {
            name: name.into(),
            kind: KIND.into(),
            source: "file",
            description: String::new(),
        }
    }

    #[test]
    fn remotes_are_listed_as_rclone_lists_them() {
        let remotes = [remote("a-long"), remote("dbx")];
        assert_eq!(lines(&remotes, false), ["a-long:", "dbx:"]);
        assert_eq!(lines(&remotes, true), ["a-long: dropbox ", "dbx:    dropbox "]);
        assert_eq!(
            json(&remotes),
            [
                "[",
                r#"{"name":"a-long","type":"dropbox","source":"file","description":""},"#,
                r#"{"name":"dbx","type":"dropbox","source":"file","description":""}"#,
                "]"
            ]
        );
        assert_eq!(json(&[]), ["[", "]"]);
    }

    #[test]
    fn remotes_are_sorted_by_fields() {
        let mut remotes = [remote("b"), remote("a"), remote("c")];
        remotes[0].source = "environment";
        for (text, expected) in [("name", "abc"), ("type,name=desc", "cba"), ("source,name", "bac")] {
            let Order(fields) = order(text).unwrap();
            remotes.sort_by(|a, b| compare(a, b, &fields));
            let names: String = remotes.iter().map(|remote| remote.name.as_str()).collect();
            assert_eq!(names, expected, "{text}");
        }
        assert!(order("age").is_err() && order("name=up").is_err());
    }

    #[test]
    fn patterns_match_parts_unless_exact() {
        for (pattern, value, exact, expected) in [
            ("box", "dropbox", false, true),
            ("box", "dropbox", true, false),
            ("*box", "dropbox", true, true),
            ("d?x", "dbx", true, true),
            ("d?x", "dropbox", true, false),
            ("s3", "dropbox", false, false),
        ] {
            assert_eq!(matches(pattern, value, exact), expected, "{pattern} {value}");
        }
    }
}

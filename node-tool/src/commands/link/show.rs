//! How links are shown.

use crate::client::Link;
use engine::entry::Modified;
use jiff::tz::TimeZone;

use super::settings::word;
use crate::report::format::{on_one_line, plain_time};

/// Returns a link's line in a list: audience, access, end, what else it needs, address, path.
pub(super) fn line(link: &Link, zone: &TimeZone) -> String {
    let path = link.path_lower.as_deref().unwrap_or(&link.name);
    format!(
        "{:<8} {:<7} {:<19} {:<21} {} {}",
        audience(link),
        access(link),
        end(link, zone).unwrap_or_else(|| "-".into()),
        limits(link),
        on_one_line(&link.url),
        on_one_line(path),
    )
}

/// Returns what is known of a link, a line for each fact.
pub(super) fn info(link: &Link, zone: &TimeZone) -> String {
    let kind = match link.size {
        Some(bytes) if link.rev.is_some() => format!("file, {bytes} B"),
        _ => "folder".to_owned(),
    };
    let mut facts = vec![
        ("Name", on_one_line(&link.name).into_owned()),
        ("Kind", kind),
        ("Link", on_one_line(&link.url).into_owned()),
        ("Audience", audience(link).to_owned()),
        ("Access", access(link).to_owned()),
        ("Ends", end(link, zone).unwrap_or_else(|| "never".into())),
        ("Limits", limits(link)),
    ];
    if let Some(path) = &link.path_lower {
        facts.push(("Path", on_one_line(path).into_owned()));
    }
    if let Some(owner) = link
        .team_member_info
        .as_ref()
        .filter(|owner| !owner.display_name.is_empty())
    {
        facts.push(("Owner", on_one_line(&owner.display_name).into_owned()));
    }
    facts
        .iter()
        .map(|(name, fact)| format!("{:<10}{fact}\n", format!("{name}:")))
        .collect()
}

fn audience(link: &Link) -> &str {
    let permissions = &link.link_permissions;
    let reached = permissions
        .effective_audience
        .as_ref()
        .or(permissions.resolved_visibility.as_ref());
    reached.map_or("-", |audience| word(&audience.tag))
}

fn access(link: &Link) -> &str {
    let level = link.link_permissions.link_access_level.as_ref();
    level.map_or("-", |level| level.tag.as_str())
}

fn end(link: &Link, zone: &TimeZone) -> Option<String> {
    let end = link.expires.map(|end| Modified {
        seconds: end.0,
        nanoseconds: 0,
    });
    end.map(|end| plain_time(end, zone, 0))
}

fn limits(link: &Link) -> String {
    let permissions = &link.link_permissions;
    let password = (permissions.require_password == Some(true)).then_some("password");
    let download = (!permissions.allow_download).then_some("no download");
    let limits: Vec<&str> = password.into_iter().chain(download).collect();
    match limits.is_empty() {
        true => "-".into(),
        false => limits.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{"url":"https://u","name":"f\n.txt","path_lower":"/d/f\n.txt","rev":"1","size":5,
        "expires":"2030-01-02T03:04:05Z","link_permissions":{"effective_audience":{".tag":"no_one"},"allow_download":false,
        "link_access_level":{".tag":"viewer"},"require_password":true}}"#;

    #[test]
    fn a_link_is_shown_on_a_line_and_in_detail() {
        let link: Link = serde_json::from_str(FILE).unwrap();
        assert_eq!(
            line(&link, &TimeZone::UTC),
            "members  viewer  2030-01-02 03:04:05 password, no download https://u /d/f␊.txt"
        );
        let folder: Link = serde_json::from_str(r#"{"url":"https://u","name":"d"}"#).unwrap();
        let facts = "Name:     d\nKind:     folder\nLink:     https://u\nAudience: -\nAccess:   -\nEnds:     never\nLimits:   -\n";
        assert_eq!(info(&folder, &TimeZone::UTC), facts);
        let facts = info(&link, &TimeZone::UTC);
        assert!(
            facts.contains("Kind:     file, 5 B\n") && facts.contains("Path:     /d/f␊.txt\n"),
            "{facts}"
        );
    }
}

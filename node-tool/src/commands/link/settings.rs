//! What a link is to be like: the flags, and how they compare with what Dropbox made of them.

use std::path::PathBuf;

use clap::ValueEnum;
use engine::{entry::Modified, filter::Age};
use shared::{api::files::Time, failure::Failure};

use crate::{
    client::{Link, LinkSettings, LinkWish},
    flags::links::{ask, from_file},
};

/// Flags for the settings of a link.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Flags {
    /// When the link ends: in 24h, 7d, 2w …, at a date such as 2026-12-24, or off for never
    #[arg(long, value_name = "TIME", conflicts_with = "unlink")]
    expire: Option<Age>,
    /// Ask for a password that the link needs from now on
    #[arg(long, conflicts_with_all = ["unlink", "password_file", "no_password"])]
    password: bool,
    /// Read that password from the first line of FILE
    #[arg(long, value_name = "FILE", conflicts_with_all = ["unlink", "no_password"])]
    password_file: Option<PathBuf>,
    /// Open the link without a password again
    #[arg(long, conflicts_with = "unlink")]
    no_password: bool,
    /// Who may open it
    #[arg(long, value_name = "WHO", conflicts_with = "unlink")]
    audience: Option<Audience>,
    /// What they may do; an existing link keeps what it has
    #[arg(long, value_name = "WHAT", conflicts_with = "unlink")]
    access: Option<Access>,
    /// Let it be viewed in a browser only
    #[arg(long, conflicts_with_all = ["unlink", "download"])]
    no_download: bool,
    /// Allow downloads again
    #[arg(long, conflicts_with = "unlink")]
    download: bool,
}

/// Who may open a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Audience {
    /// Anybody who has it
    Public,
    /// Members of your team
    Team,
    /// Only those who have access to the file or folder anyhow
    #[value(alias = "no-one")]
    Members,
}

impl Audience {
    fn tag(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Team => "team",
            Self::Members => "no_one",
        }
    }
}

/// What people may do with a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Access {
    /// Look and download
    Viewer,
    /// Also change it
    Editor,
}

/// Returns an audience in the words of the flag.
pub(super) fn word(tag: &str) -> &str {
    match tag {
        "no_one" => "members",
        other => other,
    }
}

impl Flags {
    /// Returns what is wished for. Asks for the password, if it is to be asked for.
    ///
    /// # Errors
    /// When the password can't be read, or the end isn't in the future.
    pub(super) async fn wish(&self, now: Modified) -> Result<LinkWish, Failure> {
        let password = match &self.password_file {
            Some(file) => Some(from_file("--password-file", file)?),
            None if self.password => Some(ask("--password", "new password of the link (not shown)> ").await?),
            None => None,
        };
        let set = |tag: &str| Some(tag.to_owned());
        Ok(LinkWish {
            settings: LinkSettings {
                require_password: match password {
                    Some(_) => Some(true),
                    None => self.no_password.then_some(false),
                },
                link_password: password,
                expires: self.expire.map(|end| future(end, now)).transpose()?.flatten(),
                audience: self.audience.and_then(|audience| set(audience.tag())),
                access: self.access.and_then(|access| {
                    set(match access {
                        Access::Viewer => "viewer",
                        Access::Editor => "editor",
                    })
                }),
                allow_download: match (self.no_download, self.download) {
                    (true, _) => Some(false),
                    (false, true) => Some(true),
                    (false, false) => None,
                },
            },
            removes_expiry: self.expire == Some(Age::Off),
        })
    }
}

/// Returns a moment so long after `now`. `None` means never.
fn future(end: Age, now: Modified) -> Result<Option<Time>, Failure> {
    let end = match end {
        Age::Ago(nanoseconds) => Age::Ago(nanoseconds.saturating_neg()),
        other => other,
    };
    match end.before(now) {
        Some(end) if end <= now => Err(Failure::usage("--expire: that is over already")),
        end => Ok(end.map(|end| Time(end.seconds))),
    }
}

/// Returns what of a wish the link isn't like: a team's policy may count more.
pub(super) fn differences(wish: &LinkWish, link: &Link) -> Vec<String> {
    let (settings, permissions) = (&wish.settings, &link.link_permissions);
    let mut found = Vec::new();
    let reached = permissions
        .effective_audience
        .as_ref()
        .map(|audience| audience.tag.as_str());
    if let (Some(wanted), Some(reached)) = (&settings.audience, reached)
        && wanted != reached
    {
        let why =
            disallowed(link, wanted).unwrap_or("a policy of the team or of the shared folder counts more");
        found.push(format!(
            "the link reaches {} only, not {}: {why}",
            word(reached),
            word(wanted)
        ));
    }
    if let Some(wanted) = settings.expires
        && link.expires != Some(wanted)
    {
        found.push(match link.expires {
            Some(_) => {
                "the link ends at another time than was asked for: a policy of the team counts more".into()
            }
            None => "the link has no end: Dropbox didn't set it".to_owned(),
        });
    }
    if let (Some(wanted), Some(needed)) = (settings.require_password, permissions.require_password)
        && wanted != needed
    {
        found.push(match needed {
            true => "the link still needs its password: a policy of the team counts more".into(),
            false => "the link opens without a password: Dropbox didn't set it".to_owned(),
        });
    }
    if settings
        .allow_download
        .is_some_and(|wanted| wanted != permissions.allow_download)
    {
        found.push("whether the link can be downloaded is as it was: a policy counts more".into());
    }
    found
}

/// Returns whether the access that is wished for isn't what the link has.
pub(super) fn keeps_access(wish: &LinkWish, link: &Link) -> bool {
    let has = link
        .link_permissions
        .link_access_level
        .as_ref()
        .map(|level| &level.tag);
    wish.settings.access.is_some() && has.is_some() && wish.settings.access.as_ref() != has
}

/// Returns which settings of a wish can't be chosen for a link, with what can.
pub(super) fn refusals(wish: &LinkWish, link: &Link) -> Vec<String> {
    let (settings, permissions) = (&wish.settings, &link.link_permissions);
    let mut found = Vec::new();
    if settings.expires.is_some() && !permissions.can_set_expiry {
        found.push("--expire is not allowed for this link".to_owned());
    }
    if settings.link_password.is_some() && permissions.can_set_password == Some(false) {
        found.push("--password is not allowed for this link".into());
    }
    if settings.allow_download == Some(false) && !permissions.can_disallow_download {
        found.push("--no-download is not allowed for this link".into());
    }
    if let Some(wanted) = &settings.audience
        && let Some(why) = disallowed(link, wanted)
    {
        let allowed = permissions
            .audience_options
            .iter()
            .filter(|option| option.allowed);
        let allowed: Vec<&str> = allowed.map(|option| word(&option.audience.tag)).collect();
        found.push(match allowed.as_slice() {
            [] => format!("--audience {}: {why}", word(wanted)),
            some => format!("--audience {}: {why}; allowed: {}", word(wanted), some.join(", ")),
        });
    }
    found
}

/// Returns why an audience can't be chosen, in words. `None` if it can, or nothing is said of it.
fn disallowed(link: &Link, audience: &str) -> Option<&'static str> {
    let options = &link.link_permissions.audience_options;
    let option = options
        .iter()
        .find(|option| option.audience.tag == audience && !option.allowed)?;
    Some(
        match option
            .disallowed_reason
            .as_ref()
            .map(|reason| reason.tag.as_str())
        {
            Some("restricted_by_team") => "the team keeps its links to itself",
            Some("restricted_by_shared_folder") => "the shared folder around it keeps its links to itself",
            Some("user_not_on_team") => "this account is in no team",
            Some("user_account_type") => "this kind of account can't",
            Some("delete_and_recreate") => "the link has to be revoked and made anew for that",
            _ => "this account may not choose it",
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Modified = Modified {
        seconds: 1_000_000,
        nanoseconds: 0,
    };

    #[test]
    fn an_end_lies_in_the_future() {
        for (typed, end) in [
            ("24h", Some(Some(1_086_400))),
            ("7d", Some(Some(1_604_800))),
            ("1970-02-01T00:00:00Z", Some(Some(2_678_400))),
            ("off", Some(None)),
            ("0", None),
            ("-1h", None),
            ("1970-01-02", None),
        ] {
            let age: Age = typed.parse().unwrap();
            let found = future(age, NOW).ok().map(|end| end.map(|time| time.0));
            assert_eq!(found, end, "{typed}");
        }
    }

    fn link(json: &str) -> Link {
        serde_json::from_str(json).unwrap()
    }

    fn wish(settings: LinkSettings) -> LinkWish {
        LinkWish {
            settings,
            removes_expiry: false,
        }
    }

    const TEAM: &str = r#"{"url":"u","link_permissions":{"effective_audience":{".tag":"team"},"can_set_expiry":false,
        "link_access_level":{".tag":"viewer"},"audience_options":[
        {"audience":{".tag":"public"},"allowed":false,"disallowed_reason":{".tag":"restricted_by_team"}},
        {"audience":{".tag":"team"},"allowed":true},{"audience":{".tag":"no_one"},"allowed":true}]}}"#;

    #[test]
    fn a_policy_is_told_in_its_words_with_what_is_allowed() {
        let public = wish(LinkSettings {
            audience: Some("public".into()),
            expires: Some(Time(1)),
            ..LinkSettings::default()
        });
        assert_eq!(
            differences(&public, &link(TEAM)),
            [
                "the link reaches team only, not public: the team keeps its links to itself",
                "the link has no end: Dropbox didn't set it",
            ]
        );
        assert_eq!(
            refusals(&public, &link(TEAM)),
            [
                "--expire is not allowed for this link",
                "--audience public: the team keeps its links to itself; allowed: team, members",
            ]
        );
        let team = wish(LinkSettings {
            audience: Some("team".into()),
            ..LinkSettings::default()
        });
        assert!(differences(&team, &link(TEAM)).is_empty() && refusals(&team, &link(TEAM)).is_empty());
    }

    #[test]
    fn access_is_compared_where_it_is_known() {
        for (json, access, keeps) in [
            (TEAM, Some("editor"), true),
            (TEAM, Some("viewer"), false),
            (TEAM, None, false),
            (r#"{"url":"u"}"#, Some("editor"), false),
        ] {
            let settings = LinkSettings {
                access: access.map(str::to_owned),
                ..LinkSettings::default()
            };
            assert_eq!(keeps_access(&wish(settings), &link(json)), keeps, "{access:?}");
        }
    }
}

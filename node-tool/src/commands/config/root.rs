//! Where a remote's paths start: the member's own folder, or the team's space.

use shared::{api::users, failure::Failure, plain::quoted};

use super::super::ask;
use crate::config::{Defaults, Remote, Root};

/// What is known of the choice before the account is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wish {
    /// It was given by a flag.
    Must(Root),
    /// It is a default: of before, or the centre's. Without a team space it is the member's own folder.
    Rather(Root),
    /// The person may choose.
    Open,
}

impl Wish {
    /// Returns the choice for a remote that is connected, perhaps for the first time.
    pub(super) fn of(before: Option<&Remote>, defaults: &Defaults) -> Self {
        match (before.filter(|before| before.account_id.is_some()), defaults.root) {
            (Some(before), _) => Self::Rather(before.root()),
            (None, Some(root)) => Self::Rather(root),
            (None, None) => Self::Open,
        }
    }
}

/// Decides, and asks only if there is a choice and a person to ask. Returns the namespace to name in calls. `None` means
/// the member's own folder. `home` is the command that asks for that folder.
///
/// # Errors
/// When the team space must be and there is none.
pub(super) async fn choose(
    name: &str,
    account: &users::Account,
    wish: Wish,
    may_ask: bool,
    home: &str,
) -> Result<Option<String>, Failure> {
    let info = &account.root_info;
    let has_team_space = info.root_namespace_id != info.home_namespace_id;
    let root = match wish {
        Wish::Must(Root::Team) if !has_team_space => {
            return Err(Failure::usage(format!("{} has no team space", account.email)).next(home));
        }
        Wish::Must(root) => root,
        _ if !has_team_space => Root::Home,
        Wish::Rather(root) => root,
        Wish::Open if may_ask => ask_root(name, info).await?,
        Wish::Open => {
            crate::report::note(&format!(
                "{name}: starts at your own folder; for the team space: node-tool config edit {} --root team",
                quoted(name)
            ));
            Root::Home
        }
    };
    Ok((root == Root::Team).then(|| info.root_namespace_id.clone()))
}

async fn ask_root(name: &str, info: &users::RootInfo) -> Result<Root, Failure> {
    crate::report::said(&format!(
        "This is a team account. Where should {name}: start?\n  \
         home) your own folder{}\n  team) the whole team space\n",
        info.home_path
            .as_ref()
            .map(|path| format!(", {path} in the team space"))
            .unwrap_or_default()
    ))?;
    ask::root("root", Root::Home).await
}

//! Files that Dropbox fetches itself. The sandbox never reaches into a network: tests say what an address serves.

use dropbox_sdk::types::files::SaveUrlError;
use serde_json::{Value, json};

use super::super::answer::{Failure, Reply};
use super::super::state::{Call, State};
use super::commit::{commit, shown};
use super::{jobs, target, text};

/// `files/save_url`: always a job. Where the name is taken, the file gets another one.
pub fn save_url(state: &mut State, call: &Call, arg: &Value) -> Reply {
    let address = text(arg, "url");
    if !is_address(address) {
        return Err(Failure::route(&SaveUrlError::InvalidUrl));
    }
    target(state, call, text(arg, "path")).map_err(|error| Failure::route(&SaveUrlError::Path(error)))?;
    let result = match fetched(state, call, arg) {
        Ok(mut file) => {
            file[".tag"] = json!("complete");
            file
        }
        Err(Failure::Route(error)) => json!({".tag": "failed", "failed": error}),
        Err(other) => return Err(other),
    };
    Ok(jobs::launch(state, "save_url", result))
}

fn fetched(state: &mut State, call: &Call, arg: &Value) -> Reply {
    let ready = state.served.get(text(arg, "url")).cloned();
    let ready = ready.ok_or_else(|| Failure::route(&SaveUrlError::DownloadFailed))?;
    let info = json!({"path": arg["path"], "mode": {".tag": "add"}, "autorename": true});
    let made = commit(state, call, &info, &ready);
    let id = made.map_err(|error| Failure::route(&SaveUrlError::Path(error)))?;
    shown(state, call, id)
}

fn is_address(address: &str) -> bool {
    url::Url::parse(address)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some())
}

//! One file per verb: its arguments, what it asks, what it prints. [`job`] is what copy, move and sync share.

pub mod archive;
mod ask;
pub mod change;
pub mod config;
pub mod copy;
pub mod digest;
pub mod du;
pub mod help;
pub mod job;
pub mod link;
pub mod list;
pub mod look;
pub mod man;
pub mod shares;
mod sources;
pub mod submit;

use shared::raw;

pub(crate) use crate::{
    app::App,
    app_hint::{TEAM_APP_HINT, TEAM_SCOPES_HINT, missing_scope},
    failures::{
        config_failure, dropbox_failure, dropbox_failure_then, engine_failure, exit_code, missing,
        place_failure,
    },
};

/// Parses a place on the command line. A local name need not be UTF-8.
pub fn place() -> impl clap::builder::TypedValueParser<Value = String> {
    use clap::builder::TypedValueParser;
    clap::builder::OsStringValueParser::new().map(|typed| raw::text(&typed).into_owned())
}

//! The built binaries against the sandbox, as people and jobs use them. A module for each promise.

mod again;
mod authorizer;
mod backups;
mod careful;
mod configuration;
mod connecting;
mod copying;
mod failing;
mod faults;
mod guide;
mod killed;
mod listing;
mod local;
mod over_ssh;
mod planning;
mod real_browser;
mod real_hosts;
mod resuming;
mod secrets;
mod settings;
mod syncing;
mod team;
mod tokens;
mod verbs;

//! What the laptop's `authorizer` and the login node's `node-tool` must agree on, as pure data and
//! rules: this crate reads no environment and prints nothing, and does no I/O but
//! in `replace` and `process`.
//!
//! | module | holds |
//! |---|---|
//! | [`pkce`] | verifier, challenge and state (RFC 7636) |
//! | [`oauth`] | the authorize address; the token endpoint's questions and answers |
//! | [`pairing`] | the line in which a node asks a laptop for a login |
//! | [`process`] | the one call to the system: memory that others can't read |
//! | [`address_bar`] | Dropbox's answer where the redirect could not be reached |
//! | [`remote`] | what a remote may be called |
//! | [`paste`] | undoing what clipboards, terminals and mails do to a text |
//! | [`grant`] | the paste-able token: its format, and what is wrong with one |
//! | [`endpoints`] | which host serves what, and the one way to point elsewhere |
//! | [`api`] | routes as data, with their arguments, results and errors |
//! | [`content_hash`] | Dropbox's block hash, whole and from pieces |
//! | [`completion`] | what shells load to complete arguments, and how they ask |
//! | [`duration`] | how long, as people write it |
//! | [`secret`] | text that no `Debug`, `Display` or log can show |
//! | [`failure`] | what happened, why, what to type next |
//! | `raw` | names of local files that are not UTF-8, as text |
//! | `replace` | files of our own that are replaced as a whole |
//! | [`plain`] | text from elsewhere, as a person may see it or paste it |
//! | [`exit`] | the exit codes |
//! | [`trust`] | what to type where certificates are not trusted |
//! | [`version`] | which build this is |

pub mod address_bar;
pub mod api;
pub mod completion;
pub mod content_hash;
pub mod duration;
pub mod endpoints;
pub mod exit;
pub mod failure;
pub mod grant;
pub mod oauth;
pub mod pairing;
pub mod paste;
pub mod pkce;
pub mod plain;
pub mod process;
#[cfg(unix)]
pub mod raw;
pub mod remote;
#[cfg(unix)]
pub mod replace;
pub mod secret;
pub mod trust;
pub mod version;

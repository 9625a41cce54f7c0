//! What the laptop's `authorizer` and the login node's `node-tool` share, as data and rules. Nothing here reads the environment
//! or prints, and only `replace` and `process` do I/O.
//!
//! | module | content |
//! |---|---|
//! | [`pkce`] | verifier, challenge and state (RFC 7636) |
//! | [`oauth`] | the authorize address; requests to the token endpoint and its responses |
//! | [`pairing`] | the line in which a login node asks a laptop for a login |
//! | [`grant`] | the text that a person pastes: its format, and what is wrong with one |
//! | [`address_bar`] | Dropbox's answer where the redirect could not be reached |
//! | [`paste`] | undoes what clipboards, terminals and mails do to a text |
//! | [`remote`] | names of remotes |
//! | [`endpoints`] | Dropbox's hosts, and the one way to replace them |
//! | [`api`] | routes as data, with their arguments, results and errors |
//! | [`content_hash`] | Dropbox's block hash, of whole files and of chunks |
//! | [`completion`] | completion in shells: script, question, answer |
//! | [`manual`] | manual pages |
//! | [`duration`] | durations as people write them |
//! | [`secret`] | text that no `Debug`, `Display` or log can show |
//! | [`failure`] | errors at the edge of a program: what happened, why, what to do next |
//! | [`cause`] | finds the cause in a chain of errors |
//! | [`exit`] | the exit codes |
//! | [`version`] | the version and the build |
//! | [`trust`] | advice for certificates that are not trusted or are missing |
//! | [`plain`] | makes text from elsewhere safe to show or to paste |
//! | `raw` | names of local files that are not UTF-8, as text |
//! | `replace` | replaces a file as a whole |
//! | [`process`] | keeps the memory of the process private |

#![warn(missing_docs, unreachable_pub)]

pub mod address_bar;
pub mod api;
pub mod cause;
pub mod completion;
pub mod content_hash;
pub mod duration;
pub mod endpoints;
pub mod exit;
pub mod failure;
pub mod grant;
pub mod manual;
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

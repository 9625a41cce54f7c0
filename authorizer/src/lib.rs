//! `authorizer`: logs in to Dropbox in the laptop's browser and prints a grant for the login node.
//!
//! ```text
//!   cli ─▶ words                what stands on the command line
//!    └───▶ flow ─▶ browser      opens Dropbox's page
//!             ├──▶ callback     waits for the redirect to localhost:53682, shows what happened
//!             │     └ door, inside, peer   who gets that far, and how
//!             ├──▶ hints        what to look at when the browser doesn't come back
//!             ├──▶ exchange     asks for a token, only without --challenge
//!             ├──▶ ssh          or: node-tool on the login node, which asks and gets its grant through ssh
//!             └──▶ say          prints the grant
//! ```
//!
//! With `--challenge` the code is all that passes through here, and only the node that made the challenge
//! can use it; the verifier and the tokens never exist on this machine.

mod app_secret;
mod browser;
mod callback;
mod cli;
mod completion;
mod door;
mod exchange;
mod flow;
mod hints;
mod inside;
mod pages;
mod patience;
mod peer;
mod say;
mod ssh;
mod words;

pub use cli::main;

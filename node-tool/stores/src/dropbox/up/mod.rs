//! Uploads: `upload` sorts files by the way they are sent, `small` puts many in one call, `session` sends a big one in chunks,
//! `commit` makes files of what was sent.

mod budget;
mod commit;
mod cut;
mod session;
mod sessions;
mod small;
mod tools;
mod upload;

pub(super) use upload::upload;

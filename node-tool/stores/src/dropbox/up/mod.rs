//! Uploads: `upload` sorts files by the way they are sent, `small` puts many in one call, `session` sends a big one in chunks,
//! `commit` makes files of what was sent, in `turns` with other processes; `pending` is what could not be committed.

mod budget;
mod commit;
mod cut;
mod in_turn;
mod pending;
mod sent;
mod session;
mod sessions;
mod small;
mod stream;
mod tools;
mod turns;
mod upload;

pub(super) use upload::upload;

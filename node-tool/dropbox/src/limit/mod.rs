//! What holds calls back: how many may be under way, how fast they and their bytes may go, and how long a body may stand still.

pub(crate) mod concurrency;
pub(crate) mod rate;
pub(crate) mod stall;

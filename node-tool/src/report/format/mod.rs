//! rclone's output formats: an item or a count in, text out. Nothing here prints.

mod checked;
mod clock;
mod item;
mod lsf;
mod lsjson;
mod names;
mod stats;
mod sums;
mod total;
mod tree;

pub use checked::Checked;
pub use clock::plain as plain_time;
pub use item::{Gone, Item};
pub use lsf::{Lsf, TimeForm};
pub use lsjson::Lsjson;
pub use names::{of_one_line, on_one_line};
pub use stats::Stats;
pub use sums::{SumForm, sum_line};
pub use total::{Total, short_size, size};
pub use tree::{Sort, TreeView};

//! Lists two stores, plans how to make one like the other, and carries the plan out in the order in which a failure loses nothing.
//!
//! ```text
//!   Store::list ─▶ plan::plan ─▶ Plan (steps with ids) ─▶ run::run ─▶ Tally
//!        ▲                                                  │
//!        └── stores: local folder, Dropbox, memory ◀────────┘   events: what happens to each step
//! ```
//!
//! The engine knows no service, no command line and no terminal: a [`store::Store`] lists, removes and renames, a
//! [`run::Transfer`] carries the content of many files at once from one store to another, and a [`run::Observer`] is notified of
//! what happens. [`memory_store`] has a store in memory, for tests and examples:
//!
//! ```
//! use engine::{memory_store::MemoryStore, plan::PlanOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let (source, target) = (MemoryStore::new(), MemoryStore::new());
//! source.write("results/run-1.csv", "1,2,3");
//! let tally = engine::memory_store::sync(&source, &target, &PlanOptions::default()).await.unwrap();
//! assert_eq!(tally.copied, 1);
//! assert_eq!(target.read("results/run-1.csv").as_deref(), Some(b"1,2,3".as_slice()));
//! # }
//! ```
//!
//! A crate that has a store of its own puts it through the `conformance` module (of the feature of that name).
//!
//! Imports point down: `run → {plan, store} → listing → filter → {entry, relative_path, error}`.

#![warn(missing_docs, unreachable_pub)]

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod digest;
pub mod entry;
pub mod error;
pub mod filter;
pub mod history;
pub mod listing;
pub mod memory_store;
pub mod plan;
pub mod relative_path;
pub mod run;
pub mod store;

#[cfg(test)]
mod tests;

pub use error::{Error, ErrorKind, Result, Retry};

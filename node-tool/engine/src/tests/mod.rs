//! Tests of whole jobs on stores in memory: without processes, clocks or network.

mod backups;
mod deletes;
mod documents;
mod elsewhere;
mod events;
mod failures;
mod interruption;
mod names;
mod order;
mod parts;
mod refusals;
mod removal_from_source;
mod renames;
mod resolve;
mod same_afterwards;
mod support;

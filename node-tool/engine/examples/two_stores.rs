//! Makes one store in memory like another: lists both, shows the plan, carries it out and counts.
//!
//! ```text
//! cargo run -p engine --example two_stores
//! ```

#![expect(clippy::print_stdout, reason = "it shows what it does")]

use std::sync::Arc;

use engine::{
    memory_store::{MemoryStore, MemoryTransfer, plan_of},
    plan::{PlanOptions, Refusal, Verb},
    run::{Event, Job, Observer, Run, RunOptions, Shutdown, Subject, Tally},
};

/// Prints what happens.
struct Printer;

impl Observer for Printer {
    fn event(&self, subject: Option<Subject<'_>>, event: &Event) {
        let path = subject.map_or("", |subject| subject.to);
        println!("  {path}: {event:?}");
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Refusal> {
    let (source, target) = (MemoryStore::new(), MemoryStore::new());
    source.write("results/run-1.csv", "1,2,3");
    source.write("results/run-2.csv", "4,5,6");
    source.write("notes.txt", "a new line");
    target.write("notes.txt", "old");
    target.write("results/run-1.csv", "1,2,3");
    target.write("drafts/run-0.csv", "0");

    let options = PlanOptions {
        verb: Verb::Sync,
        ..PlanOptions::default()
    };
    let plan = plan_of(&source, &target, &options).await?;
    println!("plan:");
    for step in plan.steps() {
        println!("  {}: {:?}", step.to, step.kind);
    }

    let transfer = MemoryTransfer {
        source: &source,
        target: &target,
        takes_from_source: false,
        digests: &[],
    };
    let job = Job {
        source: &source,
        target: &target,
        transfer: &transfer,
        backup: None,
        keeps_times: false,
    };
    let tally = Tally::of_plan(&plan);
    let run = Run::new(&plan, tally, Shutdown::default(), Arc::new(Printer));
    println!("run:");
    engine::run::run(plan, &job, RunOptions::default(), &run).await;

    let tally = run.tally();
    println!("tally:");
    println!("  {} copied, {} bytes", tally.copied, tally.copied_bytes);
    println!(
        "  {} unchanged, {} deleted, {} failed",
        tally.unchanged,
        tally.deleted,
        tally.failed.len()
    );
    assert_eq!(source.files(), target.files());
    Ok(())
}

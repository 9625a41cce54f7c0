//! Threads that may wait for long: not those of the runtime, of which there are few, and which others wait for.

use tokio::{runtime::Handle, sync::oneshot};

/// Does work on a thread of its own, which may call the runtime. The result is an error if the work has panicked.
pub(super) fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> oneshot::Receiver<T> {
    let (sender, receiver) = oneshot::channel();
    let runtime = Handle::current();
    std::thread::spawn(move || {
        let _entered = runtime.enter();
        let _ = sender.send(work()); // whoever wanted it may be gone
    });
    receiver
}

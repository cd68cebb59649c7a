//! Threads for a step: they stay, they enter a region together, and they meet at barriers inside it.

mod gate;
mod share;

use std::any::Any;
use std::cell::UnsafeCell;
use std::fmt;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use gate::Gate;

/// What every thread of a region runs.
type Region = dyn Fn(Member<'_>) + Sync;

/// Threads that run regions together. Between regions they sleep.
pub struct Team {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

/// One thread's place in a region.
#[derive(Clone, Copy)]
pub struct Member<'a> {
    /// Which one, from 0; the caller is 0.
    pub index: usize,
    /// How many there are.
    pub count: usize,
    shared: &'a Shared,
}

struct Shared {
    /// Opens for each region, and to stop.
    start: Gate,
    /// Opens when the last worker has left the region.
    done: Gate,
    /// Opens when all have arrived at a barrier, and when one never will.
    barrier: Gate,
    /// How many have arrived at the barrier.
    arrived: AtomicUsize,
    /// How many workers are still in the region.
    working: AtomicUsize,
    /// Threads of the team, the caller among them.
    count: AtomicUsize,
    /// There are more threads than cores.
    crowded: AtomicBool,
    /// Set before `start` opens, read after.
    region: UnsafeCell<Option<*const Region>>,
    stop: AtomicBool,
    /// A member has panicked, so barriers can't be waited for.
    broken: AtomicBool,
    /// The first panic.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

// SAFETY: `region` is written by the one caller while no worker is in a region, and read by workers between `start` and
// `done`, which order the accesses; what it points to is Sync. Everything else is Sync by itself.
unsafe impl Sync for Shared {}
// SAFETY: the pointer is only used while `run`, which it came from, waits.
unsafe impl Send for Shared {}

/// Unwinds members that wait for one that has panicked.
struct Broken;

/// Bytes of a worker's stack, as main threads mostly have them: without optimisation the frames of a deep network's step
/// are larger than what threads get otherwise. Pages are taken as they are touched.
const STACK: usize = 8 << 20;

impl Team {
    /// A team of `threads` threads, the caller included; fewer where the system refuses more.
    pub fn new(threads: usize) -> Self {
        let shared = Arc::new(Shared {
            start: Gate::default(),
            done: Gate::default(),
            barrier: Gate::default(),
            arrived: AtomicUsize::new(0),
            working: AtomicUsize::new(0),
            count: AtomicUsize::new(1),
            crowded: AtomicBool::new(false),
            region: UnsafeCell::new(None),
            stop: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            panic: Mutex::new(None),
        });
        let workers: Vec<_> = (1..threads)
            .map_while(|index| {
                let shared = Arc::clone(&shared);
                let builder = thread::Builder::new().name(format!("kiln-{index}")).stack_size(STACK);
                builder.spawn(move || work(&shared, index)).ok()
            })
            .collect();
        let count = workers.len() + 1;
        shared.count.store(count, Ordering::Relaxed);
        shared.crowded.store(count > Self::available(), Ordering::Relaxed);
        Self { shared, workers }
    }

    /// How many threads this process may run at once.
    pub fn available() -> usize {
        thread::available_parallelism().map_or(1, usize::from)
    }

    /// How many threads there are, the caller included.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Runs `region` once on every thread, the caller as member 0, and returns when all are through. Allocates nothing.
    ///
    /// # Panics
    /// As soon as all have stopped, if `region` panics on any thread; the team can be used again.
    pub fn run(&mut self, region: &(dyn Fn(Member<'_>) + Sync)) {
        let shared = &*self.shared;
        let count = self.threads();
        let caller = Member { index: 0, count, shared };
        if count == 1 {
            return region(caller);
        }
        // SAFETY: only the lifetime changes. This call waits for every worker to leave the region, so none uses the
        // reference after it.
        let region: &Region = unsafe { std::mem::transmute(region) };
        // SAFETY: no worker is in a region, see `Shared`.
        unsafe { *shared.region.get() = Some(region) };
        shared.working.store(count - 1, Ordering::Relaxed);
        let done = shared.done.now();
        shared.start.open();
        shared.enter(region, caller);
        shared.done.wait(done, shared.is_crowded());
        if shared.broken.load(Ordering::Relaxed) {
            self.mend();
        }
    }

    /// Makes the team whole after a panic and hands the panic on.
    #[cold]
    fn mend(&self) {
        self.shared.arrived.store(0, Ordering::Relaxed);
        self.shared.broken.store(false, Ordering::Relaxed);
        let panic = self.shared.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.shared.start.open();
        for worker in self.workers.drain(..) {
            // Workers catch all panics, so there is none to hand on.
            let _ = worker.join();
        }
    }
}

impl fmt::Debug for Team {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Team").field("threads", &self.threads()).finish()
    }
}

/// The life of a worker. The first region may be announced before it is born, so it starts from a new gate.
fn work(shared: &Shared, index: usize) {
    let mut seen = Gate::CLOSED;
    loop {
        seen = shared.start.wait(seen, shared.is_crowded());
        if shared.stop.load(Ordering::Relaxed) {
            return;
        }
        // SAFETY: the caller set it before it opened `start`, and waits until `working` is 0.
        let region = unsafe { (*shared.region.get()).map(|region| &*region) };
        if let Some(region) = region {
            shared.enter(region, Member { index, count: shared.count.load(Ordering::Relaxed), shared });
        }
        if shared.working.fetch_sub(1, Ordering::AcqRel) == 1 {
            shared.done.open();
        }
    }
}

impl Shared {
    fn is_crowded(&self) -> bool {
        self.crowded.load(Ordering::Relaxed)
    }

    /// Runs a member's part and keeps its panic.
    fn enter(&self, region: &Region, member: Member<'_>) {
        let Err(panic) = catch_unwind(AssertUnwindSafe(|| region(member))) else { return };
        if !panic.is::<Broken>() {
            self.panic.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(panic);
        }
        self.broken.store(true, Ordering::SeqCst);
        self.barrier.open();
    }
}

impl Member<'_> {
    /// Waits until every member has come here. What any wrote before, all see after.
    pub fn barrier(&self) {
        if self.count == 1 {
            return;
        }
        let shared = self.shared;
        // Before arriving: once the last has arrived, the gate may open at any time.
        let seen = shared.barrier.now();
        self.unwind_if_broken();
        if shared.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.count {
            shared.arrived.store(0, Ordering::Relaxed);
            shared.barrier.open();
        } else {
            shared.barrier.wait(seen, shared.is_crowded());
            self.unwind_if_broken();
        }
    }

    fn unwind_if_broken(&self) {
        if self.shared.broken.load(Ordering::SeqCst) {
            resume_unwind(Box::new(Broken));
        }
    }

    /// This member's part of `units`: contiguous, all parts of one size or one apart.
    pub fn share(&self, units: usize) -> Range<usize> {
        share::blocks(units, 1, self.index, self.count)
    }

    /// The same in whole blocks; the last block may be short.
    pub fn share_blocks(&self, units: usize, block: usize) -> Range<usize> {
        share::blocks(units, block, self.index, self.count)
    }

    /// This member's tile of a matrix, in whole blocks: members stand in the grid that makes the largest tile smallest.
    pub fn share2d(
        &self,
        rows: usize,
        cols: usize,
        row_block: usize,
        col_block: usize,
    ) -> (Range<usize>, Range<usize>) {
        share::tiles([rows, cols], [row_block, col_block], self.index, self.count)
    }
}

impl fmt::Debug for Member<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "member {} of {}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests;

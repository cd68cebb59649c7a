//! What threads wait at: a counter to spin on, then a bed.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::yield_now;
use std::time::{Duration, Instant};

/// How long a thread looks before it parks. Waking a parked thread takes 5 to 50 µs, so the threads of a region, which
/// are rarely so far apart, and steps that follow each other at once should find it awake; a thread that nobody needs
/// burns no more than this.
const PATIENCE: Duration = Duration::from_micros(100);

/// Looks between two of the clock.
const LOOKS: u32 = 32;

/// Opens again and again; each opening is counted, and who waits does so for the count to move on. (The counter is the
/// sense of a sense-reversing barrier: J. Mellor-Crummey, M. Scott, "Algorithms for scalable synchronization on
/// shared-memory multiprocessors", 1991.)
#[derive(Default)]
#[repr(align(128))] // Alone on its cache lines: others spin on them.
pub(super) struct Gate {
    openings: AtomicU32,
    sleepers: AtomicU32,
    bed: Mutex<()>,
    call: Condvar,
}

impl Gate {
    /// What `now` gives before the first opening.
    pub(super) const CLOSED: u32 = 0;

    /// The count of openings, to wait for the next.
    pub(super) fn now(&self) -> u32 {
        self.openings.load(Ordering::SeqCst)
    }

    /// Lets all who wait go on; they see what was written before.
    pub(super) fn open(&self) {
        // The counter and the sleepers are two variables, and each side writes one before it reads the other: in one
        // total order either this thread sees the sleeper or the sleeper sees the opening.
        self.openings.fetch_add(1, Ordering::SeqCst);
        if self.sleepers.load(Ordering::SeqCst) != 0 {
            drop(self.bed.lock().unwrap_or_else(PoisonError::into_inner));
            self.call.notify_all();
        }
    }

    /// Waits for an opening after the one numbered `seen`, and gives its number. Where there are more threads than cores
    /// (`crowded`), it lets others run between looks: whoever is waited for may need this core.
    pub(super) fn wait(&self, seen: u32, crowded: bool) -> u32 {
        let mut start = None;
        for look in 1_u32.. {
            let now = self.openings.load(Ordering::Acquire);
            if now != seen {
                return now;
            }
            if crowded {
                yield_now();
            } else {
                spin_loop();
            }
            if (crowded || look.is_multiple_of(LOOKS)) && start.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                break;
            }
        }
        self.sleep(seen)
    }

    #[cold]
    fn sleep(&self, seen: u32) -> u32 {
        let mut bed = self.bed.lock().unwrap_or_else(PoisonError::into_inner);
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        let now = loop {
            let now = self.openings.load(Ordering::SeqCst);
            if now != seen {
                break now;
            }
            bed = self.call.wait(bed).unwrap_or_else(PoisonError::into_inner);
        };
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
        now
    }
}

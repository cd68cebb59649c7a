//! What looks at a call between its kernels: the paranoid mode, and the profile. Without either a kernel ends with one
//! branch that is never taken.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::poison::{Poison, Unwritten};
use super::table::Kernel;
use super::{Memory, Part};
use crate::simd::Float;

/// The blocks of memory that a call's kernels touch, whatever their elements are.
#[derive(Clone, Copy)]
pub(super) struct Blocks {
    pub arena: *mut u8,
    pub params: *mut u8,
    pub state: *mut u8,
    pub rows: usize,
}

impl Blocks {
    pub(super) fn of<E>(m: &Memory<'_, E>) -> Self {
        Self { arena: m.arena, params: m.params.cast(), state: m.state.cast(), rows: m.rows }
    }
}

/// Looks at one call.
pub(super) enum Watch {
    /// Checks what kernels read and write, and poisons what dies.
    Paranoid { poison: Poison, blocks: Blocks, kernels: Vec<Kernel>, found: Mutex<Option<Unwritten>> },
    /// Takes the time after each kernel.
    Timed { times: Mutex<Times> },
}

// SAFETY: the blocks are read and written by member 0 alone, between barriers at which all others wait.
unsafe impl Sync for Watch {}

/// What a profile has measured so far.
#[derive(Default)]
pub(super) struct Times {
    /// Nanoseconds of each kernel of a call, one call after another.
    pub nanos: Vec<u64>,
    last: Option<Instant>,
}

impl Watch {
    /// Watches a call in paranoid mode.
    pub(super) fn paranoid<E: Float>(m: &Memory<'_, E>, kernels: Vec<Kernel>) -> Self {
        Self::Paranoid { poison: Poison::of::<E>(), blocks: Blocks::of(m), kernels, found: Mutex::new(None) }
    }

    /// Before the first kernel.
    #[cold]
    pub(super) fn begin(&self, part: &Part<'_>) {
        match self {
            Self::Paranoid { poison, blocks, kernels, found } => self.between(part, || {
                // SAFETY: all others wait.
                let unwritten = kernels.first().and_then(|kernel| unsafe { poison.reads(kernel, blocks) });
                keep(found, unwritten);
            }),
            Self::Timed { times } => {
                part.barrier();
                if part.member.index == 0 {
                    lock(times).last = Some(Instant::now());
                }
            }
        }
    }

    /// After kernel number `index`.
    #[cold]
    #[inline(never)]
    pub(super) fn done(&self, part: &Part<'_>, index: usize) {
        match self {
            Self::Paranoid { poison, blocks, kernels, found } => self.between(part, || {
                let (now, next) = (kernels.get(index), kernels.get(index + 1));
                // SAFETY: all others wait.
                unsafe {
                    keep(found, now.and_then(|kernel| poison.writes(kernel, blocks)));
                    if let Some(kernel) = now {
                        poison.bury(kernel, blocks);
                    }
                    keep(found, next.and_then(|kernel| poison.reads(kernel, blocks)));
                }
            }),
            Self::Timed { times } => {
                part.barrier();
                if part.member.index == 0 {
                    let mut times = lock(times);
                    let now = Instant::now();
                    let nanos = times.last.map_or(0, |last| now.duration_since(last).as_nanos());
                    times.nanos.push(u64::try_from(nanos).unwrap_or(u64::MAX));
                    times.last = Some(now);
                }
            }
        }
    }

    /// Runs something on member 0 while all others wait, and poisons each one's scratch memory.
    fn between(&self, part: &Part<'_>, work: impl FnOnce()) {
        part.barrier();
        if part.member.index == 0 {
            work();
        }
        if let Self::Paranoid { poison, .. } = self {
            // SAFETY: a member's scratch is its own, and no kernel runs.
            unsafe { poison.fill(part.scratch, part.scratch_bytes) };
        }
        part.barrier();
    }
}

fn keep(found: &Mutex<Option<Unwritten>>, unwritten: Option<Unwritten>) {
    if let Some(unwritten) = unwritten {
        lock(found).get_or_insert(unwritten);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

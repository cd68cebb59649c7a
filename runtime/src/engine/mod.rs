//! What generated code runs on: the memory of a call, a thread's part in it, and the sweeps that its kernels are
//! made of. Not meant to be called by hand.

mod copy;
mod memory;
mod poison;
mod sweep;
mod table;
mod view;
mod watch;

use core::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::pool::{Member, Team};
use crate::profile::Profile;
use crate::simd::{Denormals, Float, Isa};
use crate::{AlignedVec, Error, Result};
use poison::Poison;
use table::Kernel;
use watch::{Times, Watch};

pub use copy::{copy, copy_floats};
pub use memory::Memory;
pub use sweep::{fold_columns, sweep};
pub use view::{View, accumulate, copy_view, view};

/// One thread's part in a call.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    member: Member<'a>,
    scratch: *mut u8,
    scratch_bytes: usize,
    watch: Option<&'a Watch>,
}

impl Part<'_> {
    /// Waits for all threads.
    #[inline]
    pub fn barrier(&self) {
        self.member.barrier();
    }

    /// This thread's rows of the batch, or of something else. Every kernel over the batch is split so: what a thread wrote for its rows
    /// it may read without a barrier.
    #[inline]
    pub fn rows(&self, rows: usize) -> Range<usize> {
        self.member.share(rows)
    }

    /// This thread's tile of `rows` by `cols` elements that do not depend on each other.
    #[inline]
    pub fn tile(&self, rows: usize, cols: usize) -> (Range<usize>, Range<usize>) {
        self.member.share2d(rows, cols, 4, 32)
    }

    /// All of what cannot be split, on one thread.
    #[inline]
    pub fn alone(&self, units: usize) -> Range<usize> {
        if self.member.index == 0 { 0..units } else { 0..0 }
    }

    /// Says that kernel number `index` of the call is through.
    #[inline(always)]
    pub fn done(&self, index: usize) {
        if let Some(watch) = self.watch {
            watch.done(self, index);
        }
    }

    /// This thread's scratch memory.
    #[inline]
    pub fn scratch<E>(&self) -> *mut E {
        self.scratch.cast()
    }
}

/// What a trainer or a predictor runs its calls with.
pub struct Engine {
    isa: Isa,
    team: Team,
    arena: AlignedVec<u8>,
    scratch: AlignedVec<u8>,
    scratch_bytes: usize,
    paranoid: bool,
    /// Tables of kernels that have been watched, read.
    watched: Vec<(&'static [&'static str], Vec<Kernel>)>,
    times: Option<Times>,
}

impl Engine {
    /// An arena of `arena_bytes` and as many threads as the machine has cores, with scratch memory for each.
    pub fn new(arena_bytes: usize, scratch_bytes: usize) -> Self {
        let mut engine = Self {
            isa: Isa::detect(),
            team: Team::new(1),
            arena: AlignedVec::new(arena_bytes),
            scratch: AlignedVec::new(0),
            scratch_bytes: scratch(&[scratch_bytes]),
            paranoid: std::env::var("KILN_PARANOID").is_ok_and(|value| value == "1"),
            watched: Vec::new(),
            times: None,
        };
        engine.hire(Team::available());
        engine
    }

    /// How many threads a call runs on.
    pub fn threads(&self) -> usize {
        self.team.threads()
    }

    /// Runs calls on so many threads; fewer where the system refuses more.
    ///
    /// # Errors
    /// For 0.
    pub fn set_threads(&mut self, threads: usize) -> Result<()> {
        if threads == 0 {
            return Err(Error::argument("threads", "at least 1", threads));
        }
        if threads != self.team.threads() {
            self.hire(threads);
        }
        Ok(())
    }

    fn hire(&mut self, threads: usize) {
        self.team = Team::new(threads);
        self.scratch = AlignedVec::new(self.scratch_bytes.saturating_mul(self.team.threads()));
    }

    /// The instruction set that calls run on.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Runs calls on another instruction set.
    pub fn set_isa(&mut self, isa: Isa) {
        self.isa = isa;
    }

    /// The arena's first byte.
    pub fn arena(&mut self) -> *mut u8 {
        self.arena.as_mut_ptr()
    }

    /// `len` elements of the arena.
    ///
    /// # Safety
    /// A finished call has written them there as `E`, at this offset in bytes.
    pub unsafe fn result<E>(&self, offset: usize, len: usize) -> &[E] {
        debug_assert!(offset + len * size_of::<E>() <= self.arena.len());
        // SAFETY: the caller says that they are there; the planner keeps them inside the arena and aligned.
        unsafe { core::slice::from_raw_parts(self.arena.as_ptr().add(offset).cast(), len) }
    }

    /// Checks calls from now on for what they read that nobody wrote, or stops doing so.
    pub fn set_paranoid(&mut self, paranoid: bool) {
        self.paranoid = paranoid;
    }

    /// Runs `call` on every thread, with denormals flushed to zero. `kernels` says what its kernels are, a line each.
    ///
    /// # Errors
    /// In paranoid mode, if a kernel reads what nobody wrote.
    pub fn run<E: Float>(
        &mut self,
        m: &Memory<'_, E>,
        kernels: &'static [&'static str],
        call: &(dyn Fn(&Part<'_>) + Sync),
    ) -> Result<()> {
        if self.paranoid || self.times.is_some() {
            return self.run_watched(m, kernels, call);
        }
        self.enter(None, call);
        Ok(())
    }

    #[cold]
    fn run_watched<E: Float>(
        &mut self,
        m: &Memory<'_, E>,
        kernels: &'static [&'static str],
        call: &(dyn Fn(&Part<'_>) + Sync),
    ) -> Result<()> {
        let watch = match self.times.take() {
            Some(times) => Watch::Timed { times: Mutex::new(times) },
            None => {
                // SAFETY: the arena is this engine's, and no call runs.
                unsafe { Poison::of::<E>().fill(self.arena.as_mut_ptr(), self.arena.len()) };
                Watch::paranoid(m, self.table(kernels))
            }
        };
        self.enter(Some(&watch), call);
        match watch {
            Watch::Timed { times } => self.times = Some(times.into_inner().unwrap_or_else(PoisonError::into_inner)),
            Watch::Paranoid { kernels: table, found, .. } => {
                self.watched.push((kernels, table));
                if let Some(unwritten) = found.into_inner().unwrap_or_else(PoisonError::into_inner) {
                    return Err(unwritten.into());
                }
            }
        }
        Ok(())
    }

    /// What is known of a function's kernels; it is kept between calls, so that these allocate nothing.
    fn table(&mut self, kernels: &'static [&'static str]) -> Vec<Kernel> {
        match self.watched.iter().position(|(table, _)| std::ptr::eq(*table, kernels)) {
            Some(place) => self.watched.swap_remove(place).1,
            None => kernels.iter().map(|line| Kernel::of(line)).collect(),
        }
    }

    fn enter(&mut self, watch: Option<&Watch>, call: &(dyn Fn(&Part<'_>) + Sync)) {
        struct Scratch(*mut u8);
        // SAFETY: each member takes a part of its own.
        unsafe impl Sync for Scratch {}
        impl Scratch {
            fn part(&self, index: usize, bytes: usize) -> *mut u8 {
                self.0.wrapping_add(index * bytes)
            }
        }
        let scratch = Scratch(self.scratch.as_mut_ptr());
        let bytes = self.scratch_bytes;
        self.team.run(&|member| {
            let _flushed = Denormals::flush();
            let part = Part { member, scratch: scratch.part(member.index, bytes), scratch_bytes: bytes, watch };
            if let Some(watch) = watch {
                watch.begin(&part);
            }
            call(&part);
        });
    }

    /// Takes the time of every kernel of the next `calls`.
    ///
    /// # Errors
    /// For 0.
    pub fn start_profile(&mut self, calls: usize) -> Result<()> {
        if calls == 0 {
            return Err(Error::argument("calls", "at least 1", calls));
        }
        self.times = Some(Times::default());
        Ok(())
    }

    /// The times of the calls since [`Engine::start_profile`], which were all of one function.
    pub fn finish_profile<E: Float>(
        &mut self,
        network: &'static str,
        function: &'static str,
        kernels: &'static [&'static str],
        rows: usize,
    ) -> Profile {
        let nanos = self.times.take().unwrap_or_default().nanos;
        let names = kernels.iter().map(|line| Kernel::of(line).name);
        Profile::of::<E>(network, function, names, &nanos, rows, self.isa, self.team.threads())
    }
}

/// Bytes of scratch memory for functions that need so many: the most, in whole cache lines.
pub const fn scratch(bytes: &[usize]) -> usize {
    largest(bytes).next_multiple_of(crate::ALIGNMENT)
}

/// The largest of some numbers, 0 for none.
pub const fn largest(numbers: &[usize]) -> usize {
    let mut largest = 0;
    let mut index = 0;
    while index < numbers.len() {
        if numbers[index] > largest {
            largest = numbers[index];
        }
        index += 1;
    }
    largest
}

#[cfg(test)]
mod tests;

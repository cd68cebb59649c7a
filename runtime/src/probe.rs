//! What the machine can do at the moment: its rate of multiply-adds and its memory's bandwidth, each measured in a few
//! milliseconds. Clocks and neighbours move both, so that a time means something only beside ceilings of the same minute.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::AlignedVec;
use crate::pool::{Member, Team};
use crate::simd::{Float, Isa, Simd};

/// A round is at least so long, so that the barriers around it weigh nothing.
const ROUND: Duration = Duration::from_micros(400);

/// Rounds that are measured; the best counts, since neighbours and interrupts only ever take away.
const ROUNDS: usize = 10;

/// Elements of each of the three arrays that the memory probe goes through: 48 MiB in all, more than most caches hold.
const ELEMENTS: usize = 4 << 20;

/// Runs steps of multiply-adds: as many chains as hide the latency of two units. The portable vectors are of several
/// registers each, of which there may be 16.
macro_rules! operations {
    ($float:ident, $isa:expr, $steps:expr) => {
        match $isa {
            Isa::Portable(s) => multiply_adds::<$float, _, 4>(s, $steps),
            isa => {
                crate::dispatch!(isa, s => s.vectorize(#[inline(always)] || multiply_adds::<$float, _, 12>(s, $steps)))
            }
        }
    };
}

/// The rate of multiply-adds of `f32` in registers, in 10^9 operations a second (multiply and add counted as two), of
/// so many threads together. Where the instruction set has no fused ones, it is that of a multiplication and an
/// addition.
pub fn fma_gflops(isa: Isa, threads: usize) -> f64 {
    rate(threads, |steps| operations!(f32, isa, steps))
}

/// The same for `f64`.
pub fn fma_gflops_f64(isa: Isa, threads: usize) -> f64 {
    rate(threads, |steps| operations!(f64, isa, steps))
}

/// The bandwidth of memory in 10^9 bytes a second, of so many threads together: two arrays are read and a third is
/// written (the triad of J. McCalpin's STREAM benchmark, 1995), each byte of the three counted once. A last-level cache
/// of more than 48 MiB is measured in memory's place.
pub fn memory_gbs(isa: Isa, threads: usize) -> f64 {
    bandwidth(isa, threads, ELEMENTS)
}

/// 10^9 operations a second of `work`, which is given a number of steps and tells how many operations they were.
fn rate(threads: usize, work: impl Fn(u64) -> u64 + Sync) -> f64 {
    let mut team = Team::new(threads);
    let mut steps = 1_000;
    loop {
        let (time, _) = round(&mut team, &|_| work(steps));
        if time >= ROUND {
            break;
        }
        steps *= 2;
    }
    best(&mut team, &|_| work(steps))
}

fn bandwidth(isa: Isa, threads: usize, elements: usize) -> f64 {
    struct Target(*mut f32);
    // SAFETY: each thread writes a part of its own.
    unsafe impl Sync for Target {}
    impl Target {
        fn at(&self, element: usize) -> *mut f32 {
            self.0.wrapping_add(element)
        }
    }
    let (mut sum, mut first, mut second) =
        (AlignedVec::<f32>::new(elements), AlignedVec::<f32>::new(elements), AlignedVec::<f32>::new(elements));
    // A page that nobody has written is no memory yet.
    [&mut sum, &mut first, &mut second].into_iter().for_each(|array| array.fill(1.0));
    let target = Target(sum.as_mut_ptr());
    let mut team = Team::new(threads);
    let work = |member: Member<'_>| {
        let part = member.share_blocks(elements, 64);
        // SAFETY: the part is inside all three arrays, and no other thread has it.
        crate::dispatch!(isa, s => s.vectorize(#[inline(always)] || unsafe {
            triad(s, part.len(), target.at(part.start), first.as_ptr().add(part.start), second.as_ptr().add(part.start));
        }));
        (part.len() * 3 * size_of::<f32>()) as u64
    };
    best(&mut team, &work)
}

/// The best of several rounds, in 10^9 a second.
fn best(team: &mut Team, work: &(dyn Fn(Member<'_>) -> u64 + Sync)) -> f64 {
    let rates = (0..ROUNDS).map(|_| {
        let (time, count) = round(team, work);
        count as f64 / time.as_secs_f64().max(1e-9) / 1e9
    });
    rates.fold(0.0, f64::max)
}

/// How long all threads take together, and the sum of what they count.
fn round(team: &mut Team, work: &(dyn Fn(Member<'_>) -> u64 + Sync)) -> (Duration, u64) {
    let (count, nanos) = (AtomicU64::new(0), AtomicU64::new(0));
    team.run(&|member| {
        member.barrier();
        let start = Instant::now();
        count.fetch_add(work(member), Ordering::Relaxed);
        member.barrier();
        if member.index == 0 {
            nanos.store(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    });
    (Duration::from_nanos(nanos.into_inner()), count.into_inner())
}

/// Steps of several chains of multiply-adds; gives back how many operations they are.
#[inline(always)]
fn multiply_adds<E: Float, S: Simd<E>, const CHAINS: usize>(s: S, steps: u64) -> u64 {
    let (factor, term) = (s.splat(black_box(E::from_f64(0.999))), s.splat(black_box(E::from_f64(0.001))));
    let mut chains = [s.splat(E::ONE); CHAINS];
    for _ in 0..steps {
        for chain in &mut chains {
            *chain = s.mul_add(*chain, factor, term);
        }
    }
    let sum = chains.into_iter().fold(s.splat(E::ZERO), |sum, chain| s.add(sum, chain));
    black_box(s.sum(sum));
    steps * (CHAINS * S::LANES * 2) as u64
}

/// `sum = first + 0.5 second`
///
/// # Safety
/// `len` elements are readable at `first` and `second` and writable at `sum`.
#[inline(always)]
unsafe fn triad<S: Simd<f32>>(s: S, len: usize, sum: *mut f32, first: *const f32, second: *const f32) {
    let factor = s.splat(0.5);
    let mut place = 0;
    while place < len {
        let n = S::LANES.min(len - place);
        // SAFETY: `place + n <= len`.
        unsafe {
            let value = if n == S::LANES {
                s.mul_add(s.load(second.add(place)), factor, s.load(first.add(place)))
            } else {
                s.mul_add(s.load_n(second.add(place), n), factor, s.load_n(first.add(place), n))
            };
            s.store_n(sum.add(place), value, n);
        }
        place += n;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_what_a_processor_can_have() {
        for isa in Isa::available() {
            for threads in [1, 3] {
                for rate in [fma_gflops(isa, threads), fma_gflops_f64(isa, threads), bandwidth(isa, threads, 10_000)] {
                    // From a debug build on a busy machine to the best of all cores.
                    assert!(rate > 1e-4 && rate < 1e4, "{rate} on {isa}, {threads} threads");
                }
            }
        }
    }

    #[test]
    fn operations_are_counted_as_they_are_done() {
        for isa in Isa::available() {
            let lanes = crate::dispatch!(isa, s => lanes(s));
            let count = crate::dispatch!(isa, s => multiply_adds::<f32, _, 12>(s, 10));
            assert_eq!(count, 10 * 12 * 2 * lanes);
        }
    }

    fn lanes<S: Simd<f32>>(_: S) -> u64 {
        S::LANES as u64
    }

    #[test]
    fn the_triad_covers_every_element() {
        for isa in Isa::available() {
            let (first, second) = ([3.0_f32; 37], [4.0_f32; 37]);
            let mut sum = [0.0; 40];
            // SAFETY: all hold 37 elements.
            crate::dispatch!(isa, s => s.vectorize(|| unsafe {
                triad(s, 37, sum.as_mut_ptr(), first.as_ptr(), second.as_ptr());
            }));
            assert_eq!(sum[..37], [5.0; 37]);
            assert_eq!(sum[37..], [0.0; 3]);
        }
    }
}

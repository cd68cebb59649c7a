//! Memory that nobody has written, made recognisable.

use super::table::{Kernel, Kind, Value};
use super::watch::Blocks;
use crate::Error;
use crate::simd::Float;

/// A signalling NaN of `f32` in each word, whose bytes are no small numbers either: as an index, or as a cell of a pool
/// of fewer than 173, it is out of range.
const WORD: u32 = 0xffad_b5ad;

/// The upper half of a signalling NaN of `f64`.
const UPPER: u32 = 0xfff4_b5ad;

/// The smallest byte of both.
const SMALLEST: u8 = 0xad;

/// The pattern for one element type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Poison {
    wide: bool,
}

/// A kernel that touches what nobody has written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unwritten {
    pub kernel: &'static str,
    pub value: Value,
    /// Whether it reads there; otherwise it wrote a result of such reading.
    pub reads: bool,
}

impl From<Unwritten> for Error {
    fn from(unwritten: Unwritten) -> Self {
        let Unwritten { kernel, value: Value { kind, offset, .. }, reads } = unwritten;
        let block = match kind {
            Kind::Float | Kind::U32 | Kind::U8 => "byte of the arena",
            Kind::Param => "element of the parameters",
            Kind::State => "element of the optimiser's state",
        };
        Self::Unwritten { kernel: kernel.to_string(), value: format!("{block} {offset}"), reads }
    }
}

impl Poison {
    pub(super) fn of<E: Float>() -> Self {
        Self { wide: size_of::<E>() == 8 }
    }

    fn word(self, index: usize) -> u32 {
        // Little-endian or not, every other word is an upper half: any two neighbours are one.
        if self.wide && index % 2 == usize::from(cfg!(target_endian = "little")) { UPPER } else { WORD }
    }

    /// Fills memory with the pattern.
    ///
    /// # Safety
    /// The bytes are writable, and `start` is on a multiple of 8; bytes past the last whole word are left alone.
    pub(super) unsafe fn fill(self, start: *mut u8, bytes: usize) {
        for index in 0..bytes / size_of::<u32>() {
            // SAFETY: within the bytes.
            unsafe { start.cast::<u32>().add(index).write(self.word(index)) };
        }
    }

    /// Poisons what nobody needs after a kernel.
    ///
    /// # Safety
    /// The blocks are those of the kernel's call, and nobody else touches them.
    pub(super) unsafe fn bury(self, kernel: &Kernel, blocks: &Blocks) {
        for &(offset, bytes) in &kernel.dies {
            // SAFETY: the planner's offsets, inside the arena and aligned.
            unsafe { self.fill(blocks.arena.add(offset), bytes) };
        }
    }

    /// A value that a kernel is about to read, and that nobody has written. Indices among it become 0, so that none
    /// leads out of a table.
    ///
    /// # Safety
    /// As for [`Poison::bury`].
    pub(super) unsafe fn reads(self, kernel: &Kernel, blocks: &Blocks) -> Option<Unwritten> {
        let mut found = None;
        for &value in &kernel.reads {
            // SAFETY: the caller's promise.
            if unsafe { self.unwritten(&value, blocks) } {
                found.get_or_insert(Unwritten { kernel: kernel.name, value, reads: true });
            }
        }
        found
    }

    /// A value that a kernel has written, and that has in it what nobody wrote: arithmetic keeps a NaN's payload.
    ///
    /// # Safety
    /// As for [`Poison::bury`].
    pub(super) unsafe fn writes(self, kernel: &Kernel, blocks: &Blocks) -> Option<Unwritten> {
        // SAFETY: the caller's promise.
        let value = kernel.writes.iter().copied().find(|value| unsafe { self.unwritten(value, blocks) })?;
        Some(Unwritten { kernel: kernel.name, value, reads: false })
    }

    /// Whether there is poison in a value.
    unsafe fn unwritten(self, value: &Value, blocks: &Blocks) -> bool {
        let count = value.elements * if value.batched { blocks.rows } else { 1 };
        let size = if self.wide { 8 } else { 4 };
        let start = match value.kind {
            Kind::Float | Kind::U32 | Kind::U8 => blocks.arena.wrapping_add(value.offset),
            Kind::Param => blocks.params.wrapping_add(value.offset * size),
            Kind::State => blocks.state.wrapping_add(value.offset * size),
        };
        // SAFETY: the value is there, its elements are of this type, and zero is an index of every table.
        unsafe {
            match value.kind {
                Kind::U8 => replaced::<u8>(start, count, |byte| byte >= SMALLEST),
                Kind::U32 => replaced(start.cast::<u32>(), count, |word| word == WORD || word == UPPER),
                _ if self.wide => {
                    let poison = u64::from(UPPER) << 32 | u64::from(WORD);
                    let (sign, quiet) = (1_u64 << 63, 1_u64 << 51);
                    let bits = std::slice::from_raw_parts(start.cast::<u64>(), count);
                    bits.iter().any(|bits| bits | sign | quiet == poison | quiet)
                }
                _ => {
                    let (sign, quiet) = (1_u32 << 31, 1_u32 << 22);
                    let bits = std::slice::from_raw_parts(start.cast::<u32>(), count);
                    bits.iter().any(|bits| bits | sign | quiet == WORD | quiet)
                }
            }
        }
    }
}

/// Writes 0 over what is poison, and says whether there was any.
///
/// # Safety
/// `count` elements at `start` are readable and writable.
unsafe fn replaced<T: Copy + Default>(start: *mut T, count: usize, is_poison: impl Fn(T) -> bool) -> bool {
    let mut found = false;
    for index in 0..count {
        // SAFETY: the caller's promise.
        let element = unsafe { &mut *start.add(index) };
        if is_poison(*element) {
            (*element, found) = (T::default(), true);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AlignedVec;

    #[test]
    fn the_pattern_is_a_signalling_nan_of_both() {
        let (narrow, wide) = (f32::from_bits(WORD), f64::from_bits(u64::from(UPPER) << 32 | u64::from(WORD)));
        assert!(narrow.is_nan() && WORD & 1 << 22 == 0);
        assert!(wide.is_nan() && UPPER & 1 << 19 == 0);
        let bytes = WORD.to_le_bytes().into_iter().chain(UPPER.to_le_bytes());
        assert_eq!(bytes.min(), Some(SMALLEST));
    }

    /// Memory with two rows of three elements at byte 64, the second row poisoned.
    fn found<E: Float + crate::Zeroable>(rows: usize, kind: &'static str, change: impl Fn(E) -> E) -> Option<bool> {
        let poison = Poison::of::<E>();
        let mut arena = AlignedVec::<u8>::new(256);
        let blocks = Blocks { arena: arena.as_mut_ptr(), params: arena.as_mut_ptr(), state: arena.as_mut_ptr(), rows };
        // SAFETY: the arena is large enough, and aligned.
        unsafe {
            poison.fill(blocks.arena, 256);
            let elements = blocks.arena.add(64).cast::<E>();
            (0..3).for_each(|index| elements.add(index).write(E::ONE));
            (3..6).for_each(|index| elements.add(index).write(change(elements.add(index).read())));
            let kernel = Kernel::of(kind);
            poison.reads(&kernel, &blocks).or_else(|| poison.writes(&kernel, &blocks)).map(|unwritten| unwritten.reads)
        }
    }

    #[test]
    fn poison_is_found_in_the_rows_that_count() {
        assert_eq!(found::<f32>(1, "k <f32:64:3*", |x| x), None);
        assert_eq!(found::<f32>(2, "k <f32:64:3*", |x| x), Some(true));
        assert_eq!(found::<f64>(1, "k <f64:64:3*", |x| x), None);
        assert_eq!(found::<f64>(2, "k <f64:64:3*", |x| x), Some(true));
        assert_eq!(found::<f32>(2, "k >param:16:6", |x| x), Some(false));
        assert_eq!(found::<f64>(2, "k >state:8:6", |x| x), Some(false));
    }

    #[test]
    fn arithmetic_does_not_hide_it() {
        assert_eq!(found::<f32>(2, "k >f32:64:3*", |x| -(x * 2.0 + 1.0)), Some(false));
        assert_eq!(found::<f64>(2, "k >f64:64:3*", |x| 1.0 / (x - 3.0)), Some(false));
        assert_eq!(found::<f32>(2, "k >f32:64:3*", |_| f32::NAN), None);
    }

    #[test]
    fn indices_become_harmless() {
        let poison = Poison::of::<f32>();
        let mut arena = AlignedVec::<u8>::new(64);
        let start = arena.as_mut_ptr();
        let blocks = Blocks { arena: start, params: start, state: start, rows: 1 };
        // SAFETY: inside the arena.
        unsafe {
            poison.fill(start, 64);
            assert!(poison.reads(&Kernel::of("k <u32:0:4 <u8:16:4"), &blocks).is_some());
        }
        assert_eq!(arena[..20], [0; 20]);
        assert!(arena[20..].iter().all(|&byte| byte >= SMALLEST));
    }
}

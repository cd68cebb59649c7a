//! Denormal numbers cost an assist of a hundred cycles or more each, and a dying gradient is full of them.

use core::marker::PhantomData;

/// While it lives, denormal operands and results of this thread's vector arithmetic are zero (x86-64 only).
///
/// Dropping it restores what the caller had, exception flags included. Elsewhere denormals are computed with.
#[derive(Debug)]
#[must_use = "denormals are flushed until it is dropped"]
pub struct Denormals {
    #[cfg(target_arch = "x86_64")]
    caller: u32,
    /// The state belongs to the thread, so the guard stays there.
    thread: PhantomData<*const ()>,
}

/// The bits FTZ (results) and DAZ (operands) of MXCSR (Intel 64 manual, volume 1, section 10.2.3).
#[cfg(target_arch = "x86_64")]
const FLUSH: u32 = 1 << 15 | 1 << 6;

impl Denormals {
    /// Flushes from here on.
    pub fn flush() -> Self {
        #[cfg(target_arch = "x86_64")]
        let caller = read();
        #[cfg(target_arch = "x86_64")]
        write(caller | FLUSH);
        Self {
            #[cfg(target_arch = "x86_64")]
            caller,
            thread: PhantomData,
        }
    }
}

#[cfg(target_arch = "x86_64")]
impl Drop for Denormals {
    fn drop(&mut self) {
        write(self.caller);
    }
}

/// MXCSR of this thread.
#[cfg(target_arch = "x86_64")]
fn read() -> u32 {
    let mut state = 0_u32;
    // SAFETY: the instruction is in every x86-64 and writes `state` alone.
    unsafe { core::arch::asm!("stmxcsr [{}]", in(reg) &raw mut state, options(nostack, preserves_flags)) };
    state
}

/// Sets MXCSR to what [`read`] gave, with or without [`FLUSH`].
#[cfg(target_arch = "x86_64")]
fn write(state: u32) {
    // SAFETY: the instruction is in every x86-64 and reads `state` alone, whose bits are defined: they came from the
    // register. The compiler takes it that arithmetic keeps denormals; as it may also compute a constant with them,
    // code under the guard must not depend on which it is, and none of ours does.
    unsafe { core::arch::asm!("ldmxcsr [{}]", in(reg) &raw const state, options(nostack, preserves_flags)) };
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use std::hint::black_box;

    #[inline(never)]
    fn half(x: f32) -> f32 {
        black_box(x) * black_box(0.5)
    }

    #[test]
    fn flushes_while_alive_and_nests() {
        assert!(half(f32::MIN_POSITIVE) > 0.0);
        let outer = Denormals::flush();
        assert_eq!(half(f32::MIN_POSITIVE), 0.0);
        let inner = Denormals::flush();
        assert_eq!(half(f32::MIN_POSITIVE), 0.0);
        drop(inner);
        assert_eq!(half(f32::MIN_POSITIVE), 0.0);
        drop(outer);
        assert!(half(f32::MIN_POSITIVE) > 0.0);
        assert_eq!(half(f32::from_bits(2)).to_bits(), 1);
    }

    #[test]
    fn all_of_the_callers_state_is_restored() {
        let before = read();
        let guard = Denormals::flush();
        // Inexact, and a division by zero: both leave a flag.
        black_box(black_box(1.0_f32) / black_box(3.0) + black_box(1.0) / black_box(0.0));
        assert_ne!(read(), before);
        drop(guard);
        assert_eq!(read(), before);
    }
}

//! Denormal numbers cost an assist of a hundred cycles or more each, and a dying gradient is full of them.

use core::marker::PhantomData;

/// While it lives, denormal operands and results of this thread's vector arithmetic are zero (x86-64 only).
///
/// Dropping it restores what the caller had.
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
        Self {
            #[cfg(target_arch = "x86_64")]
            caller: exchange(FLUSH),
            thread: PhantomData,
        }
    }
}

#[cfg(target_arch = "x86_64")]
impl Drop for Denormals {
    fn drop(&mut self) {
        exchange(self.caller);
    }
}

/// Sets the two bits as given, leaves the others alone, and returns what the two were.
#[cfg(target_arch = "x86_64")]
fn exchange(bits: u32) -> u32 {
    let mut state = 0_u32;
    // SAFETY: both instructions are in every x86-64 and touch `state` alone, and the value loaded differs from the
    // one stored in defined bits only. The compiler takes it that arithmetic keeps denormals; as it may also compute
    // a constant with them, code under the guard must not depend on which it is, and none of ours does.
    unsafe {
        core::arch::asm!("stmxcsr [{}]", in(reg) &raw mut state, options(nostack, preserves_flags));
        let wanted = state & !FLUSH | bits & FLUSH;
        core::arch::asm!("ldmxcsr [{}]", in(reg) &raw const wanted, options(nostack, preserves_flags));
    }
    state & FLUSH
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
}

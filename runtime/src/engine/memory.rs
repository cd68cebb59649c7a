//! The memory that a call's kernels read and write.

/// Where a call's values are. Offsets are the compiler's: it has placed every value, checked that what lives together
/// does not overlap, and put barriers between threads that touch the same bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory<'a, E> {
    /// Activations, gradients and temporaries.
    pub arena: *mut u8,
    /// Parameters.
    pub params: *mut E,
    /// The optimiser's slots.
    pub state: *mut E,
    /// The caller's data, in order of the arguments.
    pub inputs: &'a [*const u8],
    /// Scalars that hold for the whole call.
    pub uniforms: &'a [E],
    /// Rows of this batch.
    pub rows: usize,
    /// The seed of random masks.
    pub seed: u64,
    /// The number of this training step, from 1.
    pub step: u64,
}

// SAFETY: threads touch disjoint parts, or meet at a barrier in between; the compiler sees to both.
unsafe impl<E> Sync for Memory<'_, E> {}

impl<E: Copy> Memory<'_, E> {
    /// The value so many bytes into the arena.
    #[inline(always)]
    pub fn arena<T>(&self, offset: usize) -> *mut T {
        self.arena.wrapping_add(offset).cast()
    }

    /// The parameter that starts at this element of the block.
    #[inline(always)]
    pub fn param(&self, offset: usize) -> *mut E {
        self.params.wrapping_add(offset)
    }

    /// The optimiser's slot that starts at this element.
    #[inline(always)]
    pub fn state(&self, offset: usize) -> *mut E {
        self.state.wrapping_add(offset)
    }

    /// Argument number `index`.
    #[inline(always)]
    pub fn input<T>(&self, index: usize) -> *mut T {
        self.inputs[index].cast_mut().cast()
    }

    /// Scalar number `index` of this call.
    #[inline(always)]
    pub fn uniform(&self, index: usize) -> E {
        self.uniforms[index]
    }
}

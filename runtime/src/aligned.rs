//! Memory for parameters and arenas: zeroed, and aligned so that no vector straddles a cache line.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::{self, NonNull};

/// Bytes of a cache line, and of the widest vector register.
pub const ALIGNMENT: usize = 64;

/// Plain numbers whose value with all bits zero is valid (and 0).
///
/// # Safety
/// All bits zero is a value of the type.
pub unsafe trait Zeroable: Copy {}

macro_rules! zeroable {
    ($($number:ident),*) => {$(
        // SAFETY: all bits zero is the number 0.
        unsafe impl Zeroable for $number {}
    )*};
}

zeroable!(u8, u16, u32, u64, i8, i16, i32, i64, usize, f32, f64);

/// A vector of fixed length, zeroed at first, that starts on a multiple of [`ALIGNMENT`] bytes.
pub struct AlignedVec<E: Zeroable> {
    start: NonNull<E>,
    len: usize,
    owns: PhantomData<E>,
}

// SAFETY: it owns its elements, as a Vec does.
unsafe impl<E: Zeroable + Send> Send for AlignedVec<E> {}
// SAFETY: shared access only reads.
unsafe impl<E: Zeroable + Sync> Sync for AlignedVec<E> {}

impl<E: Zeroable> AlignedVec<E> {
    /// `len` zeros.
    ///
    /// # Panics
    /// If that is more bytes than an allocation may have.
    pub fn new(len: usize) -> Self {
        let layout = Self::layout(len);
        let start = if layout.size() == 0 {
            NonNull::new(ptr::without_provenance_mut(ALIGNMENT)).expect("the alignment is not 0")
        } else {
            // SAFETY: the layout's size is not 0.
            let memory = unsafe { alloc_zeroed(layout) };
            NonNull::new(memory.cast()).unwrap_or_else(|| handle_alloc_error(layout))
        };
        Self { start, len, owns: PhantomData }
    }

    fn layout(len: usize) -> Layout {
        Layout::array::<E>(len).and_then(|layout| layout.align_to(ALIGNMENT)).expect("more bytes than memory can have")
    }

    /// The first element.
    pub fn as_ptr(&self) -> *const E {
        self.start.as_ptr()
    }

    /// The first element, to write.
    pub fn as_mut_ptr(&mut self) -> *mut E {
        self.start.as_ptr()
    }
}

impl<E: Zeroable> Drop for AlignedVec<E> {
    fn drop(&mut self) {
        let layout = Self::layout(self.len);
        if layout.size() != 0 {
            // SAFETY: `new` allocated it with the same layout.
            unsafe { dealloc(self.start.as_ptr().cast(), layout) }
        }
    }
}

impl<E: Zeroable> Deref for AlignedVec<E> {
    type Target = [E];

    fn deref(&self) -> &[E] {
        // SAFETY: `len` elements were allocated and zeroed; zero is a value of E.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl<E: Zeroable> DerefMut for AlignedVec<E> {
    fn deref_mut(&mut self) -> &mut [E] {
        // SAFETY: as above, and `&mut self` is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl<E: Zeroable> Clone for AlignedVec<E> {
    fn clone(&self) -> Self {
        let mut copy = Self::new(self.len);
        copy.copy_from_slice(self);
        copy
    }
}

impl<E: Zeroable> Default for AlignedVec<E> {
    fn default() -> Self {
        Self::new(0)
    }
}

impl<E: Zeroable + fmt::Debug> fmt::Debug for AlignedVec<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligned_zeroed_and_owned() {
        for len in [0, 1, 3, 16, 1000] {
            let mut a = AlignedVec::<f32>::new(len);
            assert_eq!(a.as_ptr().addr() % ALIGNMENT, 0);
            assert_eq!(&*a, &vec![0.0; len][..]);
            a.fill(1.0);
            let b = a.clone();
            a.fill(2.0);
            assert_eq!(&*b, &vec![1.0; len][..]);
            assert_eq!(b.as_ptr().addr() % ALIGNMENT, 0);
        }
    }

    #[test]
    #[should_panic(expected = "more bytes than memory can have")]
    fn sizes_do_not_wrap() {
        AlignedVec::<f64>::new(usize::MAX / 4);
    }
}

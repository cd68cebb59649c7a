//! Strided copies: slices, transposes, flips, pads and concatenations.

use crate::simd::{Float, Simd};

/// Copies a block of `dims` elements; strides are in elements, and negative where the source is walked backwards.
///
/// # Safety
/// All elements of the source are readable, all of the target writable, and they do not overlap.
#[inline(always)]
pub unsafe fn copy<T: Copy, const R: usize>(
    dims: [usize; R],
    source: *const T,
    source_strides: [isize; R],
    target: *mut T,
    target_strides: [usize; R],
) {
    let last = R.wrapping_sub(1);
    each(without(dims, [last]), source_strides, target_strides, |from, to| {
        // SAFETY: inside both blocks, as the caller says.
        unsafe {
            let (source, target) = (source.offset(from), target.add(to));
            if R == 0 {
                *target = *source;
            } else if source_strides[last] == 1 && target_strides[last] == 1 {
                core::ptr::copy_nonoverlapping(source, target, dims[last]);
            } else {
                for place in 0..dims[last] {
                    *target.add(place * target_strides[last]) = *source.offset(place as isize * source_strides[last]);
                }
            }
        }
    });
}

/// The same for floats: where neighbours of the source become rows of the target, blocks are transposed in registers.
///
/// # Safety
/// As [`copy`].
#[inline(always)]
pub unsafe fn copy_floats<E: Float, S: Simd<E>, const R: usize>(
    s: S,
    dims: [usize; R],
    source: *const E,
    source_strides: [isize; R],
    target: *mut E,
    target_strides: [usize; R],
) {
    let last = R.wrapping_sub(1);
    let rows = (0..last).find(|&axis| source_strides[axis] == 1 && dims[axis] >= S::LANES);
    let (Some(rows), true) = (rows, R > 1 && target_strides[last] == 1 && dims[last] >= S::LANES) else {
        // SAFETY: the caller's promise.
        return unsafe { copy(dims, source, source_strides, target, target_strides) };
    };
    let (Ok(apart), true) = (usize::try_from(source_strides[last]), source_strides[last] > 1) else {
        // SAFETY: the caller's promise.
        return unsafe { copy(dims, source, source_strides, target, target_strides) };
    };
    let whole = [rows, last].map(|axis| dims[axis] - dims[axis] % S::LANES);
    each(without(dims, [rows, last]), source_strides, target_strides, |from, to| {
        // SAFETY: inside both blocks, as the caller says.
        unsafe {
            let (source, target) = (source.offset(from), target.add(to));
            for row in (0..whole[0]).step_by(S::LANES) {
                for col in (0..whole[1]).step_by(S::LANES) {
                    let (source, target) =
                        (source.add(row + col * apart), target.add(row * target_strides[rows] + col));
                    s.transpose(source, apart, target, target_strides[rows]);
                }
            }
            for row in 0..dims[rows] {
                let start = if row < whole[0] { whole[1] } else { 0 };
                for col in start..dims[last] {
                    *target.add(row * target_strides[rows] + col) = *source.add(row + col * apart);
                }
            }
        }
    });
}

/// `dims` with a single element along some axes.
#[inline(always)]
fn without<const R: usize, const N: usize>(mut dims: [usize; R], axes: [usize; N]) -> [usize; R] {
    for axis in axes {
        if let Some(dim) = dims.get_mut(axis) {
            *dim = (*dim).min(1);
        }
    }
    dims
}

/// Calls `body` with the place of each element in both blocks.
#[inline(always)]
fn each<const R: usize>(
    dims: [usize; R],
    source_strides: [isize; R],
    target_strides: [usize; R],
    mut body: impl FnMut(isize, usize),
) {
    if dims.contains(&0) {
        return;
    }
    let mut index = [0; R];
    loop {
        let from = (0..R).map(|axis| index[axis] as isize * source_strides[axis]).sum();
        body(from, (0..R).map(|axis| index[axis] * target_strides[axis]).sum());
        // The next one: count up like an odometer.
        let mut axis = R;
        loop {
            if axis == 0 {
                return;
            }
            axis -= 1;
            index[axis] += 1;
            if index[axis] < dims[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposes() {
        let source: Vec<u32> = (0..6).collect();
        let mut target = vec![0; 6];
        // SAFETY: both hold 2 × 3 elements.
        unsafe { copy([3, 2], source.as_ptr(), [1, 3], target.as_mut_ptr(), [2, 1]) };
        assert_eq!(target, [0, 3, 1, 4, 2, 5]);
    }

    /// Each instruction set takes the same numbers from one block to another as single copies do.
    fn transposes_blocks<E: Float, S: Simd<E>>(s: S) {
        for [a, b, c] in [[3, 40, 35], [1, 16, 16], [2, 7, 33], [2, 33, 7], [0, 16, 16]] {
            let source: Vec<E> = (0..a * b * c).map(|x| E::from_f64(x as f64)).collect();
            // The axes a, c, b in the source; a, b, c in the target.
            let strides = [(b * c) as isize, 1, b as isize];
            let mut expected = vec![E::ZERO; a * b * c];
            let mut found = expected.clone();
            // SAFETY: all hold as many elements.
            unsafe {
                copy([a, b, c], source.as_ptr(), strides, expected.as_mut_ptr(), [b * c, c, 1]);
                s.vectorize(|| copy_floats(s, [a, b, c], source.as_ptr(), strides, found.as_mut_ptr(), [b * c, c, 1]));
            }
            assert_eq!(expected, found);
            assert!(a == 0 || expected[1] == E::from_f64(b as f64));
        }
    }

    #[test]
    fn transposes_blocks_on_every_instruction_set() {
        for isa in crate::simd::Isa::available() {
            crate::dispatch!(isa, s => transposes_blocks::<f32, _>(s));
            crate::dispatch!(isa, s => transposes_blocks::<f64, _>(s));
        }
    }

    #[test]
    fn flips() {
        let source: Vec<u32> = (0..6).collect();
        let mut target = vec![0; 6];
        // SAFETY: both hold 2 × 3 elements.
        unsafe { copy([2, 3], source.as_ptr().add(2), [3, -1], target.as_mut_ptr(), [3, 1]) };
        assert_eq!(target, [2, 1, 0, 5, 4, 3]);
    }

    #[test]
    fn pads() {
        let mut target = vec![0; 12];
        // SAFETY: 2 × 2 elements into the middle of 3 × 4.
        unsafe { copy([2, 2], [1, 2, 3, 4].as_ptr(), [2, 1], target.as_mut_ptr().add(1), [4, 1]) };
        assert_eq!(target, [0, 1, 2, 0, 0, 3, 4, 0, 0, 0, 0, 0]);
    }
}

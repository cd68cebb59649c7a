//! Strided copies: slices, transposes, flips, pads and concatenations.

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
    if dims.contains(&0) {
        return;
    }
    let Some(last) = R.checked_sub(1) else {
        // SAFETY: one element, as the caller says.
        unsafe { *target = *source };
        return;
    };
    let mut index = [0; R];
    loop {
        let from: isize = (0..last).map(|axis| index[axis] as isize * source_strides[axis]).sum();
        let to: usize = (0..last).map(|axis| index[axis] * target_strides[axis]).sum();
        // SAFETY: inside both blocks, as the caller says.
        unsafe {
            if source_strides[last] == 1 && target_strides[last] == 1 {
                core::ptr::copy_nonoverlapping(source.offset(from), target.add(to), dims[last]);
            } else {
                for place in 0..dims[last] {
                    *target.add(to + place * target_strides[last]) =
                        *source.offset(from + place as isize * source_strides[last]);
                }
            }
        }
        // The next run: count up like an odometer.
        let mut axis = last;
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

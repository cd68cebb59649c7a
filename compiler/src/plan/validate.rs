//! Checks a placement without knowing how it came about. It shares no code with `place`.

use super::{Buffer, Placement};

/// Checks that every buffer lies at a multiple of `align` inside the arena, and that no two that hold bytes at the
/// same step share a byte.
///
/// # Errors
/// The first buffer, or pair of buffers, that is wrong.
pub fn validate(buffers: &[Buffer], placement: &Placement, align: usize) -> Result<(), String> {
    let Placement { offsets, height, .. } = placement;
    if offsets.len() != buffers.len() {
        return Err(format!("{} offsets for {} buffers", offsets.len(), buffers.len()));
    }
    for (index, (buffer, &offset)) in buffers.iter().zip(offsets).enumerate() {
        if align > 1 && offset % align != 0 {
            return Err(format!("buffer {index} at {offset} is not aligned to {align}"));
        }
        match offset.checked_add(buffer.size) {
            Some(end) if end <= *height => {}
            _ => return Err(format!("buffer {index}, {} bytes at {offset}, ends past {height}", buffer.size)),
        }
    }
    // In the order of their first steps; `live` holds those whose last step has not passed.
    let mut by_start: Vec<usize> = (0..buffers.len()).collect();
    by_start.sort_by_key(|&index| buffers[index].lower);
    let mut live: Vec<usize> = Vec::new();
    for index in by_start {
        let buffer = buffers[index];
        // A buffer whose `upper` is not past its `lower` holds bytes during `lower` all the same.
        live.retain(|&other| buffers[other].upper > buffer.lower || buffers[other].lower == buffer.lower);
        let bytes = offsets[index]..offsets[index] + buffer.size;
        for &other in &live {
            let others = offsets[other]..offsets[other] + buffers[other].size;
            if bytes.start.max(others.start) < bytes.end.min(others.end) {
                return Err(format!(
                    "buffers {other} (bytes {others:?}) and {index} (bytes {bytes:?}) overlap at step {}",
                    buffer.lower
                ));
            }
        }
        live.push(index);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(buffers: &[(usize, usize, usize)], offsets: &[usize], height: usize) -> Result<(), String> {
        let buffers: Vec<Buffer> = buffers.iter().map(|&(lower, upper, size)| Buffer { lower, upper, size }).collect();
        validate(&buffers, &Placement { offsets: offsets.to_vec(), height, lower_bound: 0 }, 8)
    }

    #[test]
    fn good_placements_pass() {
        assert_eq!(check(&[], &[], 0), Ok(()));
        assert_eq!(check(&[(0, 2, 8), (2, 4, 16), (1, 3, 8)], &[0, 0, 16], 24), Ok(()));
    }

    #[test]
    fn each_fault_is_found() {
        let overlap = check(&[(0, 3, 8), (2, 4, 16)], &[8, 0], 24).unwrap_err();
        assert!(overlap.contains("overlap at step 2"), "{overlap}");
        let late = check(&[(5, 6, 8), (0, 9, 8), (5, 5, 8)], &[8, 0, 8], 24).unwrap_err();
        assert!(late.contains("overlap at step 5"), "{late}");
        let aligned = check(&[(0, 1, 8)], &[4], 24).unwrap_err();
        assert!(aligned.contains("not aligned to 8"), "{aligned}");
        let bounds = check(&[(0, 1, 8)], &[24], 24).unwrap_err();
        assert!(bounds.contains("ends past 24"), "{bounds}");
        let overflow = check(&[(0, 1, usize::MAX)], &[8], 24).unwrap_err();
        assert!(overflow.contains("ends past"), "{overflow}");
        let count = check(&[(0, 1, 8)], &[], 24).unwrap_err();
        assert!(count.contains("0 offsets for 1"), "{count}");
    }
}

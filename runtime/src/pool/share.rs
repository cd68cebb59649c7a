//! Who does what: pure functions of sizes and the number of members.

use std::ops::Range;

/// Part `index` of `count` of `units`, in whole blocks.
pub(super) fn blocks(units: usize, block: usize, index: usize, count: usize) -> Range<usize> {
    let block = block.max(1);
    let all = units.div_ceil(block);
    let (each, more) = (all / count, all % count);
    let first = |index: usize| (index * each + index.min(more)).saturating_mul(block).min(units);
    first(index)..first(index + 1)
}

/// Tile `index` of `count` of a matrix, in whole blocks.
pub(super) fn tiles(size: [usize; 2], block: [usize; 2], index: usize, count: usize) -> (Range<usize>, Range<usize>) {
    // Part 0 is never smaller than another.
    let largest = |axis: usize, parts: usize| blocks(size[axis], block[axis], 0, parts).len();
    let area = |down: usize| largest(0, down).saturating_mul(largest(1, count / down));
    // Of equals the one with the most parts down: rows are further apart in memory.
    let down = (1..=count).rev().filter(|down| count.is_multiple_of(*down)).min_by_key(|&down| area(down)).unwrap_or(1);
    let across = count / down;
    (blocks(size[0], block[0], index / across, down), blocks(size[1], block[1], index % across, across))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_contiguous_balanced_and_whole() {
        for units in [0, 1, 2, 5, 16, 97, 128] {
            for block in [1, 6, 16, 200] {
                for count in 1..=16 {
                    let parts: Vec<_> = (0..count).map(|index| blocks(units, block, index, count)).collect();
                    assert_eq!(parts[0].start, 0);
                    assert_eq!(parts[count - 1].end, units);
                    assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start));
                    assert!(parts.iter().all(|part| part.start.is_multiple_of(block) || part.start == units));
                    let sizes: Vec<_> = parts.iter().map(|part| part.len().div_ceil(block)).collect();
                    let (least, most) = (sizes.iter().min().copied(), sizes.iter().max().copied());
                    assert!(most <= least.map(|least| least + 1), "{sizes:?}");
                    assert_eq!(most, sizes.first().copied());
                }
            }
        }
    }

    #[test]
    fn tiles_cover_each_cell_once() {
        for size in [[1, 1], [7, 40], [33, 3], [12, 64], [0, 5]] {
            for count in 1..=16 {
                let mut cells = vec![0; size[0] * size[1]];
                for index in 0..count {
                    let (rows, cols) = tiles(size, [6, 16], index, count);
                    for row in rows {
                        cells[row * size[1]..][cols.clone()].iter_mut().for_each(|cell| *cell += 1);
                    }
                }
                assert!(cells.iter().all(|&cell| cell == 1), "{size:?} {count}");
            }
        }
    }

    #[test]
    fn the_better_axis_is_split() {
        assert_eq!(tiles([120, 512], [6, 16], 1, 2), (60..120, 0..512));
        assert_eq!(tiles([6, 512], [6, 16], 1, 2), (0..6, 256..512));
        assert_eq!(tiles([784, 10], [6, 16], 0, 2), (0..396, 0..10));
        // Two blocks each way keep four members busy only as a grid.
        assert_eq!(tiles([12, 32], [6, 16], 3, 4), (6..12, 16..32));
    }
}

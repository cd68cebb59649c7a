//! Rows of a table and their gradient.

use super::{bits, everywhere, nan, random, splits};
use crate::kernels::{NO_PADDING, embed, embed_grad};
use crate::simd::{Float, Simd};

const SIZES: [(usize, usize, usize); 6] = [(1, 1, 1), (3, 1, 5), (7, 5, 4), (2, 17, 9), (65, 33, 40), (5, 64, 0)];

fn indices(places: usize, vocabulary: usize) -> Vec<u32> {
    random::<f64>(places, 3).iter().map(|x| ((x + 1.0) / 2.0 * vocabulary as f64) as u32).collect()
}

fn rows_by_index<S: Simd<E>, E: Float>(s: S) {
    for (vocabulary, features, places) in SIZES {
        let (table, index) = (random::<E>(vocabulary * features, 1), indices(places, vocabulary));
        for padding in [NO_PADDING, 0] {
            let row = |index: &u32| {
                let row = table[*index as usize * features..][..features].to_vec();
                if *index == padding { vec![E::ZERO; features] } else { row }
            };
            let expected: Vec<E> = index.iter().flat_map(row).collect();
            for split in splits(places) {
                let mut y = vec![nan::<E>(); places * features];
                for part in split {
                    s.vectorize(
                        #[inline(always)]
                        || {
                            // SAFETY: the buffers have the sizes that are given.
                            unsafe { embed(s, part, features, padding, table.as_ptr(), index.as_ptr(), y.as_mut_ptr()) }
                        },
                    );
                }
                assert_eq!(bits(&y), bits(&expected));
            }
        }
    }
}

fn gradients<S: Simd<E>, E: Float>(s: S) {
    for (vocabulary, features, places) in SIZES {
        let (g, index) = (random::<E>(places * features, 1), indices(places, vocabulary));
        for padding in [NO_PADDING, 0] {
            let mut expected = vec![E::ZERO; vocabulary * features];
            for (place, &index) in index.iter().enumerate().filter(|&(_, &index)| index != padding) {
                for feature in 0..features {
                    let sum = &mut expected[index as usize * features + feature];
                    *sum = *sum + g[place * features + feature];
                }
            }
            for (rows, cols) in splits(vocabulary).into_iter().zip(splits(features)) {
                let mut table = vec![nan::<E>(); vocabulary * features];
                for (rows, cols) in
                    rows.iter().flat_map(|rows| cols.iter().map(move |cols| (rows.clone(), cols.clone())))
                {
                    let (index, g, table) = (index.as_ptr(), g.as_ptr(), table.as_mut_ptr());
                    s.vectorize(
                        #[inline(always)]
                        || {
                            // SAFETY: the buffers have the sizes that are given.
                            unsafe { embed_grad(s, rows, cols, places, features, padding, index, g, table) }
                        },
                    );
                }
                // Sums of one order: the same bits.
                assert_eq!(bits(&table), bits(&expected));
            }
        }
    }
}

#[test]
fn embed_takes_rows() {
    everywhere!(rows_by_index);
}

#[test]
fn embed_grad_adds_rows() {
    everywhere!(gradients);
}

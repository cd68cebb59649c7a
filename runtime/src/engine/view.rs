//! Results as views into the arena.

use crate::simd::Float;
use ndarray::{ArrayView, Dim, Dimension, IntoDimension, IxDyn};

/// A result's shape by its number of axes; ndarray has static ones up to six.
pub trait Rank {
    /// ndarray's dimension type.
    type Dim: Dimension;
}

/// A number of axes.
#[derive(Debug)]
pub struct Axes<const R: usize>;

macro_rules! ranks {
    ($($rank:literal)*) => {$(
        impl Rank for Axes<$rank> {
            type Dim = Dim<[usize; $rank]>;
        }
    )*};
}

macro_rules! dynamic_ranks {
    ($($rank:literal)*) => {$(
        impl Rank for Axes<$rank> {
            type Dim = IxDyn;
        }
    )*};
}

ranks!(0 1 2 3 4 5 6);
dynamic_ranks!(7 8 9 10 11 12 13 14 15 16);

/// A view of a result with `R` axes.
pub type View<'a, E, const R: usize> = ArrayView<'a, E, <Axes<R> as Rank>::Dim>;

/// Elements in row-major order as an array.
///
/// # Panics
/// If the axes do not multiply to the number of elements.
pub fn view<E, D, const R: usize>(elements: &[E], axes: [usize; R]) -> ArrayView<'_, E, D>
where
    D: Dimension,
    Axes<R>: Rank<Dim = D>,
{
    let dynamic = ArrayView::from_shape(axes.as_slice().into_dimension(), elements);
    match dynamic.and_then(ArrayView::into_dimensionality) {
        Ok(view) => view,
        Err(error) => panic!("kiln's bug: a result of {} elements as {axes:?}: {error}", elements.len()),
    }
}

/// Adds a result to a sum of as many elements, or starts the sum with it.
pub fn accumulate<E: Float, D: Dimension>(sum: &mut [E], part: &ArrayView<'_, E, D>, first: bool) {
    for (sum, &part) in sum.iter_mut().zip(part) {
        *sum = if first { part } else { *sum + part };
    }
}

/// Copies a result out.
pub fn copy_view<E: Copy, D: Dimension>(view: &ArrayView<'_, E, D>, target: &mut [E]) {
    if let Some(elements) = view.as_slice() {
        target.copy_from_slice(elements);
    }
}

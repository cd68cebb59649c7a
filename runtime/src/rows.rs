//! What users hand to the generated entry points: rows of data, checked once before anything runs.

use ndarray::{ArrayBase, ArrayRef, ArrayView, Data, Dimension};

use crate::{Error, Result};

/// Contiguous elements, and the axes where the owner knows them.
#[derive(Clone, Copy, Debug)]
pub struct Elements<'a, T> {
    /// The elements in row-major order; `None` where they lie in another order.
    pub data: Option<&'a [T]>,
    /// The axes of an array, the rows first.
    pub axes: Option<&'a [usize]>,
}

/// Data that can be read as rows of `T`: slices, references to vectors and arrays, ndarray's views and references to its
/// arrays, in standard layout. A slice holds the rows one after another; an array has them along its first axis.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not rows of `{T}`",
    label = "expected a `&[{T}]`, a `&Vec<{T}>`, an `ArrayView<{T}, _>` or a `&Array<{T}, _>`"
)]
pub trait Rows<T> {
    /// The elements. (ndarray has a `view` and a `rows` of its own.)
    fn as_rows(&self) -> Elements<'_, T>;
}

// For references only: were owners taken as well, clippy would tell users to give their data away.
macro_rules! slices {
    ($(($($generics:tt)*) $holder:ty;)*) => {$(
        impl<$($generics)*> Rows<T> for $holder {
            fn as_rows(&self) -> Elements<'_, T> {
                Elements { data: Some(&self[..]), axes: None }
            }
        }
    )*};
}

slices! {
    (T) &[T];
    (T) &Vec<T>;
    (T, const N: usize) &[T; N];
}

macro_rules! arrays {
    ($(($($generics:tt)*) $holder:ty;)*) => {$(
        impl<$($generics)*> Rows<T> for $holder {
            fn as_rows(&self) -> Elements<'_, T> {
                Elements { data: self.as_slice(), axes: Some(self.shape()) }
            }
        }
    )*};
}

arrays! {
    (T, D: Dimension) ArrayView<'_, T, D>;
    (T, S: Data<Elem = T>, D: Dimension) &ArrayBase<S, D>;
    (T, D: Dimension) &ArrayRef<T, D>;
}

/// The elements of an input and how many rows they are.
///
/// `shape` is one row's. An array of one axis counts as a slice does; with more, the axes after the first must be
/// `shape`.
///
/// # Errors
/// Names the input: another layout or shape, no whole number of rows, 0 rows, more rows than `capacity`.
pub fn check<'a, T>(name: &str, data: &'a impl Rows<T>, shape: &[usize], capacity: usize) -> Result<(&'a [T], usize)> {
    let view = data.as_rows();
    if let Some(axes) = view.axes
        && axes.len() > 1
        && axes[1..] != *shape
    {
        return Err(Error::RowShape { name: name.to_owned(), expected: shape.to_vec(), found: axes.to_vec() });
    }
    let Some(data) = view.data else { return Err(Error::Layout { name: name.to_owned() }) };
    let row = shape.iter().product::<usize>();
    if data.is_empty() {
        return Err(Error::NoRows { name: name.to_owned(), capacity });
    }
    if row == 0 || !data.len().is_multiple_of(row) {
        return Err(Error::Length { name: name.to_owned(), expected: row, found: data.len() });
    }
    let rows = data.len() / row;
    if rows > capacity {
        return Err(Error::TooManyRows { name: name.to_owned(), capacity, found: rows });
    }
    Ok((data, rows))
}

/// That every index is below `classes`.
///
/// # Errors
/// Names the first that is not.
pub fn check_indices(name: &str, indices: &[u32], classes: usize) -> Result<()> {
    // The maximum vectorises; the search for the culprit is only for the error.
    if indices.iter().copied().max().is_none_or(|largest| (largest as usize) < classes) {
        return Ok(());
    }
    let culprit = indices.iter().enumerate().find(|&(_, &index)| index as usize >= classes);
    match culprit {
        Some((position, &found)) => Err(Error::ClassOutOfRange { name: name.to_owned(), position, found, classes }),
        None => Ok(()),
    }
}

/// The rows of a call, which all its inputs must have.
///
/// # Errors
/// Names two inputs that disagree.
pub fn check_agree(inputs: &[(&str, usize)]) -> Result<usize> {
    let Some(&(first, first_rows)) = inputs.first() else { return Ok(0) };
    match inputs.iter().find(|&&(_, rows)| rows != first_rows) {
        None => Ok(first_rows),
        Some(&(second, second_rows)) => {
            Err(Error::RowsDisagree { first: first.to_owned(), first_rows, second: second.to_owned(), second_rows })
        }
    }
}

/// That a buffer is as long as the result that goes into it.
///
/// # Errors
/// Names the output and both lengths.
pub fn check_output<T>(name: &str, buffer: &[T], expected: usize) -> Result<()> {
    if buffer.len() == expected {
        return Ok(());
    }
    Err(Error::OutputLength { name: name.to_owned(), expected, found: buffer.len() })
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array2, Array3, arr0};

    use super::*;

    /// As a generated entry point takes its inputs.
    fn step(image: impl Rows<f32>, digit: impl Rows<u32>) -> Result<usize> {
        let (_, rows) = check("image", &image, &[2, 3], 4)?;
        let (digits, digit_rows) = check("digit", &digit, &[], 4)?;
        check_indices("digit", digits, 10)?;
        check_agree(&[("image", rows), ("digit", digit_rows)])
    }

    #[test]
    fn whatever_holds_rows_is_taken() {
        let images = vec![0.0; 12];
        let digits = vec![0, 9];
        let array = Array3::<f32>::zeros((2, 2, 3));
        let flat = Array1::<f32>::zeros(12);
        assert_eq!(step(&images, &digits).ok(), Some(2));
        assert_eq!(step(&images[..6], &digits[..1]).ok(), Some(1));
        assert_eq!(step(&[0.0; 6], &[3]).ok(), Some(1));
        assert_eq!(step(&array, &digits).ok(), Some(2));
        assert_eq!(step(array.view(), &Array1::from(digits.clone())).ok(), Some(2));
        assert_eq!(step(array.view().into_dyn(), &digits).ok(), Some(2));
        assert_eq!(step(&flat, &digits).ok(), Some(2));
        assert_eq!(step(&*array, &digits).ok(), Some(2));
        assert_eq!(step(array.view(), &digits[..]).ok(), Some(2));
        assert_eq!(check("x", &&arr0(1.0_f32), &[], 1).map(|(_, rows)| rows).ok(), Some(1));
    }

    fn message(image: impl Rows<f32>, digit: impl Rows<u32>) -> String {
        step(image, digit).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn what_is_wrong_is_named() {
        let digits = [0_u32; 2];
        assert_eq!(
            message(&[0.0; 13], &digits),
            "`image` takes rows of 6 elements, but 13 elements are no whole number of rows"
        );
        assert_eq!(message(&[][..], &digits), "`image` has 0 rows; it takes 1 to 4");
        assert_eq!(message(&[0.0; 30], &digits), "`image` has 5 rows, but the network is compiled for at most 4");
        assert_eq!(message(&[0.0; 18], &digits), "`image` has 3 rows, but `digit` has 2");
        assert_eq!(
            message(&[0.0; 12], &[1, 10]),
            "`digit` has 10 at position 1, but there are only 10 classes, from 0"
        );
        assert_eq!(
            message(&Array2::zeros((2, 6)), &digits),
            "`image` takes rows of shape [2, 3], but the array's shape is [2, 6]"
        );
        assert_eq!(message(&Array3::zeros((0, 2, 3)), &digits), "`image` has 0 rows; it takes 1 to 4");
        let transposed = Array3::<f32>::zeros((3, 2, 2)).reversed_axes();
        assert_eq!(
            message(&transposed, &digits),
            "`image` is an array that is not in standard (row-major) layout; pass `.as_standard_layout()` of it"
        );
        assert_eq!(message(&transposed.as_standard_layout(), &digits), "");
        assert_eq!(
            check_output("logits", &[0.0; 3], 20).map_err(|error| error.to_string()),
            Err("the buffer for `logits` has 3 elements, but the result has 20".to_owned())
        );
    }
}

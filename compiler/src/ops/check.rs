//! What the shape rules of several primitives ask of their operands.

use crate::ir::{DType, Type};

/// That all operands are floats of one type.
pub(super) fn floats(name: &str, inputs: &[&Type]) -> Result<(), String> {
    inputs.iter().try_for_each(|input| super::elementwise::float(name, input))?;
    match inputs.windows(2).find(|pair| pair[0].dtype != pair[1].dtype) {
        Some(pair) => {
            let (first, second) = (pair[0].dtype.rust(), pair[1].dtype.rust());
            Err(format!("`{name}` computes in one type, but is given {first} and {second}"))
        }
        None => Ok(()),
    }
}

/// Height, width and channels of an image; `image` says whose.
pub(super) fn image(image: &str, ty: &Type) -> Result<[usize; 3], String> {
    <[usize; 3]>::try_from(ty.dims.as_slice())
        .map_err(|_| format!("{image} is [height, width, channels], found {}", ty.shape()))
}

/// That these are the places of the winners in the windows of `max_pool2d`'s result.
pub(super) fn places(result: &Type, index: &Type) -> Result<(), String> {
    let expected = result.with_dtype(DType::U8);
    if *index == expected {
        return Ok(());
    }
    Err(format!("the places of `max_pool2d` are {expected}, found {index}"))
}

/// That both operands come once per row of the batch, or neither does.
pub(super) fn same_batching(name: &str, first: &Type, second: &Type) -> Result<(), String> {
    if first.batched == second.batched {
        return Ok(());
    }
    let [first, second] = [first, second].map(batching);
    Err(format!("`{name}` takes both operands per row of the batch or neither, found {first} and {second}"))
}

fn batching(ty: &Type) -> &'static str {
    if ty.batched { "one per row of the batch" } else { "one for the whole batch" }
}

/// The product as a count of operations; it stays at the largest where it would overflow.
pub(super) fn count(factors: impl IntoIterator<Item = usize>) -> u64 {
    factors.into_iter().fold(1, |product: u64, factor| product.saturating_mul(factor as u64))
}

/// The elements in order.
#[cfg(feature = "eval")]
pub(super) fn flat(array: &crate::eval::Array) -> Vec<f64> {
    array.iter().copied().collect()
}

/// An array of these elements.
///
/// # Panics
/// If they are not as many as the shape takes.
#[cfg(feature = "eval")]
pub(super) fn array(shape: &[usize], elements: Vec<f64>) -> crate::eval::Array {
    crate::eval::Array::from_shape_vec(shape, elements).unwrap_or_else(|error| panic!("{shape:?}: {error}"))
}

/// Of images, batched or not, the rows and the shape of one.
#[cfg(feature = "eval")]
pub(super) fn rows_and_image(shape: &[usize]) -> (usize, [usize; 3]) {
    match *shape {
        [height, width, channels] => (1, [height, width, channels]),
        [rows, height, width, channels] => (rows, [height, width, channels]),
        _ => unreachable!("the shape rule asks for images, found {shape:?}"),
    }
}

/// Images of another shape, batched as those of shape `like` are.
#[cfg(feature = "eval")]
pub(super) fn like_image(like: &[usize], image: [usize; 3], elements: Vec<f64>) -> crate::eval::Array {
    let shape: Vec<usize> = like[..like.len() - 3].iter().copied().chain(image).collect();
    array(&shape, elements)
}

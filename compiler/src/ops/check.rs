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

/// That a convolution is one whose gradients under a max-pool have kernels.
pub(super) fn sparse(name: &str, conv: &super::Conv2d) -> Result<(), String> {
    if conv.groups == 1 && conv.dilation == [1, 1] {
        return Ok(());
    }
    Err(format!("`{name}` takes a convolution of one group with no dilation"))
}

/// The settings of a primitive inside another.
pub(super) fn settings(inner: &impl super::Rules) -> String {
    let settings: Vec<String> = inner.attributes().into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    format!("({})", settings.join(", "))
}

/// Height, width and channels of an image, the last three axes; those in front count images. `image` says whose.
pub(super) fn image(image: &str, ty: &Type) -> Result<[usize; 3], String> {
    match *ty.dims.as_slice() {
        [.., height, width, channels] => Ok([height, width, channels]),
        _ => Err(format!("{image} is [height, width, channels], found {}", ty.shape())),
    }
}

/// Images of another size, as many as there are of `like`.
pub(super) fn with_image(like: &Type, image: [usize; 3]) -> Type {
    let lead = like.dims.len().saturating_sub(3);
    like.with_dims(like.dims.iter().take(lead).copied().chain(image).collect::<Vec<_>>())
}

/// Height and width of images, of whom the shape rule knows that they are.
pub(super) fn plane(dims: &[usize]) -> [usize; 2] {
    match *dims {
        [.., height, width, _] => [height, width],
        _ => [0, 0],
    }
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

/// Of images, batched or not, their number and the shape of one.
#[cfg(feature = "eval")]
pub(super) fn rows_and_image(shape: &[usize]) -> (usize, [usize; 3]) {
    match *shape {
        [ref lead @ .., height, width, channels] => (lead.iter().product(), [height, width, channels]),
        _ => unreachable!("the shape rule asks for images, found {shape:?}"),
    }
}

/// Images of another shape, batched as those of shape `like` are.
#[cfg(feature = "eval")]
pub(super) fn like_image(like: &[usize], image: [usize; 3], elements: Vec<f64>) -> crate::eval::Array {
    let shape: Vec<usize> = like[..like.len() - 3].iter().copied().chain(image).collect();
    array(&shape, elements)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use crate::infer::infer;
    use crate::ir::{DType, Type};
    use crate::ops::*;

    /// Sizes that are easy to trip over.
    fn size() -> impl Strategy<Value = usize> {
        prop_oneof![8 => 0..4usize, 1 => Just(1 << 40), 1 => Just(usize::MAX)]
    }

    fn sizes() -> impl Strategy<Value = Vec<usize>> {
        prop_oneof![vec(size(), 0..5), vec(size(), 3), vec(size(), 4)]
    }

    fn pair() -> impl Strategy<Value = [usize; 2]> {
        [size(), size()]
    }

    fn ty() -> impl Strategy<Value = Type> {
        let dtype =
            prop_oneof![6 => Just(DType::F32), 1 => Just(DType::F64), 1 => Just(DType::U32), 1 => Just(DType::U8)];
        (dtype, any::<bool>(), sizes()).prop_map(|(dtype, batched, dims)| Type { dtype, batched, dims })
    }

    fn conv() -> impl Strategy<Value = Conv2d> {
        let settings = (pair(), [pair(), pair()], pair(), size());
        settings.prop_map(|(stride, pad, dilation, groups)| Conv2d { stride, pad, dilation, groups })
    }

    fn products() -> impl Strategy<Value = Op> {
        prop_oneof![
            any::<bool>().prop_map(|transpose| MatMul { transpose }.into()),
            any::<[bool; 2]>().prop_map(|[ta, tb]| BatchMatMul { ta, tb }.into()),
            Just(Contract.into()),
            Just(Gather.into()),
            Just(ArgMax.into()),
            Just(Embed { padding: Some(1) }.into()),
            size().prop_map(|vocabulary| EmbedGrad { vocabulary, padding: None }.into()),
            conv().prop_map(Op::from),
            (conv(), pair()).prop_map(|(conv, input)| Conv2dInputGrad { conv, input }.into()),
            (conv(), pair()).prop_map(|(conv, kernel)| Conv2dWeightGrad { conv, kernel }.into()),
        ]
    }

    fn pools() -> impl Strategy<Value = Op> {
        let pool = (pair(), pair(), [pair(), pair()], pair());
        (0..6, pool).prop_map(|(which, (size, stride, pad, input))| {
            let (max, avg) = (MaxPool2d { size, stride, pad }, AvgPool2d { size, stride, pad });
            match which {
                0 => max.into(),
                1 => MaxPool2dIndex { pool: max }.into(),
                2 => MaxPool2dGrad { pool: max, input }.into(),
                3 => MaxPool2dTake { pool: max }.into(),
                4 => avg.into(),
                _ => AvgPool2dGrad { pool: avg, input }.into(),
            }
        })
    }

    fn moves() -> impl Strategy<Value = Op> {
        let kind =
            prop_oneof![Just(ReduceKind::Sum), Just(ReduceKind::Max), Just(ReduceKind::Min), Just(ReduceKind::Prod)];
        prop_oneof![
            sizes().prop_map(|perm| Transpose { perm }.into()),
            size().prop_map(|axis| Concat { axis }.into()),
            [sizes(), sizes(), sizes()].prop_map(|[starts, ends, steps]| Slice { starts, ends, steps }.into()),
            [sizes(), sizes(), sizes()].prop_map(|[low, high, interior]| Pad { low, high, interior }.into()),
            (kind, sizes(), any::<bool>()).prop_map(|(kind, axes, batch)| Reduce { kind, axes, batch }.into()),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn shape_rules_and_counts_take_whatever_comes(
            op in prop_oneof![products(), pools(), moves()],
            operands in vec(ty(), 0..4),
        ) {
            let operands: Vec<&Type> = operands.iter().collect();
            if let Ok(ty) = infer(&op, &operands)
                && operands.iter().all(|operand| operand.dims.iter().try_fold(1usize, |n, &dim| n.checked_mul(dim)).is_some())
            {
                op.rules().flops(&operands, &ty);
            }
        }
    }
}

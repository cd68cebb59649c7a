//! What the primitives that work element by element share.

use crate::ir::Type;

#[cfg(feature = "eval")]
use crate::eval::Array;

/// Exactly `N` operands.
pub(super) fn operands<'a, const N: usize>(name: &str, inputs: &[&'a Type]) -> Result<[&'a Type; N], String> {
    <[&Type; N]>::try_from(inputs).map_err(|_| {
        let plural = if N == 1 { "" } else { "s" };
        format!("`{name}` takes {N} operand{plural}, but is given {}", inputs.len())
    })
}

/// Floats.
pub(super) fn float(name: &str, ty: &Type) -> Result<(), String> {
    if ty.dtype.is_float() { Ok(()) } else { Err(format!("`{name}` computes with floats, but is given {ty}")) }
}

/// Two operands of one type.
pub(super) fn same(name: &str, a: &Type, b: &Type) -> Result<(), String> {
    if a == b { Ok(()) } else { Err(format!("`{name}` takes operands of one shape, but is given {a} and {b}")) }
}

/// The shape rule of functions of one float.
pub(super) fn unary(name: &str, inputs: &[&Type]) -> Result<Type, String> {
    let [a] = operands(name, inputs)?;
    float(name, a)?;
    Ok(a.clone())
}

/// The shape rule of functions of two floats.
pub(super) fn binary(name: &str, inputs: &[&Type]) -> Result<Type, String> {
    let [a, b] = operands(name, inputs)?;
    float(name, a)?;
    same(name, a, b)?;
    Ok(a.clone())
}

/// One operation per element. A call of exp, log and the like counts as one too.
pub(super) fn flops(output: &Type) -> u64 {
    output.elements() as u64
}

/// Applies a function to each element.
#[cfg(feature = "eval")]
pub(super) fn map(inputs: &[&Array], f: impl FnMut(f64) -> f64) -> Array {
    inputs[0].mapv(f)
}

/// Applies a function to elements at the same place.
#[cfg(feature = "eval")]
pub(super) fn zip(inputs: &[&Array], mut f: impl FnMut(f64, f64) -> f64) -> Array {
    let mut result = inputs[0].clone();
    result.zip_mut_with(inputs[1], |a, &b| *a = f(*a, b));
    result
}

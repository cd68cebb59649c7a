//! Powers.

use quote::quote;

use super::{Compare, CompareKind, Log, Lowering, Mul, Rules, Select, Sub, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{NodeId, Type};

/// `a` to the power `b`. NaN where `a` is negative and `b` no integer.
///
/// The gradient by `b` is taken as 0 where `a` is not positive, as TensorFlow does: its limit at 0, and no number
/// below. A constant `b` has none, and `a * a` gives the usual `2 * a`, at 0 too.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pow;

impl Rules for Pow {
    fn name(&self) -> &'static str {
        "pow"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        elementwise::binary(self.name(), inputs)
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let (base, exponent) = (cx.input(0), cx.input(1));
        // d(a^b)/da = b * a^(b - 1)
        let known = cx.constant_value(exponent);
        let less = match known {
            Some(value) => cx.constant_like(value - 1.0, exponent),
            None => {
                let one = cx.constant_like(1.0, exponent);
                cx.push(Sub, &[exponent, one])
            }
        };
        let power = match known {
            Some(2.0) => base,
            _ => cx.push(Pow, &[base, less]),
        };
        let slope = cx.push(Mul, &[exponent, power]);
        let a = cx.push(Mul, &[cx.grad(), slope]);
        if known.is_some() {
            return vec![Some(a), None];
        }
        // d(a^b)/db = a^b * log(a)
        let zero = cx.constant_like(0.0, base);
        let positive = cx.push(Compare { kind: CompareKind::Gt }, &[base, zero]);
        let log = cx.push(Log, &[base]);
        let log = cx.push(Select, &[positive, log, zero]);
        let slope = cx.push(Mul, &[cx.output(), log]);
        let b = cx.push(Mul, &[cx.grad(), slope]);
        vec![Some(a), Some(b)]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &Context<'_>, inputs: &[&Array]) -> Array {
        elementwise::zip(inputs, f64::powf)
    }

    fn lowering(&self) -> Lowering {
        Lowering::Pointwise(|_, operands| {
            let (a, b) = (&operands[0], &operands[1]);
            quote!(s.pow(#a, #b))
        })
    }

    fn flops(&self, _: &[&Type], output: &Type) -> u64 {
        elementwise::flops(output)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::autodiff::pull_back;
    use crate::eval::run;
    use crate::ir::{DType, Graph};
    use crate::ops::testing::{Gradient, assert_eval, batched, emitted, input, node, pairs};
    use crate::ops::{Broadcast, Constant, Scalar};

    pub(in crate::ops) fn gradient() -> Gradient {
        Gradient::positive(Pow, pairs())
    }

    #[test]
    fn gradient_matches_differences() {
        gradient().check();
    }

    #[test]
    fn gradient_of_a_constant_power() {
        for exponent in [-1.0, 1.0, 2.0, 3.0, 0.5] {
            let mut graph = Graph::default();
            let base = input(&mut graph, 0, &batched([2]));
            let constant = node(&mut graph, Constant { value: Scalar(exponent), dtype: DType::F64 }, &[]);
            let power = node(&mut graph, Broadcast { batched: true, dims: vec![2] }, &[constant]);
            let output = node(&mut graph, Pow, &[base, power]);
            let seed = node(&mut graph, Broadcast { batched: true, dims: vec![2] }, &[constant]);
            let gradient = pull_back(&mut graph, output, seed, &[base])[0].expect("it depends on the base");
            let values = [0.5, 2.0];
            let inputs = [Array::from_shape_vec(vec![1, 2], values.to_vec()).expect("the shape fits")];
            let found = &run(&graph, &Context { inputs: &inputs, ..Context::new(1) })[&gradient];
            for (found, value) in found.iter().zip(values) {
                let expected = exponent * exponent * f64::powf(value, exponent - 1.0);
                assert!((found - expected).abs() < 1e-12, "{value}^{exponent}: {found}, expected {expected}");
            }
        }
    }

    #[test]
    fn definition() {
        assert_eval(Pow, &[[2.0, 4.0, 0.0, -2.0], [3.0, 0.5, 0.0, 0.5]], [8.0, 2.0, 1.0, f64::NAN]);
    }

    #[test]
    fn expression() {
        assert_eq!(emitted(Pow), "s.pow(a,b)");
    }
}

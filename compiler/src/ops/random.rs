//! Random numbers from a counter.

use quote::quote;

use super::{Lowering, Rules, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{NodeId, Type};

/// Uniform numbers on [0, 1), 24 bits each, that are a function of seed, step, stream and position: a mask is
/// never stored, forward and backward compute it from the counter, whoever computes which rows. Element `offset`
/// of row `row` has the counter `row * elements + offset`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Random {
    /// Sets tensors of one network apart.
    pub stream: u32,
    /// The type.
    pub ty: Type,
}

impl Rules for Random {
    fn name(&self) -> &'static str {
        "random"
    }

    /// The type is what the line in the printed graph ends with.
    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("stream", self.stream.to_string())]
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [] = elementwise::operands(self.name(), inputs)?;
        elementwise::float(self.name(), &self.ty)?;
        Ok(self.ty.clone())
    }

    fn vjp(&self, _: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        Vec::new()
    }

    #[cfg(feature = "eval")]
    fn eval(&self, cx: &Context<'_>, _: &[&Array]) -> Array {
        let key = random_key(cx.seed, cx.step, self.stream);
        let shape = cx.shape(&self.ty);
        let elements = shape.iter().product::<usize>() as u64;
        let values = (0..elements).map(|index| random(key, index)).collect();
        Array::from_shape_vec(shape, values).expect("one value per element")
    }

    /// Operand 0 is the expression of the key (`u64`), operand 1 that of the first lane's counter (`u64`); the code
    /// generator knows both.
    fn lowering(&self) -> Lowering {
        Lowering::Free(|_, operands| {
            let (key, index) = (&operands[0], &operands[1]);
            quote!(s.random(#key, #index))
        })
    }

    fn flops(&self, _: &[&Type], _: &Type) -> u64 {
        0
    }
}

/// The runtime's definition (`kiln::simd::random`): two rounds of a 32-bit finaliser (C. Wellons, "Hash function
/// prospector") over the counter, a half of the key mixed in before each.
#[cfg(feature = "eval")]
fn random(key: u64, index: u64) -> f64 {
    let round = |mut x: u32, [first, second]: [u32; 2], last: u32| {
        x ^= x >> 16;
        x = x.wrapping_mul(first);
        x ^= x >> 15;
        x = x.wrapping_mul(second);
        x ^ (x >> last)
    };
    let (k0, k1) = (key as u32, (key >> 32) as u32);
    let x = (index as u32).wrapping_add(k0) ^ ((index >> 32) as u32).wrapping_mul(0x9e37_79b9);
    let x = round(x, [0x7feb_352d, 0x846c_a68b], 16).wrapping_add(k1);
    let x = round(x, [0x21f0_aaad, 0xd35a_2d97], 15);
    f64::from(x >> 8) / 16_777_216.0
}

/// The runtime's definition (`kiln::simd::random_key`): SplitMix64's finaliser over seed, step and stream.
#[cfg(feature = "eval")]
fn random_key(seed: u64, step: u64, stream: u32) -> u64 {
    let mix = |z: u64| {
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    mix(mix(mix(seed.wrapping_add(0x9e37_79b9_7f4a_7c15)) ^ step).wrapping_add(u64::from(stream)))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ir::DType;
    use crate::ops::testing::{Gradient, batched, emitted, error};

    pub(in crate::ops) fn gradient() -> Gradient {
        Gradient::Nothing("it has no operands")
    }

    #[test]
    fn values_are_the_runtimes() {
        assert_eq!(random_key(0, 1, 0), 0x45ce_c29c_d9a2_4e4b);
        assert_eq!(random_key(42, 7, 3), 0xa8f1_7631_7e8f_e052);
        assert_eq!(random_key(u64::MAX, u64::MAX, u32::MAX), 0x1b75_9b3e_bd10_ee93);
        let bits = |key, index| (random(key, index) * 16_777_216.0) as u32;
        assert_eq!(bits(0, 0), 0);
        assert_eq!(bits(0x0123_4567_89ab_cdef, 1), 12147475);
        assert_eq!(bits(0x0123_4567_89ab_cdef, 0x1_0000_0001), 5039343);
        assert_eq!(bits(u64::MAX, u64::MAX), 8026722);
    }

    #[test]
    fn definition() {
        let op = Random { stream: 5, ty: batched([2, 3]) };
        let found = op.eval(&Context { seed: 42, step: 9, ..Context::new(2) }, &[]);
        let key = random_key(42, 9, 5);
        assert_eq!(found.shape(), [2, 2, 3]);
        assert_eq!(found[[1, 0, 2].as_slice()], random(key, 8));
    }

    #[test]
    fn values_are_uniform() {
        let op = Random { stream: 0, ty: batched([1000]) };
        let found = op.eval(&Context::new(100), &[]);
        let (mean, low, high) =
            (found.mean(), found.iter().fold(1.0f64, |a, &b| a.min(b)), found.iter().fold(0.0f64, |a, &b| a.max(b)));
        assert!(mean.is_some_and(|mean| (mean - 0.5).abs() < 0.004), "mean {mean:?}");
        assert!((0.0..0.001).contains(&low) && (0.999..1.0).contains(&high), "range {low} to {high}");
        let keys = [random_key(0, 1, 0), random_key(1, 1, 0), random_key(0, 2, 0), random_key(0, 1, 1)];
        assert!((0..4).all(|i| (0..i).all(|j| keys[i] != keys[j])));
    }

    #[test]
    fn expression() {
        assert_eq!(emitted(Random { stream: 0, ty: batched([]) }), "s.random(a,b)");
    }

    #[test]
    fn settings_are_printed() {
        assert_eq!(Random { stream: 4, ty: batched([2]) }.attributes(), [("stream", "4".to_string())]);
    }

    #[test]
    fn shape_rule() {
        let op = Random { stream: 0, ty: Type::batched(DType::U32, [2]) };
        assert_eq!(error(op, []), "`random` computes with floats, but is given u32[B, 2]");
    }
}

//! The gradient of a table by its rows.

use super::elementwise::operands;
use super::embed::{indices, padding_text};
use super::{Embed, Lowering, Rules, check};
use crate::autodiff::Vjp;
use crate::ir::{NodeId, Type};

/// `(index, g)`: from indices `u32[..]` and the gradient g `[.., D]` by the result of [`Embed`] the gradient `[V, D]`
/// by the table: each vector of g is added to the row that its index names, in the order of the batch. Vectors of the
/// index `padding` are left out. The transpose of [`Embed`], which is linear in the table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EmbedGrad {
    /// Rows of the table.
    pub vocabulary: usize,
    /// The index that stands for nothing.
    pub padding: Option<usize>,
}

impl Rules for EmbedGrad {
    fn name(&self) -> &'static str {
        "embed_grad"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("vocabulary", self.vocabulary.to_string()), ("padding", padding_text(self.padding))]
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [index, g] = operands("embed_grad", inputs)?;
        indices(index)?;
        check::floats("embed_grad", &[g])?;
        check::same_batching("embed_grad", index, g)?;
        match g.dims.split_last() {
            Some((&features, lead)) if lead == index.dims => Ok(Type::fixed(g.dtype, [self.vocabulary, features])),
            _ => {
                let (index, g) = (index.shape(), g.shape());
                Err(format!("the gradient of `embedding` has a vector for each index of {index}, found {g}"))
            }
        }
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let (index, by_table) = (cx.input(0), cx.grad());
        vec![None, Some(cx.push(Embed { padding: self.padding }, &[by_table, index]))]
    }

    /// # Panics
    /// If an index is out of range.
    #[cfg(feature = "eval")]
    fn eval(&self, _: &crate::eval::Context<'_>, inputs: &[&crate::eval::Array]) -> crate::eval::Array {
        let features = inputs[1].shape().last().copied().unwrap_or(1);
        let g = check::flat(inputs[1]);
        let mut table = vec![0.0; self.vocabulary * features];
        for (place, &index) in inputs[0].iter().enumerate() {
            if self.padding == Some(index as usize) {
                continue;
            }
            for feature in 0..features {
                table[index as usize * features + feature] += g[place * features + feature];
            }
        }
        check::array(&[self.vocabulary, features], table)
    }

    fn lowering(&self) -> Lowering {
        Lowering::Whole
    }

    fn flops(&self, inputs: &[&Type], _: &Type) -> u64 {
        inputs.get(1).map_or(0, |g| g.elements() as u64)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::embed::tests::cases;
    use super::super::testing::{Gradient, Values, batched, error, eval, fixed};
    use super::*;
    use crate::ir::DType;

    pub(in crate::ops) fn gradient() -> Gradient {
        cases(|padding, [vocabulary, features], index| {
            let g = index.with_dtype(DType::F64).with_dims([index.dims.as_slice(), &[features]].concat());
            let op = EmbedGrad { vocabulary, padding };
            (op.into(), [(index, Values::Index(vocabulary)), (g, Values::Real)])
        })
    }

    #[test]
    fn gradients() {
        gradient().check();
    }

    #[test]
    fn shapes() {
        let op = EmbedGrad { vocabulary: 9, padding: None };
        let index = Type::batched(DType::U32, [7]);
        assert_eq!(op.infer(&[&index, &batched([7, 4])]), Ok(fixed([9, 4])));
        let found = error(op.clone(), [index.clone(), batched([4])]);
        assert_eq!(found, "the gradient of `embedding` has a vector for each index of [7], found [4]");
        assert!(error(op, [index, fixed([7, 4])]).contains("one for the whole batch"));
    }

    #[test]
    fn values() {
        let index = (Type::batched(DType::U32, [2]), vec![2.0, 0.0, 1.0, 2.0]);
        let g = (batched([2, 1]), vec![1.0, 10.0, 100.0, 1000.0]);
        let found = eval(EmbedGrad { vocabulary: 4, padding: None }, 2, &[index.clone(), g.clone()]);
        assert_eq!(found, check::array(&[4, 1], vec![10.0, 100.0, 1001.0, 0.0]));
        let found = eval(EmbedGrad { vocabulary: 4, padding: Some(2) }, 2, &[index, g]);
        assert_eq!(found, check::array(&[4, 1], vec![10.0, 100.0, 0.0, 0.0]));
    }
}

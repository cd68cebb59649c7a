//! Rows of a table by index.

use super::elementwise::operands;
use super::{EmbedGrad, Lowering, Rules, check};
use crate::autodiff::Vjp;
use crate::ir::{DType, NodeId, Type};

/// `(w, index)`: of the table w `[V, D]` the rows that `index` `u32[..]` names, `[.., D]`, as Keras's `Embedding`. Rows
/// of the index `padding` count as 0, whatever the table holds, and get no gradient (PyTorch's `padding_idx`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Embed {
    /// The index that stands for nothing.
    pub padding: Option<usize>,
}

/// The rows and columns of a table.
fn table(ty: &Type) -> Result<[usize; 2], String> {
    <[usize; 2]>::try_from(ty.dims.as_slice()).ok().filter(|_| !ty.batched).ok_or_else(|| {
        let found = if ty.batched { "one per row of the batch".to_string() } else { ty.shape() };
        format!("the table of `embedding` is a parameter [vocabulary, features], found {found}")
    })
}

/// That these are indices.
pub(super) fn indices(index: &Type) -> Result<(), String> {
    if index.dtype == DType::U32 {
        return Ok(());
    }
    Err(format!("`embedding` takes indices, but is given {index}"))
}

/// The padding as printed.
pub(super) fn padding_text(padding: Option<usize>) -> String {
    padding.map_or_else(|| "none".to_string(), |padding| padding.to_string())
}

impl Rules for Embed {
    fn name(&self) -> &'static str {
        "embed"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("padding", padding_text(self.padding))]
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [w, index] = operands("embed", inputs)?;
        check::floats("embed", &[w])?;
        indices(index)?;
        let [_, features] = table(w)?;
        let dims = [index.dims.as_slice(), &[features]].concat();
        Ok(index.with_dtype(w.dtype).with_dims(dims))
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let (w, index, g) = (cx.input(0), cx.input(1), cx.grad());
        let vocabulary = cx.ty(w).dims.first().copied().unwrap_or_default();
        let by_w = EmbedGrad { vocabulary, padding: self.padding };
        vec![Some(cx.push(by_w, &[index, g])), None]
    }

    /// # Panics
    /// If an index is out of range.
    #[cfg(feature = "eval")]
    fn eval(&self, _: &crate::eval::Context<'_>, inputs: &[&crate::eval::Array]) -> crate::eval::Array {
        let (w, index) = (check::flat(inputs[0]), inputs[1]);
        let [vocabulary, features] = [0, 1].map(|axis| inputs[0].shape()[axis]);
        let row = |&index: &f64| {
            let index = index as usize;
            assert!(index < vocabulary, "index {index} of {vocabulary}");
            let row = &w[index * features..][..features];
            if self.padding == Some(index) { vec![0.0; features] } else { row.to_vec() }
        };
        let shape = [index.shape(), &[features]].concat();
        check::array(&shape, index.iter().flat_map(row).collect())
    }

    fn lowering(&self) -> Lowering {
        Lowering::Whole
    }

    fn flops(&self, _: &[&Type], _: &Type) -> u64 {
        0
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::testing::{Case, Gradient, Values, batched, error, eval, fixed};
    use super::*;
    use crate::ops::Op;

    /// Tables and indices; `of` makes the case of one.
    pub(in crate::ops) fn cases(of: impl Fn(Option<usize>, [usize; 2], Type) -> (Op, [(Type, Values); 2])) -> Gradient {
        let tables = [([1, 1], None), ([5, 3], None), ([4, 2], Some(0)), ([3, 1], Some(2))];
        let cases = tables.into_iter().flat_map(|(table, padding)| {
            let of = &of;
            let index = |ty: Type| ty.with_dtype(DType::U32);
            [fixed([2, 3]), batched([]), batched([4])].map(|ty| {
                let (op, operands) = of(padding, table, index(ty));
                Case::new(op, operands)
            })
        });
        Gradient::Checked(cases.collect())
    }

    pub(in crate::ops) fn gradient() -> Gradient {
        cases(|padding, [vocabulary, features], index| {
            let w = fixed([vocabulary, features]);
            (Embed { padding }.into(), [(w, Values::Real), (index, Values::Index(vocabulary))])
        })
    }

    #[test]
    fn gradients() {
        gradient().check();
    }

    #[test]
    fn shapes() {
        let op = Embed { padding: None };
        let index = Type::batched(DType::U32, [7]);
        assert_eq!(op.infer(&[&fixed([10, 4]), &index]), Ok(batched([7, 4])));
        let found = error(op.clone(), [fixed([10]), index.clone()]);
        assert_eq!(found, "the table of `embedding` is a parameter [vocabulary, features], found [10]");
        assert!(error(op.clone(), [batched([10, 4]), index]).contains("one per row of the batch"));
        assert_eq!(error(op, [fixed([10, 4]), batched([7])]), "`embedding` takes indices, but is given f64[B, 7]");
    }

    #[test]
    fn values() {
        let w = (fixed([3, 2]), vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let index = (Type::batched(DType::U32, [2]), vec![2.0, 0.0, 1.0, 2.0]);
        let found = eval(Embed { padding: None }, 2, &[w.clone(), index.clone()]);
        assert_eq!(found, check::array(&[2, 2, 2], vec![5.0, 6.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
        let found = eval(Embed { padding: Some(2) }, 2, &[w, index]);
        assert_eq!(found, check::array(&[2, 2, 2], vec![0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 0.0, 0.0]));
    }

    #[test]
    fn settings_are_printed() {
        assert_eq!(Embed { padding: Some(3) }.attributes(), [("padding", "3".to_string())]);
        assert_eq!(Embed { padding: None }.attributes(), [("padding", "none".to_string())]);
    }
}

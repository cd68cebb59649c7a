//! Scalars of the step.

use quote::quote;

use super::{Lowering, Op, Rules, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{DType, NodeId, Type};

/// Which scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HyperKind {
    /// The learning rate that is set at run time.
    LearningRate,
    /// The number of this training step, from 1.
    Step,
    /// Rows in this batch.
    Rows,
    /// 1 in every step whose number this divides, else 0.
    Due(u32),
}

/// A scalar that is known when a step or a prediction starts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Hyper {
    /// Which.
    pub kind: HyperKind,
    /// `F32` or `F64`.
    pub dtype: DType,
}

impl Rules for Hyper {
    fn name(&self) -> &'static str {
        "hyper"
    }

    /// The dtype is part of the type that the line in the printed graph ends with.
    fn attributes(&self) -> Vec<(&'static str, String)> {
        let kind = match self.kind {
            HyperKind::LearningRate => "learning_rate",
            HyperKind::Step => "step",
            HyperKind::Rows => "rows",
            HyperKind::Due(every) => return vec![("due_every", every.to_string())],
        };
        vec![("kind", kind.to_string())]
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [] = elementwise::operands(self.name(), inputs)?;
        let ty = Type::scalar(self.dtype);
        elementwise::float(self.name(), &ty)?;
        Ok(ty)
    }

    fn vjp(&self, _: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        Vec::new()
    }

    #[cfg(feature = "eval")]
    fn eval(&self, cx: &Context<'_>, _: &[&Array]) -> Array {
        let value = match self.kind {
            HyperKind::LearningRate => cx.learning_rate,
            HyperKind::Step => cx.step as f64,
            HyperKind::Rows => cx.rows as f64,
            HyperKind::Due(every) => f64::from(cx.step.is_multiple_of(u64::from(every))),
        };
        ndarray::arr0(value).into_dyn()
    }

    /// One of the variables `learning_rate`, `step` and `rows` in all lanes. The generated code has them in scope
    /// where kernels are, in the network's element type.
    fn lowering(&self) -> Lowering {
        Lowering::Free(|op, _| match op {
            Op::Hyper(Hyper { kind: HyperKind::LearningRate, .. }) => quote!(s.splat(learning_rate)),
            Op::Hyper(Hyper { kind: HyperKind::Step, .. }) => quote!(s.splat(step)),
            Op::Hyper(Hyper { kind: HyperKind::Due(every), .. }) => {
                let every = f64::from(*every);
                quote!(s.splat(if step % #every == 0.0 { 1.0 } else { 0.0 }))
            }
            _ => quote!(s.splat(rows)),
        })
    }

    fn flops(&self, _: &[&Type], _: &Type) -> u64 {
        0
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ops::testing::{Gradient, emitted, error};

    pub(in crate::ops) fn gradient() -> Gradient {
        Gradient::Nothing("it has no operands")
    }

    const KINDS: [HyperKind; 4] =
        [HyperKind::LearningRate, HyperKind::Step, HyperKind::Rows, HyperKind::Due(2)];

    #[test]
    fn definition() {
        let cx = Context { learning_rate: 0.5, step: 7, ..Context::new(3) };
        let found = KINDS.map(|kind| Hyper { kind, dtype: DType::F32 }.eval(&cx, &[])[[].as_slice()]);
        assert_eq!(found, [0.5, 7.0, 3.0, 0.0]);
    }

    #[test]
    fn expressions() {
        let found = KINDS.map(|kind| emitted(Hyper { kind, dtype: DType::F32 }));
        assert_eq!(found, [
                "s.splat(learning_rate)",
                "s.splat(step)",
                "s.splat(rows)",
                "s.splat(ifstep%2f64==0.0{1.0}else{0.0})"
            ]);
    }

    #[test]
    fn settings_are_printed() {
        let found = KINDS.map(|kind| Hyper { kind, dtype: DType::F32 }.attributes());
        let expected = [("kind", "learning_rate"), ("kind", "step"), ("kind", "rows"), ("due_every", "2")];
        assert_eq!(found, expected.map(|(key, value)| [(key, value.to_string())]));
    }

    #[test]
    fn shape_rule() {
        let op = Hyper { kind: HyperKind::Rows, dtype: DType::U32 };
        assert_eq!(error(op, []), "`hyper` computes with floats, but is given u32[]");
    }
}

//! Axes in another order.

use super::elementwise::operands;
use super::{Lowering, Rules};
use crate::autodiff::Vjp;
use crate::ir::{NodeId, Type};

/// `(x)`: axis `i` of the result is axis `perm[i]` of x (`numpy.transpose`). The batch stays outermost and isn't
/// counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Transpose {
    /// For each axis of the result the operand's.
    pub perm: Vec<usize>,
}

impl Rules for Transpose {
    fn name(&self) -> &'static str {
        "transpose"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("perm", format!("{:?}", self.perm))]
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [x] = operands("transpose", inputs)?;
        let mut sorted = self.perm.clone();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(0..x.dims.len()) {
            let rank = x.dims.len();
            let expected = format!("each axis of {} once, 0 to {}", x.shape(), rank.saturating_sub(1));
            return Err(match rank {
                0 => format!("`transpose` of [], which has no axes, by {:?}", self.perm),
                _ => format!("`transpose` takes {expected}, found {:?}", self.perm),
            });
        }
        Ok(x.with_dims(self.perm.iter().map(|&axis| x.dims[axis]).collect::<Vec<_>>()))
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let mut perm = vec![0; self.perm.len()];
        self.perm.iter().enumerate().for_each(|(to, &from)| perm[from] = to);
        vec![Some(cx.push(Self { perm }, &[cx.grad()]))]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, cx: &crate::eval::Context<'_>, inputs: &[&crate::eval::Array]) -> crate::eval::Array {
        let first = usize::from(cx.operands[0].batched);
        let axes: Vec<usize> = (0..first).chain(self.perm.iter().map(|axis| axis + first)).collect();
        inputs[0].view().permuted_axes(axes).as_standard_layout().into_owned()
    }

    fn lowering(&self) -> Lowering {
        Lowering::Move
    }

    fn flops(&self, _: &[&Type], _: &Type) -> u64 {
        0
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::check;
    use super::super::testing::{Case, Gradient, batched, error, eval, fixed};
    use super::*;

    fn transpose(perm: &[usize]) -> Transpose {
        Transpose { perm: perm.to_vec() }
    }

    pub(in crate::ops) fn gradient() -> Gradient {
        let perms: [&[usize]; 6] = [&[], &[0], &[1, 0], &[0, 1], &[2, 0, 1], &[3, 1, 0, 2]];
        let cases = perms.into_iter().flat_map(|perm| {
            let dims = &[2, 1, 3, 5][..perm.len()];
            [fixed(dims), batched(dims)].map(|x| Case::real(transpose(perm), [x]))
        });
        Gradient::Checked(cases.collect())
    }

    #[test]
    fn gradients() {
        gradient().check();
    }

    #[test]
    fn shapes() {
        assert_eq!(transpose(&[2, 0, 1]).infer(&[&batched([2, 3, 5])]), Ok(batched([5, 2, 3])));
        let message = error(transpose(&[0, 2]), [fixed([2, 3])]);
        assert_eq!(message, "`transpose` takes each axis of [2, 3] once, 0 to 1, found [0, 2]");
        assert!(error(transpose(&[0, 0]), [fixed([2, 3])]).contains("found [0, 0]"));
        assert!(error(transpose(&[0]), [fixed([2, 3])]).contains("found [0]"));
        assert!(error(transpose(&[0]), [fixed([])]).contains("no axes"));
    }

    #[test]
    fn values() {
        let x = (1..=6).map(f64::from).collect();
        let y = eval(transpose(&[1, 0]), 1, &[(fixed([2, 3]), x)]);
        assert_eq!(y, check::array(&[3, 2], vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0]));
        let x = (1..=8).map(f64::from).collect();
        let y = eval(transpose(&[1, 0]), 2, &[(batched([2, 2]), x)]);
        assert_eq!(y, check::array(&[2, 2, 2], vec![1.0, 3.0, 2.0, 4.0, 5.0, 7.0, 6.0, 8.0]));
    }
}

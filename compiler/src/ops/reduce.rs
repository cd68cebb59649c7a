//! Sums, extrema and products over axes.

use super::elementwise::operands;
use super::{
    Broadcast, Compare, CompareKind, Concat, Constant, Div, Lowering, Mul, Reshape, Rules, Scalar, Select, Slice,
    Transpose, check,
};
use crate::autodiff::Vjp;
use crate::ir::{NodeId, Type};

/// What a reduction computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReduceKind {
    /// The sum.
    Sum,
    /// The largest element. Where several are, each takes an equal part of the gradient, as in Keras and PyTorch's
    /// `amax`.
    Max,
    /// The smallest element; ties as with `Max`.
    Min,
    /// The product. Its gradient is exact where elements are 0, too.
    Prod,
}

impl ReduceKind {
    fn word(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Max => "max",
            Self::Min => "min",
            Self::Prod => "prod",
        }
    }
}

/// `(x)`: x reduced over axes (and the rows of the batch), which the result no longer has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reduce {
    /// What is computed.
    pub kind: ReduceKind,
    /// Over which axes: ascending, each once, the batch not counted.
    pub axes: Vec<usize>,
    /// Whether over the rows of the batch, too.
    pub batch: bool,
}

impl Reduce {
    /// The reduced value or its gradient, repeated over what was reduced.
    fn spread(&self, cx: &mut Vjp<'_>, reduced: NodeId) -> NodeId {
        let Type { batched, dims, .. } = cx.ty(cx.input(0));
        let kept = dims.iter().enumerate().map(|(axis, &dim)| if self.axes.contains(&axis) { 1 } else { dim });
        let kept = cx.push(Reshape { dims: kept.collect() }, &[reduced]);
        cx.push(Broadcast { batched, dims }, &[kept])
    }

    /// The gradient goes to the elements that equal the extremum, in equal parts.
    fn extremum(&self, cx: &mut Vjp<'_>) -> NodeId {
        let (x, g) = (cx.input(0), cx.grad());
        let extremum = self.spread(cx, cx.output());
        let wins = cx.push(Compare { kind: CompareKind::Eq }, &[x, extremum]);
        let (one, zero) = (cx.constant_like(1.0, x), cx.constant_like(0.0, x));
        let winners = cx.push(Select, &[wins, one, zero]);
        let count = cx.push(Self { kind: ReduceKind::Sum, ..self.clone() }, &[winners]);
        let part = cx.push(Div, &[g, count]);
        let part = self.spread(cx, part);
        cx.push(Select, &[wins, part, zero])
    }

    /// The product of all other elements, for each: of those before it times of those behind it. Division by the
    /// element itself would fail at 0.
    fn product(&self, cx: &mut Vjp<'_>) -> NodeId {
        let x = cx.input(0);
        let ty = cx.ty(x);
        let (reduced, kept): (Vec<usize>, Vec<usize>) = (0..ty.dims.len()).partition(|axis| self.axes.contains(axis));
        let perm = [kept.clone(), reduced.clone()].concat();
        let transposed: Vec<usize> = perm.iter().map(|&axis| ty.dims[axis]).collect();
        let length: usize = reduced.iter().map(|&axis| ty.dims[axis]).product();
        let rows: Vec<usize> = kept.iter().map(|&axis| ty.dims[axis]).chain([length]).collect();

        let sorted = cx.push(Transpose { perm: perm.clone() }, &[x]);
        let values = cx.push(Reshape { dims: rows }, &[sorted]);
        let (before, behind) = (others(cx, values, false), others(cx, values, true));
        let others = cx.push(Mul, &[before, behind]);
        let others = cx.push(Reshape { dims: transposed }, &[others]);
        let mut inverse = vec![0; perm.len()];
        perm.iter().enumerate().for_each(|(to, &from)| inverse[from] = to);
        let others = cx.push(Transpose { perm: inverse }, &[others]);
        let g = self.spread(cx, cx.grad());
        cx.push(Mul, &[g, others])
    }
}

/// Along the last axis, for each element the product of those before it (or behind it), by doubling distances
/// (Hillis and Steele, Data parallel algorithms, 1986).
fn others(cx: &mut Vjp<'_>, values: NodeId, behind: bool) -> NodeId {
    let length = cx.ty(values).last();
    let mut products = shifted(cx, values, 1, behind);
    let mut distance = 1;
    while distance < length {
        let further = shifted(cx, products, distance, behind);
        products = cx.push(Mul, &[products, further]);
        distance *= 2;
    }
    products
}

/// Moved along the last axis, away from its start (or its end), where ones follow.
fn shifted(cx: &mut Vjp<'_>, values: NodeId, distance: usize, behind: bool) -> NodeId {
    let Type { dtype, batched, dims } = cx.ty(values);
    let Some((&length, leading)) = dims.split_last() else { return values };
    if distance >= length {
        return cx.constant_like(1.0, values);
    }
    let one = cx.push(Constant { value: Scalar(1.0), dtype }, &[]);
    let ones = cx.push(Broadcast { batched, dims: [leading, &[distance]].concat() }, &[one]);
    let (mut starts, mut ends) = (vec![0; dims.len()], dims.clone());
    match behind {
        false => ends[leading.len()] = length - distance,
        true => starts[leading.len()] = distance,
    }
    let rest = cx.push(Slice { starts, ends, steps: vec![1; dims.len()] }, &[values]);
    cx.push(Concat { axis: leading.len() }, &if behind { [rest, ones] } else { [ones, rest] })
}

impl Rules for Reduce {
    fn name(&self) -> &'static str {
        "reduce"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![
            ("kind", self.kind.word().to_string()),
            ("axes", format!("{:?}", self.axes)),
            ("batch", self.batch.to_string()),
        ]
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        let name = self.kind.word();
        check::floats(name, inputs)?;
        let [x] = operands(name, inputs)?;
        let rank = x.dims.len();
        if let Some(axis) = self.axes.iter().find(|&&axis| axis >= rank) {
            let axes = if rank == 1 { "1 axis" } else { &format!("{rank} axes") };
            return Err(format!("`{name}` over axis {axis}, but {} has {axes}", x.shape()));
        }
        if let Some(pair) = self.axes.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(format!("`{name}` takes each axis once, ascending, found {} before {}", pair[0], pair[1]));
        }
        if self.batch && !x.batched {
            return Err(format!("`{name}` over the batch of {}, which does not depend on it", x.shape()));
        }
        if self.kind == ReduceKind::Prod && self.batch {
            return Err("`prod` can't go over the batch, only over axes".to_string());
        }
        if self.kind != ReduceKind::Sum && x.dims.contains(&0) {
            return Err(format!("`{name}` of {}, which has no elements", x.shape()));
        }
        let dims = x.dims.iter().enumerate().filter(|(axis, _)| !self.axes.contains(axis)).map(|(_, &dim)| dim);
        Ok(Type { dtype: x.dtype, batched: x.batched && !self.batch, dims: dims.collect() })
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let by_x = match self.kind {
            ReduceKind::Sum => self.spread(cx, cx.grad()),
            ReduceKind::Max | ReduceKind::Min => self.extremum(cx),
            ReduceKind::Prod => self.product(cx),
        };
        vec![Some(by_x)]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, cx: &crate::eval::Context<'_>, inputs: &[&crate::eval::Array]) -> crate::eval::Array {
        let (start, combine): (f64, fn(f64, f64) -> f64) = match self.kind {
            ReduceKind::Sum => (0.0, |a, b| a + b),
            ReduceKind::Max => (f64::NEG_INFINITY, f64::max),
            ReduceKind::Min => (f64::INFINITY, f64::min),
            ReduceKind::Prod => (1.0, |a, b| a * b),
        };
        let first = usize::from(cx.operands[0].batched);
        let batch = self.batch.then_some(0);
        // From the last axis to the first: those that are still to come keep their numbers.
        self.axes.iter().rev().map(|axis| axis + first).chain(batch).fold(inputs[0].clone(), |array, axis| {
            array.fold_axis(ndarray::Axis(axis), start, |&folded, &element| combine(folded, element))
        })
    }

    fn lowering(&self) -> Lowering {
        Lowering::Reduce
    }

    fn flops(&self, inputs: &[&Type], _: &Type) -> u64 {
        inputs.first().map_or(0, |x| x.elements() as u64)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::testing::{Case, Gradient, batched, eval, fixed};
    use super::ReduceKind::{Max, Min, Prod, Sum};
    use super::*;
    use crate::ir::DType;

    fn reduce(kind: ReduceKind, axes: &[usize], batch: bool) -> Reduce {
        Reduce { kind, axes: axes.to_vec(), batch }
    }

    pub(in crate::ops) fn gradient() -> Gradient {
        let mut cases = Vec::new();
        for kind in [Sum, Max, Min, Prod] {
            let over: [(&[usize], &[usize]); 7] = [
                (&[], &[0]),
                (&[5], &[0]),
                (&[1], &[0]),
                (&[2, 3], &[1]),
                (&[3, 1, 2], &[0]),
                (&[2, 7, 3], &[0, 2]),
                (&[2, 2, 2], &[0, 1, 2]),
            ];
            for (dims, axes) in over {
                let axes = if dims.is_empty() { &[] } else { axes };
                cases.push(Case::real(reduce(kind, axes, false), [fixed(dims)]));
                cases.push(Case::real(reduce(kind, axes, false), [batched(dims)]));
                if kind != Prod {
                    cases.push(Case::real(reduce(kind, axes, true), [batched(dims)]));
                    cases.push(Case::real(reduce(kind, &[], true), [batched(dims)]));
                }
            }
        }
        Gradient::Checked(cases)
    }

    #[test]
    fn gradients() {
        gradient().check();
    }

    #[test]
    fn shapes() {
        let infer = |kind, axes: &[usize], batch, x: Type| reduce(kind, axes, batch).infer(&[&x]);
        assert_eq!(infer(Sum, &[0, 2], false, batched([2, 3, 5])), Ok(batched([3])));
        assert_eq!(infer(Max, &[1], true, batched([2, 3])), Ok(fixed([2])));
        assert_eq!(
            infer(Sum, &[2], false, batched([2, 3])).unwrap_err(),
            "`sum` over axis 2, but [2, 3] has 2 axes"
        );
        assert_eq!(infer(Sum, &[1], false, fixed([2])).unwrap_err(), "`sum` over axis 1, but [2] has 1 axis");
        assert!(infer(Max, &[1, 0], false, fixed([2, 3])).unwrap_err().contains("found 1 before 0"));
        assert!(infer(Max, &[0, 0], false, fixed([2, 3])).unwrap_err().contains("found 0 before 0"));
        assert!(infer(Min, &[0], true, fixed([2])).unwrap_err().contains("over the batch of [2]"));
        assert!(infer(Prod, &[0], true, batched([2])).unwrap_err().contains("only over axes"));
        assert!(infer(Min, &[0], true, batched([0])).unwrap_err().contains("no elements"));
        assert!(infer(Sum, &[0], false, Type::fixed(DType::U32, [2])).is_err());
        assert!(reduce(Sum, &[], false).infer(&[]).is_err());
    }

    #[test]
    fn values() {
        let x = (batched([2, 2]), vec![1.0, -2.0, 3.0, 4.0, 5.0, 6.0, -7.0, 8.0]);
        let value = |kind, axes: &[usize], batch| {
            let result = eval(reduce(kind, axes, batch), 2, std::slice::from_ref(&x));
            (result.shape().to_vec(), check::flat(&result))
        };
        assert_eq!(value(Sum, &[0], false), (vec![2, 2], vec![4.0, 2.0, -2.0, 14.0]));
        assert_eq!(value(Sum, &[0, 1], true), (vec![], vec![18.0]));
        assert_eq!(value(Max, &[], true), (vec![2, 2], vec![5.0, 6.0, 3.0, 8.0]));
        assert_eq!(value(Min, &[1], true), (vec![2], vec![-2.0, -7.0]));
        assert_eq!(value(Prod, &[0, 1], false), (vec![2], vec![-24.0, -1680.0]));
        assert_eq!(value(Prod, &[1], false), (vec![2, 2], vec![-2.0, 12.0, 30.0, -56.0]));
    }

    /// The gradient of the reduction of all of a vector.
    fn gradient_at(kind: ReduceKind, values: &[f64]) -> Vec<f64> {
        use super::super::testing::{input, node};
        use crate::eval::{Array, Context, run};
        let mut graph = crate::ir::Graph::default();
        let x = input(&mut graph, 0, &fixed([values.len()]));
        let y = node(&mut graph, reduce(kind, &[0], false), &[x]);
        let gradient = crate::autodiff::gradients(&mut graph, y, &[x])[0].expect("it depends on x");
        let inputs = [Array::from_shape_vec(vec![values.len()], values.to_vec()).expect("a vector")];
        check::flat(&run(&graph, &Context { inputs: &inputs, ..Context::new(1) })[&gradient])
    }

    #[test]
    fn ties_share_the_gradient() {
        assert_eq!(gradient_at(Max, &[3.0, 1.0, 3.0]), [0.5, 0.0, 0.5]);
        assert_eq!(gradient_at(Min, &[0.0; 4]), [0.25; 4]);
    }

    #[test]
    fn a_product_s_gradient_is_exact_at_zeros() {
        assert_eq!(gradient_at(Prod, &[2.0, 0.0, 3.0, 5.0]), [0.0, 30.0, 0.0, 0.0]);
        assert_eq!(gradient_at(Prod, &[0.0, 0.0, 3.0]), [0.0; 3]);
        assert_eq!(gradient_at(Prod, &[1.0, 2.0, 3.0, 4.0, 5.0]), [120.0, 60.0, 40.0, 30.0, 24.0]);
    }
}

//! Gradient checks: each primitive's vector-Jacobian product, evaluated in f64, against central differences of
//! its own definition. The list of the primitives refers to `tests::gradient` in each of their files, so none
//! can be left out.

use proc_macro2::Span;
use quote::quote;

use super::{Input, Lowering, Op};
use crate::autodiff::pull_back;
use crate::eval::{Array, Context, run};
use crate::infer;
use crate::ir::{DType, Graph, Node, NodeId, Type};

/// What a primitive's tests say of its gradient.
pub(super) enum Gradient {
    /// It is checked on these. Where the rule says `None`, the differences must be 0.
    Checked(Vec<Case>),
    /// There is nothing to check, and why.
    Nothing(&'static str),
}

impl Gradient {
    /// One case per list of operands, with random values of both signs, away from 0.
    pub(super) fn real<const N: usize>(op: impl Into<Op>, operands: impl IntoIterator<Item = [Type; N]>) -> Self {
        let op = op.into();
        Self::Checked(operands.into_iter().map(|types| Case::real(op.clone(), types)).collect())
    }

    /// One case per list of operands, with random positive values.
    pub(super) fn positive<const N: usize>(op: impl Into<Op>, operands: impl IntoIterator<Item = [Type; N]>) -> Self {
        let op = op.into();
        let case = |types: [Type; N]| Case::new(op.clone(), types.map(|ty| (ty, Values::Positive)));
        Self::Checked(operands.into_iter().map(case).collect())
    }

    /// Runs the check of `Checked` with 1 and with 3 rows.
    pub(super) fn check(&self) {
        if let Self::Checked(cases) = self {
            assert!(!cases.is_empty());
            cases.iter().for_each(|case| [1, 3].into_iter().for_each(|rows| case.check(rows)));
        }
    }
}

/// Where an operand's random values come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Values {
    /// Both signs, magnitudes in [0.1, 2).
    Real,
    /// [0.1, 2).
    Positive,
    /// Integers below this: classes, or booleans with 2. Not differentiated by.
    Index(usize),
}

/// A primitive on operands.
pub(super) struct Case {
    op: Op,
    operands: Vec<(Type, Values)>,
}

impl Case {
    /// With a source of values for each operand.
    pub(super) fn new(op: impl Into<Op>, operands: impl IntoIterator<Item = (Type, Values)>) -> Self {
        Self { op: op.into(), operands: operands.into_iter().collect() }
    }

    /// With values of both signs, away from 0.
    pub(super) fn real(op: impl Into<Op>, operands: impl IntoIterator<Item = Type>) -> Self {
        Self::new(op, operands.into_iter().map(|ty| (ty, Values::Real)))
    }

    /// The loss is the inner product of the result with random weights.
    fn check(&self, rows: usize) {
        self.check_by(rows, |values| !matches!(values, Values::Index(_)));
    }

    /// By the operands whose source of values is differentiable.
    fn check_by(&self, rows: usize, differentiable: impl Fn(Values) -> bool) {
        let mut random = Random(rows as u64);
        let mut graph = Graph::default();
        let types: Vec<Type> = self.operands.iter().map(|(ty, _)| ty.clone()).collect();
        let operands: Vec<NodeId> = types.iter().enumerate().map(|(index, ty)| input(&mut graph, index, ty)).collect();
        let output = node(&mut graph, self.op.clone(), &operands);
        let ty = graph.ty(output).clone();
        let weights = input(&mut graph, operands.len(), &ty);
        let gradients = pull_back(&mut graph, output, weights, &operands);

        let data = Context::new(rows);
        let mut inputs: Vec<Array> =
            self.operands.iter().map(|(ty, values)| random.array(&data.shape(ty), *values)).collect();
        inputs.push(random.array(&data.shape(&ty), Values::Real));
        let values = run(&graph, &Context { inputs: &inputs, ..data });
        let loss = |inputs: &[Array]| {
            let operands: Vec<&Array> = inputs[..inputs.len() - 1].iter().collect();
            let types: Vec<&Type> = types.iter().collect();
            let cx = Context { inputs, operands: &types, ..data };
            (self.op.rules().eval(&cx, &operands) * &inputs[inputs.len() - 1]).sum()
        };
        for (index, (ty, source)) in self.operands.iter().enumerate() {
            if !differentiable(*source) {
                assert!(gradients[index].is_none(), "{:?}: a gradient by indices", self.op);
                continue;
            }
            let gradient =
                gradients[index].map_or_else(|| Array::zeros(data.shape(ty)), |gradient| values[&gradient].clone());
            for (position, found) in gradient.iter().enumerate() {
                let expected = difference(&mut inputs, index, position, loss);
                let error = (found - expected).abs() / expected.abs().max(1.0);
                assert!(
                    error < 1e-6,
                    "{:?} on {types:?}, {rows} rows: element {position} of the gradient by operand {index} is \
                     {found}, differences give {expected}",
                    self.op
                );
            }
        }
    }
}

/// The central difference of `loss` by one element.
fn difference(inputs: &mut [Array], index: usize, position: usize, loss: impl Fn(&[Array]) -> f64) -> f64 {
    let step = 1e-5;
    let mut at = |offset: f64| {
        let element = inputs[index].iter_mut().nth(position).expect("gradients have the operand's shape");
        let value = std::mem::replace(element, *element + offset);
        let loss = loss(inputs);
        *inputs[index].iter_mut().nth(position).expect("as before") = value;
        loss
    };
    (at(step) - at(-step)) / (2.0 * step)
}

/// Adds an input.
pub(super) fn input(graph: &mut Graph, index: usize, ty: &Type) -> NodeId {
    let op = Input { index, ty: ty.clone() }.into();
    // Not through the shape rule: booleans are no inputs outside of tests.
    graph.push(Node { op, ty: ty.clone(), span: Span::call_site(), name: None }, &[])
}

/// Adds a primitive.
pub(super) fn node(graph: &mut Graph, op: impl Into<Op>, inputs: &[NodeId]) -> NodeId {
    infer::add(graph, op, inputs, Span::call_site(), None).expect("the operands fit")
}

/// The value of a primitive on arrays of these types.
pub(super) fn eval(op: impl Into<Op>, rows: usize, operands: &[(Type, Vec<f64>)]) -> Array {
    let mut graph = Graph::default();
    let ids: Vec<NodeId> = operands.iter().enumerate().map(|(index, (ty, _))| input(&mut graph, index, ty)).collect();
    let output = node(&mut graph, op, &ids);
    let cx = Context::new(rows);
    let inputs: Vec<Array> = operands
        .iter()
        .map(|(ty, values)| Array::from_shape_vec(cx.shape(ty), values.clone()).expect("values fill the shape"))
        .collect();
    run(&graph, &Context { inputs: &inputs, ..cx }).remove(&output).expect("it was run")
}

/// Checks the definition of an elementwise primitive on vectors.
pub(super) fn assert_eval<const N: usize>(op: impl Into<Op>, operands: &[[f64; N]], expected: [f64; N]) {
    let operands: Vec<(Type, Vec<f64>)> = operands.iter().map(|values| (fixed([N]), values.to_vec())).collect();
    let found = eval(op, 1, &operands);
    for (found, expected) in found.iter().zip(expected) {
        let close = (found - expected).abs() <= 1e-14 * expected.abs().max(1e-300);
        assert!(close || *found == expected || (found.is_nan() && expected.is_nan()), "{found}, expected {expected}");
    }
}

/// The expression that is emitted for operands `a`, `b` and `c`, without spaces.
pub(super) fn emitted(op: impl Into<Op>) -> String {
    let op = op.into();
    let (Lowering::Pointwise(emit) | Lowering::Free(emit)) = op.rules().lowering() else {
        panic!("{op:?} is not emitted as an expression");
    };
    emit(&op, &[quote!(a), quote!(b), quote!(c)]).to_string().replace(' ', "")
}

/// What is wrong with operands that don't fit.
pub(super) fn error<const N: usize>(op: impl Into<Op>, types: [Type; N]) -> String {
    let types: Vec<&Type> = types.iter().collect();
    infer::infer(&op.into(), &types).expect_err("the operands don't fit")
}

/// A fixed type in f64.
pub(super) fn fixed(dims: impl Into<Vec<usize>>) -> Type {
    Type::fixed(DType::F64, dims)
}

/// A batched type in f64.
pub(super) fn batched(dims: impl Into<Vec<usize>>) -> Type {
    Type::batched(DType::F64, dims)
}

/// Types to try elementwise primitives on: scalars, sizes 1 and primes, batched and not.
pub(super) fn shapes() -> Vec<Type> {
    vec![fixed([]), fixed([1]), fixed([7]), fixed([2, 1, 3]), batched([]), batched([1]), batched([5]), batched([3, 2])]
}

/// The types twice, for primitives of two operands of one type.
pub(super) fn pairs() -> Vec<[Type; 2]> {
    shapes().into_iter().map(|ty| [ty.clone(), ty]).collect()
}

/// The types as lists of one operand.
pub(super) fn singles() -> Vec<[Type; 1]> {
    shapes().into_iter().map(|ty| [ty]).collect()
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn value(&mut self, values: Values) -> f64 {
        let bits = self.bits();
        let positive = 0.1 + 1.9 * (bits >> 11) as f64 / (1u64 << 53) as f64;
        match values {
            Values::Real if bits & 1 == 1 => -positive,
            Values::Real | Values::Positive => positive,
            Values::Index(n) => ((bits >> 11) % n as u64) as f64,
        }
    }

    fn array(&mut self, shape: &[usize], values: Values) -> Array {
        Array::from_shape_simple_fn(shape, || self.value(values))
    }
}

#[test]
fn every_primitive_is_checked_or_says_why_not() {
    assert_eq!(super::GRADIENTS.len(), Op::ALL.len());
    for (name, gradient) in super::GRADIENTS {
        match gradient() {
            Gradient::Nothing(why) => assert!(!why.is_empty(), "{name} says nothing"),
            checked => checked.check(),
        }
    }
}

#[test]
#[should_panic(expected = "differences give")]
fn a_wrong_gradient_is_found() {
    // ReLU at its kink: the slope is 0 by definition, 1/2 by differences.
    let case = Case::new(super::Relu, [(fixed([1]), Values::Index(1))]);
    case.check_by(1, |_| true);
}

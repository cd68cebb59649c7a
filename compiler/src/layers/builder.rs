//! What templates build with: primitives at the layer's tokens, parameters, arguments by name.

use proc_macro2::{Ident, Span};

use crate::diag::Diagnostic;
use crate::infer::MAX_ELEMENTS;
use crate::ir::{Init, NodeId, ParamId, Type, shape};
use crate::ops::{Add, Compare, CompareKind, Div, Maximum, Minimum, Mul, Op, Reduce, ReduceKind, Select, Sub};
use crate::resolve::{Arg, Bound, Effect, Eval, Owner, Padding, Request, Resolver, Results, Step, Trace};

/// One application of a template.
pub(crate) struct Builder<'r, 'e> {
    /// What the network is made of so far.
    pub(crate) resolver: &'r mut Resolver<'e>,
    /// The template's name in the user's tokens.
    pub(crate) span: Span,
    /// The `let` name of a data statement.
    pub(crate) declaring: Option<Ident>,
    /// Whom parameters belong to.
    pub(crate) owner: Owner,
    /// How the shape came about, where that is more than "it gives …".
    pub(crate) story: Option<(Trace, Effect)>,
}

impl Builder<'_, '_> {
    /// A mistake at the layer's name.
    pub(crate) fn fail<T>(&mut self, message: impl Into<String>) -> Eval<T> {
        self.resolver.fail(self.span, message)
    }

    /// A mistake at an argument; at the layer's name where it is left out.
    pub(crate) fn fail_at<T>(&mut self, args: &Bound, name: &str, message: impl Into<String>) -> Eval<T> {
        self.resolver.fail(args.span(name), message)
    }

    /// A mistake in a shape, traced.
    pub(crate) fn shape_error<T>(
        &mut self,
        span: Span,
        message: impl Into<String>,
        nodes: &[NodeId],
        help: Option<String>,
    ) -> Eval<T> {
        self.resolver.shape_error(span, message, nodes, help)
    }

    /// A mistake with advice.
    pub(crate) fn fail_help<T>(&mut self, span: Span, message: String, help: &str) -> Eval<T> {
        Err(self.resolver.error(Diagnostic::new(span, message).help(help)))
    }

    // Arguments

    /// A tensor.
    pub(crate) fn tensor(&mut self, args: &Bound, name: &str) -> Eval<NodeId> {
        match self.optional_tensor(args, name)? {
            Some(node) => Ok(node),
            None => self.missing(args, name),
        }
    }

    /// A tensor or a number, as a tensor.
    pub(crate) fn optional_tensor(&mut self, args: &Bound, name: &str) -> Eval<Option<NodeId>> {
        match args.get(name) {
            Arg::Node(node) => Ok(Some(*node)),
            Arg::Float(value) => self.resolver.scalar(*value, args.span(name)).map(Some),
            _ => Ok(None),
        }
    }

    /// A positive integer.
    pub(crate) fn size(&mut self, args: &Bound, name: &str) -> Eval<usize> {
        match args.get(name) {
            Arg::Int(value) => match usize::try_from(*value) {
                Ok(value) => Ok(value),
                Err(_) => self.missing(args, name),
            },
            _ => self.missing(args, name),
        }
    }

    /// A number.
    pub(crate) fn number(&mut self, args: &Bound, name: &str) -> Eval<f64> {
        match args.get(name) {
            Arg::Float(value) => Ok(*value),
            Arg::Int(value) => Ok(*value as f64),
            _ => self.missing(args, name),
        }
    }

    /// `true` or `false`.
    pub(crate) fn flag(&mut self, args: &Bound, name: &str) -> Eval<bool> {
        match args.get(name) {
            Arg::Flag(value) => Ok(*value),
            _ => self.missing(args, name),
        }
    }

    /// Height and width.
    pub(crate) fn pair(&mut self, args: &Bound, name: &str) -> Eval<[usize; 2]> {
        match args.get(name) {
            Arg::Pair(pair) => Ok(*pair),
            _ => self.missing(args, name),
        }
    }

    /// Padding.
    pub(crate) fn padding(&mut self, args: &Bound, name: &str) -> Eval<Padding> {
        match args.get(name) {
            Arg::Padding(padding) => Ok(*padding),
            _ => self.missing(args, name),
        }
    }

    /// A shape.
    pub(crate) fn shape(&mut self, args: &Bound, name: &str) -> Eval<Vec<usize>> {
        match args.get(name) {
            Arg::Dims(dims) => Ok(dims.clone()),
            _ => self.missing(args, name),
        }
    }

    /// How a parameter starts.
    pub(crate) fn init(&mut self, args: &Bound, name: &str) -> Eval<Init> {
        match args.get(name) {
            Arg::Init(init) => Ok(*init),
            _ => self.missing(args, name),
        }
    }

    /// An axis of `x`, negatives counted from its end.
    pub(crate) fn axis(&mut self, value: i64, x: NodeId, span: Span) -> Eval<usize> {
        let rank = self.dims(x).len();
        let position = if value < 0 { value.saturating_add(rank as i64) } else { value };
        match usize::try_from(position).ok().filter(|&position| position < rank) {
            Some(position) => Ok(position),
            None => {
                let message = format!("there is no axis {value} in {}", self.ty(x).shape());
                let help = "axes leave the batch out: axis = 0 is the first as written, -1 the last";
                self.shape_error(span, message, &[x], Some(help.into()))
            }
        }
    }

    /// Axes of `x`, ascending; all of them where the argument is left out.
    pub(crate) fn axes(&mut self, args: &Bound, name: &str, x: NodeId) -> Eval<Vec<usize>> {
        let Arg::Ints(values) = args.get(name) else { return Ok((0..self.dims(x).len()).collect()) };
        let mut axes = Vec::new();
        for &(value, span) in values {
            let axis = self.axis(value, x, span)?;
            if axes.contains(&axis) {
                return self.resolver.fail(span, format!("axis {value} is given twice"));
            }
            axes.push(axis);
        }
        axes.sort_unstable();
        Ok(axes)
    }

    /// Templates ask for what their own parameters say, so this is never reached.
    pub(crate) fn missing<T>(&mut self, args: &Bound, name: &str) -> Eval<T> {
        let what = format!("`{}` misses its `{name}`", args.template());
        self.resolver.bug(self.span, &what)
    }

    /// Checks that a shape is no larger than anything may be; if it is, an argument is too large.
    pub(crate) fn fits(&mut self, args: &Bound, name: &str, dims: &[usize]) -> Eval<()> {
        let elements = dims.iter().try_fold(1usize, |product, &dim| product.checked_mul(dim));
        match elements {
            Some(elements) if elements <= MAX_ELEMENTS => Ok(()),
            _ => self.fail_at(args, name, format!("{} has more than 2^40 elements", shape(dims))),
        }
    }

    /// What a function that an argument names makes of a tensor.
    pub(crate) fn activate(&mut self, args: &Bound, name: &str, x: NodeId) -> Eval<NodeId> {
        self.resolver.function_of(args.get(name), x, self.span)
    }

    /// A loop over the first axis of sequences. `step` gets the sequences' parts and the states before it.
    pub(crate) fn scan(
        &mut self,
        sequences: &[NodeId],
        states: &[NodeId],
        reverse: bool,
        step: impl FnOnce(&mut Self, &[NodeId], &[NodeId]) -> Eval<Step>,
    ) -> Eval<Results> {
        let sequences: Vec<(NodeId, Span)> = sequences.iter().map(|&node| (node, self.span)).collect();
        let open = self.resolver.open_loop(self.span, &sequences, states, reverse)?;
        let (inputs, carried) = (open.inputs.clone(), open.carried.clone());
        let step = step(self, &inputs, &carried);
        self.resolver.close_loop(open, step)
    }

    // Primitives

    /// The type of a value.
    pub(crate) fn ty(&self, x: NodeId) -> Type {
        self.resolver.ty(x)
    }

    /// The axes of a value.
    pub(crate) fn dims(&self, x: NodeId) -> Vec<usize> {
        self.resolver.dims(x)
    }

    /// One more primitive.
    pub(crate) fn node(&mut self, op: impl Into<Op>, inputs: &[NodeId]) -> Eval<NodeId> {
        self.resolver.node(op, inputs, self.span)
    }

    /// A trainable parameter of this layer.
    pub(crate) fn param(&mut self, leaf: &'static str, dims: &[usize], init: Init) -> Eval<NodeId> {
        let request = Request { leaf: Some(leaf), dims: dims.to_vec(), init, trainable: true };
        self.resolver.parameter(&mut self.owner, request, self.span).map(|(_, node)| node)
    }

    /// A parameter that the optimiser leaves alone.
    pub(crate) fn statistic(&mut self, leaf: &'static str, dims: &[usize], init: Init) -> Eval<(ParamId, NodeId)> {
        if self.resolver.in_loop() {
            let message = format!("`{}` in a loop's step: its `{leaf}` would change within a pass", self.owner.own);
            let help = "use it on whole sequences before or after the loop, or take `layer_norm`";
            return self.fail_help(self.span, message, help);
        }
        let request = Request { leaf: Some(leaf), dims: dims.to_vec(), init, trainable: false };
        self.resolver.parameter(&mut self.owner, request, self.span)
    }

    /// Whether this layer's parameters are not to change.
    pub(crate) fn frozen(&self) -> bool {
        self.resolver.frozen || self.owner.settings.frozen
    }

    /// A number.
    pub(crate) fn scalar(&mut self, value: f64) -> Eval<NodeId> {
        self.resolver.scalar(value, self.span)
    }

    /// A value repeated to the batching and shape of another.
    pub(crate) fn like(&mut self, x: NodeId, other: NodeId) -> Eval<NodeId> {
        let ty = self.ty(other);
        self.resolver.broadcast(x, ty.batched, &ty.dims, self.span)
    }

    /// A number in every element of another's shape.
    pub(crate) fn number_like(&mut self, value: f64, other: NodeId) -> Eval<NodeId> {
        let scalar = self.scalar(value)?;
        self.like(scalar, other)
    }

    /// The same elements under another shape.
    pub(crate) fn reshape(&mut self, x: NodeId, dims: &[usize]) -> Eval<NodeId> {
        self.resolver.reshape(x, dims, self.span)
    }

    fn binary(&mut self, op: impl Into<Op>, a: NodeId, b: NodeId, what: &str) -> Eval<NodeId> {
        self.resolver.binary(op, a, b, what, self.span)
    }

    /// `a + b`
    pub(crate) fn add(&mut self, a: NodeId, b: NodeId) -> Eval<NodeId> {
        self.binary(Add, a, b, "add")
    }

    /// `a - b`
    pub(crate) fn sub(&mut self, a: NodeId, b: NodeId) -> Eval<NodeId> {
        self.binary(Sub, a, b, "subtract")
    }

    /// `a * b`
    pub(crate) fn mul(&mut self, a: NodeId, b: NodeId) -> Eval<NodeId> {
        self.binary(Mul, a, b, "multiply")
    }

    /// `a / b`
    pub(crate) fn div(&mut self, a: NodeId, b: NodeId) -> Eval<NodeId> {
        self.binary(Div, a, b, "divide")
    }

    /// The larger of both.
    pub(crate) fn maximum(&mut self, a: NodeId, b: NodeId) -> Eval<NodeId> {
        self.binary(Maximum, a, b, "compare")
    }

    /// The smaller of both.
    pub(crate) fn minimum(&mut self, a: NodeId, b: NodeId) -> Eval<NodeId> {
        self.binary(Minimum, a, b, "compare")
    }

    /// `x * number`
    pub(crate) fn scale(&mut self, x: NodeId, by: f64) -> Eval<NodeId> {
        let by = self.number_like(by, x)?;
        self.mul(x, by)
    }

    /// `x + number`
    pub(crate) fn shift(&mut self, x: NodeId, by: f64) -> Eval<NodeId> {
        let by = self.number_like(by, x)?;
        self.add(x, by)
    }

    /// `number - x`
    pub(crate) fn number_minus(&mut self, number: f64, x: NodeId) -> Eval<NodeId> {
        let number = self.number_like(number, x)?;
        self.sub(number, x)
    }

    /// Whether each element is in a relation to a number.
    pub(crate) fn compare(&mut self, kind: CompareKind, x: NodeId, number: f64) -> Eval<NodeId> {
        let number = self.number_like(number, x)?;
        self.node(Compare { kind }, &[x, number])
    }

    /// `a` where the condition holds, else `b`; all of one shape.
    pub(crate) fn select(&mut self, condition: NodeId, a: NodeId, b: NodeId) -> Eval<NodeId> {
        self.node(Select, &[condition, a, b])
    }

    /// A reduction over axes; `keep` leaves them with extent 1.
    pub(crate) fn reduce(&mut self, kind: ReduceKind, x: NodeId, axes: &[usize], keep: bool) -> Eval<NodeId> {
        let mut dims = self.dims(x);
        let reduced =
            if axes.is_empty() { x } else { self.node(Reduce { kind, axes: axes.to_vec(), batch: false }, &[x])? };
        if !keep {
            return Ok(reduced);
        }
        for &axis in axes {
            if let Some(dim) = dims.get_mut(axis) {
                *dim = 1;
            }
        }
        self.reshape(reduced, &dims)
    }

    /// The mean over axes.
    pub(crate) fn mean(&mut self, x: NodeId, axes: &[usize], keep: bool) -> Eval<NodeId> {
        let dims = self.dims(x);
        let count: f64 = axes.iter().filter_map(|&axis| dims.get(axis)).map(|&dim| dim as f64).product();
        let sum = self.reduce(ReduceKind::Sum, x, axes, keep)?;
        let count = self.number_like(count, sum)?;
        self.div(sum, count)
    }

    /// A reduction over one axis, repeated to the shape that it was made of.
    pub(crate) fn spread(&mut self, reduced: NodeId, axis: usize, like: NodeId) -> Eval<NodeId> {
        let mut dims = self.dims(like);
        // A row's only number aligns with its axis by itself.
        if dims.len() > 1
            && let Some(dim) = dims.get_mut(axis)
        {
            *dim = 1;
            let column = self.reshape(reduced, &dims)?;
            return self.like(column, like);
        }
        self.like(reduced, like)
    }
}

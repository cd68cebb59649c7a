//! Random well-typed graphs: a list of numbers, of which each is one instruction, so that failures shrink to short
//! lists.

use kiln_compiler::eval::{Array, Context};
use kiln_compiler::infer;
use kiln_compiler::ir::{DType, Graph, Init, InputDecl, InputKind, NodeId, ParamDecl, ParamId, Type};
use kiln_compiler::ops::*;
use proc_macro2::Span;

/// Rows of the batch.
pub(crate) const ROWS: usize = 3;

/// The most elements of a value: the interpreter is slow.
const MAX_ELEMENTS: usize = 240;

/// Larger values don't become operands: their errors would drown what is looked for.
const MAX_VALUE: f64 = 50.0;

/// A small source of choices (Marsaglia's xorshift).
pub(crate) struct Choices(pub(crate) u64);

impl Choices {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % limit.max(1) as u64) as usize
    }

    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }

    fn yes(&mut self) -> bool {
        self.below(2) == 0
    }
}

/// A graph that grows.
pub(crate) struct Builder {
    pub(crate) graph: Graph,
    pub(crate) inputs: Vec<InputDecl>,
    pub(crate) params: Vec<ParamDecl>,
    pub(crate) input_data: Vec<Array>,
    pub(crate) param_data: Vec<Array>,
    /// Float values that may become operands, with what they are.
    pub(crate) pool: Vec<(NodeId, Array)>,
    indices: Vec<(NodeId, Array)>,
}

/// A value's data: multiples of a quarter, with zeros and ties among them, so that sums are exact.
fn data(shape: &[usize], choices: &mut Choices) -> Array {
    Array::from_shape_simple_fn(shape, || (choices.below(17) as f64 - 8.0) / 4.0)
}

impl Builder {
    pub(crate) fn new(seed: u64) -> Self {
        let mut builder = Self {
            graph: Graph::default(),
            inputs: Vec::new(),
            params: Vec::new(),
            input_data: Vec::new(),
            param_data: Vec::new(),
            pool: Vec::new(),
            indices: Vec::new(),
        };
        let mut choices = Choices(seed | 1);
        for dims in [vec![3, 4], vec![4, 5, 2], vec![]] {
            let ty = Type::batched(DType::F64, dims);
            let values = data(&Context::new(ROWS).shape(&ty), &mut choices);
            builder.input(InputKind::Dense, ty, values);
        }
        for dims in [vec![], vec![3]] {
            let ty = Type::batched(DType::U32, dims);
            let shape = Context::new(ROWS).shape(&ty);
            let values = Array::from_shape_simple_fn(shape, || choices.below(4) as f64);
            builder.input(InputKind::Classes(4), ty, values);
        }
        for dims in [vec![4], vec![1, 4], vec![]] {
            builder.param(&dims, &mut choices);
        }
        builder
    }

    fn input(&mut self, kind: InputKind, ty: Type, values: Array) {
        let index = self.inputs.len();
        let name = quote::format_ident!("input{index}");
        let float = ty.dtype.is_float();
        self.inputs.push(InputDecl { name, kind, ty: ty.clone() });
        self.input_data.push(values.clone());
        let node = self.raw(Input { index, ty }, &[]).expect("an input has no operands");
        if float { self.pool.push((node, values)) } else { self.indices.push((node, values)) }
    }

    /// A new parameter.
    fn param(&mut self, dims: &[usize], choices: &mut Choices) -> NodeId {
        let index = ParamId(self.params.len());
        let ty = Type::fixed(DType::F64, dims);
        self.params.push(ParamDecl {
            name: format!("param{}", index.0),
            ty: ty.clone(),
            init: Init::Zeros,
            trainable: true,
            settings: Default::default(),
            span: Span::call_site(),
        });
        let values = data(dims, choices);
        self.param_data.push(values.clone());
        let node = self.raw(Param { index, ty }, &[]).expect("a parameter has no operands");
        self.pool.push((node, values));
        node
    }

    /// Adds a node; no operand of later ones unless it is put into the pool.
    pub(crate) fn raw(&mut self, op: impl Into<Op>, inputs: &[NodeId]) -> Result<NodeId, String> {
        infer::add(&mut self.graph, op, inputs, Span::call_site(), None)
    }

    fn ty(&self, id: NodeId) -> Type {
        self.graph.ty(id).clone()
    }

    pub(crate) fn splat(&mut self, value: f64, ty: &Type) -> Result<NodeId, String> {
        let constant = self.raw(Constant { value: Scalar(value), dtype: DType::F64 }, &[])?;
        self.spread(constant, ty)
    }

    fn spread(&mut self, id: NodeId, ty: &Type) -> Result<NodeId, String> {
        if self.graph.ty(id) == ty {
            return Ok(id);
        }
        self.raw(Broadcast { batched: ty.batched, dims: ty.dims.clone() }, &[id])
    }

    /// The value of a node, from its operands' up.
    fn value(&self, id: NodeId) -> Array {
        if let Some((_, value)) = self.pool.iter().chain(&self.indices).find(|(known, _)| *known == id) {
            return value.clone();
        }
        let inputs = self.graph.inputs(id);
        let values: Vec<Array> = inputs.iter().map(|&input| self.value(input)).collect();
        let types: Vec<&Type> = inputs.iter().map(|&input| self.graph.ty(input)).collect();
        let context =
            Context { inputs: &self.input_data, params: &self.param_data, operands: &types, ..Context::new(ROWS) };
        self.graph.op(id).rules().eval(&context, &values.iter().collect::<Vec<_>>())
    }

    /// One instruction. What does not fit is left out.
    pub(crate) fn instruction(&mut self, code: u8, seed: u64) {
        let mut choices = Choices(seed | 1);
        let Ok(id) = self.make(code, &mut choices) else { return };
        let ty = self.ty(id);
        let rows = if ty.batched { ROWS } else { 1 };
        if !ty.dtype.is_float() || ty.elements() * rows > MAX_ELEMENTS {
            return;
        }
        let value = self.value(id);
        if value.iter().all(|x| x.abs() <= MAX_VALUE) {
            self.pool.push((id, value));
        }
    }

    fn any(&self, choices: &mut Choices) -> NodeId {
        // Mostly what was made last, so that graphs grow deep.
        let last = self.pool.len() - 1;
        let back = choices.below(4).min(last);
        if choices.below(3) > 0 { self.pool[last - back].0 } else { self.pool[choices.below(last + 1)].0 }
    }

    /// A value of this type: one that there is, or one that is broadcast to it, or a constant.
    fn like(&mut self, ty: &Type, choices: &mut Choices) -> Result<NodeId, String> {
        if choices.below(3) == 0 {
            return self.splat(choices.of(&[0.0, 1.0, -1.0, 2.0, 0.5, 3.0, -0.25]), ty);
        }
        let start = choices.below(self.pool.len());
        let nodes: Vec<NodeId> =
            self.pool.iter().cycle().skip(start).take(self.pool.len()).map(|(id, _)| *id).collect();
        if let Some(same) = nodes.iter().find(|&&id| self.graph.ty(id) == ty && choices.below(4) > 0) {
            return Ok(*same);
        }
        for id in nodes {
            if let Ok(spread) = self.spread(id, ty) {
                return Ok(spread);
            }
        }
        self.splat(1.5, ty)
    }

    /// A value with as many axes, if there is one.
    fn with_rank(&self, rank: usize, choices: &mut Choices) -> Result<NodeId, String> {
        let found: Vec<NodeId> =
            self.pool.iter().map(|(id, _)| *id).filter(|&id| self.graph.ty(id).dims.len() == rank).collect();
        if found.is_empty() { Err("none".into()) } else { Ok(choices.of(&found)) }
    }

    fn positive(&mut self, x: NodeId) -> Result<NodeId, String> {
        let magnitude = self.raw(Abs, &[x])?;
        let half = self.splat(0.5, &self.ty(x))?;
        self.raw(Add, &[magnitude, half])
    }

    fn make(&mut self, code: u8, choices: &mut Choices) -> Result<NodeId, String> {
        let x = self.any(choices);
        let ty = self.ty(x);
        match code % 40 {
            0..=9 => {
                let op: Op = match code % 40 {
                    0 => Neg.into(),
                    1 => match choices.below(3) {
                        0 => Erf.into(),
                        1 => Sin.into(),
                        _ => Cos.into(),
                    },
                    2 => Abs.into(),
                    3 => Exp.into(),
                    4 => Tanh.into(),
                    5 => Sigmoid.into(),
                    6 => Relu.into(),
                    7 => StopGradient.into(),
                    8 => return self.positive(x),
                    _ => {
                        let x = self.positive(x)?;
                        let op: Op = match choices.below(3) {
                            0 => Log.into(),
                            1 => Sqrt.into(),
                            _ => Log1p.into(),
                        };
                        return self.raw(op, &[x]);
                    }
                };
                self.raw(op, &[x])
            }
            10..=17 => {
                let y = self.like(&ty, choices)?;
                let (a, b) = if choices.yes() { (x, y) } else { (y, x) };
                let op: Op = match code % 40 {
                    10 | 11 => Add.into(),
                    12 | 13 => Sub.into(),
                    14 | 15 => Mul.into(),
                    16 => Maximum.into(),
                    _ => Minimum.into(),
                };
                self.raw(op, &[a, b])
            }
            18 => {
                let divisor = match choices.below(3) {
                    0 => self.positive(x)?,
                    1 => self.splat(choices.of(&[1.0, -1.0, 2.0, -4.0, 3.0, 0.125]), &ty)?,
                    _ => {
                        let y = self.like(&ty, choices)?;
                        self.positive(y)?
                    }
                };
                self.raw(Div, &[x, divisor])
            }
            19 => {
                let base = self.positive(x)?;
                let exponent = match choices.below(3) {
                    0 => self.like(&ty, choices)?,
                    _ => self.splat(choices.of(&[0.0, 1.0, 2.0, -1.0, 0.5, 3.0]), &ty)?,
                };
                self.raw(Pow, &[base, exponent])
            }
            20 => {
                let [a, b, y] = [self.like(&ty, choices)?, self.like(&ty, choices)?, self.like(&ty, choices)?];
                let kinds = [CompareKind::Lt, CompareKind::Le, CompareKind::Gt, CompareKind::Ge];
                let condition = self.raw(Compare { kind: choices.of(&kinds) }, &[a, b])?;
                self.raw(Select, &[condition, x, y])
            }
            21 => {
                let y = self.like(&ty, choices)?;
                self.raw(Phase, &[x, y])
            }
            22 => {
                let (index, _) = self.indices[choices.below(self.indices.len())];
                match choices.below(4) {
                    0 => {
                        // A chosen place as often as a given one.
                        let chosen = self.graph.len().is_multiple_of(2) && !ty.dims.is_empty();
                        let index = if chosen { self.raw(ArgMax, &[x])? } else { index };
                        return self.raw(OneHot { classes: 4, dtype: DType::F64 }, &[index]);
                    }
                    1 => {
                        let table = self.param(&[4, 1 + choices.below(3)], choices);
                        let padding = choices.yes().then_some(0);
                        return self.raw(Embed { padding }, &[table, index]);
                    }
                    2 => {
                        let length = self.raw(Iota { length: 1 + choices.below(4), dtype: DType::F64 }, &[])?;
                        return self.raw(Broadcast { batched: true, dims: self.ty(length).dims }, &[length]);
                    }
                    _ => {}
                }
                let mut wanted = self.ty(index).with_dtype(DType::F64);
                wanted.dims.push(4);
                let x = self.like(&wanted, choices)?;
                self.raw(Gather, &[x, index])
            }
            23 => match choices.below(3) {
                0 => {
                    let ty = Type { batched: choices.yes(), ..ty };
                    self.raw(Random { stream: choices.below(3) as u32, ty }, &[])
                }
                1 => {
                    let kind = choices.of(&[HyperKind::LearningRate, HyperKind::Step, HyperKind::Rows]);
                    let hyper = self.raw(Hyper { kind, dtype: DType::F64 }, &[])?;
                    self.spread(hyper, &ty)
                }
                _ => self.splat(choices.of(&[0.0, 1.0, -2.0]), &ty),
            },
            24 | 25 => {
                let mut dims: Vec<usize> =
                    ty.dims.iter().map(|&dim| if dim == 1 && choices.yes() { 3 } else { dim }).collect();
                for _ in 0..choices.below(3) {
                    dims.insert(0, choices.of(&[1, 2, 3]));
                }
                self.raw(Broadcast { batched: ty.batched || choices.yes(), dims }, &[x])
            }
            26 | 27 => {
                let mut dims = ty.dims.clone();
                match choices.below(4) {
                    0 => dims = vec![ty.elements()],
                    1 => dims.insert(choices.below(dims.len() + 1), 1),
                    2 => dims.retain(|&dim| dim != 1),
                    _ if ty.elements().is_multiple_of(2) => dims = vec![ty.elements() / 2, 2],
                    _ => dims.reverse(),
                }
                self.raw(Reshape { dims }, &[x])
            }
            28 | 29 => {
                let mut perm: Vec<usize> = (0..ty.dims.len()).collect();
                for i in (1..perm.len()).rev() {
                    perm.swap(i, choices.below(i + 1));
                }
                // The last axis backwards now and then.
                if perm.is_sorted() && !perm.is_empty() {
                    return self.raw(Flip { axes: vec![perm.len() - 1] }, &[x]);
                }
                self.raw(Transpose { perm }, &[x])
            }
            30 => {
                let starts: Vec<usize> = ty.dims.iter().map(|&dim| choices.below(dim.min(3))).collect();
                let ends = ty.dims.iter().zip(&starts).map(|(&dim, &start)| dim - choices.below((dim - start).min(2)));
                let ends: Vec<usize> = ends.collect();
                let steps = ty.dims.iter().map(|_| choices.of(&[1, 1, 2])).collect();
                self.raw(Slice { starts, ends, steps }, &[x])
            }
            31 => {
                let mut cells = || -> Vec<usize> { ty.dims.iter().map(|_| choices.below(2)).collect() };
                let (low, high, interior) = (cells(), cells(), cells());
                self.raw(Pad { low, high, interior }, &[x])
            }
            32 => {
                let mut operands = vec![x];
                for _ in 0..choices.below(3) {
                    operands.push(self.like(&ty, choices)?);
                }
                self.raw(Concat { axis: choices.below(ty.dims.len()) }, &operands)
            }
            33 | 34 => {
                let kind = choices.of(&[ReduceKind::Sum, ReduceKind::Sum, ReduceKind::Max, ReduceKind::Min]);
                let axes: Vec<usize> = (0..ty.dims.len()).filter(|_| choices.yes()).collect();
                let batch = ty.batched && choices.below(3) == 0;
                if axes.is_empty() && !batch {
                    return Err("nothing to reduce".into());
                }
                self.raw(Reduce { kind, axes, batch }, &[x])
            }
            35 | 36 => {
                let (transpose, turned) = (choices.yes(), choices.yes());
                let (k, n) = (ty.last(), 1 + choices.below(4));
                let mut matrix = self.param(&if transpose { [n, k] } else { [k, n] }, choices);
                if turned {
                    matrix = self.raw(Transpose { perm: vec![1, 0] }, &[matrix])?;
                }
                self.raw(MatMul { transpose: transpose != turned }, &[x, matrix])
            }
            37 => {
                let rank = ty.dims.len();
                let mut perm: Vec<usize> = (0..rank).collect();
                if rank >= 2 {
                    perm.swap(rank - 1, rank - 2);
                }
                let y = self.like(&ty, choices)?;
                match choices.below(3) {
                    0 => self.raw(Contract, &[x, y]),
                    1 => self.raw(BatchMatMul { ta: choices.yes(), tb: choices.yes() }, &[x, y]),
                    _ => {
                        let y = self.raw(Transpose { perm }, &[y])?;
                        self.raw(BatchMatMul { ta: choices.yes(), tb: choices.yes() }, &[x, y])
                    }
                }
            }
            38 => {
                let x = self.with_rank(3, choices)?;
                let channels = self.graph.ty(x).last();
                let groups = if choices.yes() { 1 } else { channels };
                let kernel =
                    [1 + choices.below(2), 1 + choices.below(3), channels / groups, groups * choices.of(&[1, 2])];
                let kernel = self.param(&kernel, choices);
                let conv = Conv2d {
                    stride: [1 + choices.below(2), 1 + choices.below(2)],
                    pad: [[choices.below(2), choices.below(2)], [choices.below(2), 0]],
                    dilation: [1, 1 + choices.below(2)],
                    groups,
                };
                let image = self.raw(conv, &[x, kernel])?;
                if choices.yes() {
                    return Ok(image);
                }
                // As in most networks: a pool behind it.
                let pool = MaxPool2d { size: [2, 2], stride: [2, 2], pad: [[choices.below(2), 0], [0, 0]] };
                self.raw(pool, &[image]).or(Ok(image))
            }
            _ => {
                let x = self.with_rank(3, choices)?;
                let size = [1 + choices.below(3), 1 + choices.below(3)];
                let stride = [1 + choices.below(2), 1 + choices.below(2)];
                let pad = [[choices.below(size[0]), 0], [0, choices.below(size[1])]];
                let pool = MaxPool2d { size, stride, pad };
                match choices.below(4) {
                    0 | 1 => self.raw(AvgPool2d { size, stride, pad }, &[x]),
                    2 => self.raw(pool, &[x]),
                    _ => {
                        let index = self.raw(MaxPool2dIndex { pool: pool.clone() }, &[x])?;
                        let other = self.like(&self.ty(x), choices)?;
                        self.raw(MaxPool2dTake { pool }, &[other, index])
                    }
                }
            }
        }
    }
}

//! The inside of a kernel: pointers, loads, expressions and stores for one vector of its domain.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

use super::locate::{Located, locate, step_name};
use super::module::{Entry, Layout, element};
use super::names::Names;
use crate::fuse::access::{Access, axes, row_col};
use crate::fuse::{Kernel, Level, Program, level};
use crate::ir::{DType, Graph, Network, NodeId, Type};
use crate::ops::{Lowering, Op};
use crate::plan::Plan;

/// What code is generated for.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    /// The network.
    pub network: &'a Network,
    /// Where parameters lie.
    pub layout: &'a Layout,
    /// The function, or a loop's body.
    pub program: &'a Program,
    /// Its memory.
    pub plan: &'a Plan,
    /// The function's scalars.
    pub uniforms: &'a [NodeId],
    /// In the body of a loop, what is around it.
    pub within: Option<&'a Within<'a>>,
}

/// What is around the body of a loop.
#[derive(Clone, Copy)]
pub(super) struct Within<'a> {
    /// The function, or the body, that the loop stands in.
    pub cx: Context<'a>,
    /// The loop.
    pub node: NodeId,
    /// Its kernel.
    pub kernel: &'a Kernel,
}

impl<'a> Context<'a> {
    /// The context of an entry point.
    pub(super) fn of(network: &'a Network, layout: &'a Layout, entry: &'a Entry) -> Self {
        let Entry { program, plan, uniforms, .. } = entry;
        Self { network, layout, program, plan, uniforms, within: None }
    }

    /// The function's graph.
    pub(super) fn graph(&self) -> &'a Graph {
        &self.program.function.graph
    }
}

/// Statements with the values that they have computed so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    /// In order.
    pub lines: Vec<TokenStream>,
    values: BTreeMap<NodeId, Ident>,
    loads: BTreeMap<(NodeId, Vec<usize>, usize), Ident>,
}

impl Scope {
    /// Says that a value is already there under a name.
    pub(super) fn define(&mut self, node: NodeId, name: Ident) {
        self.values.insert(node, name);
    }
}

/// A kernel's code as it grows.
pub(super) struct Body<'a> {
    pub(super) cx: Context<'a>,
    kernel: &'a Kernel,
    names: Names,
    /// Statements before the loops: pointers and scalars.
    pub head: Vec<TokenStream>,
    pointers: BTreeMap<NodeId, Ident>,
    uniforms: BTreeMap<NodeId, Ident>,
    keys: BTreeMap<u32, Ident>,
    /// Statements once per row; `None` where the kernel's loops are the runtime's, and all is said per vector.
    pub row: Option<Scope>,
    /// Statements for each vector.
    pub full: Scope,
    /// Values kept in scratch memory between two sweeps of one row.
    pub spilled: BTreeMap<NodeId, usize>,
    /// Values of this kernel that are in memory by now.
    pub stored: BTreeSet<NodeId>,
    /// The elements that the loops run over.
    pub domain: Type,
    /// How many of its last axes are columns.
    pub suffix: usize,
}

/// An integer without a suffix.
pub(super) fn int(value: usize) -> Literal {
    Literal::usize_unsuffixed(value)
}

impl<'a> Body<'a> {
    /// An empty body; `rows` says whether the kernel has statements once per row.
    pub(super) fn new(cx: Context<'a>, kernel: &'a Kernel, rows: bool) -> Self {
        let mut names = Names::without(&["s", "m", "part", "rows", "cols", "row", "col", "n", "scratch"]);
        for depth in 0..cx.depth() {
            names.fresh(&step_name(depth));
        }
        Self {
            cx,
            kernel,
            names,
            head: Vec::new(),
            pointers: BTreeMap::new(),
            uniforms: BTreeMap::new(),
            keys: BTreeMap::new(),
            row: rows.then(Scope::default),
            full: Scope::default(),
            spilled: BTreeMap::new(),
            stored: BTreeSet::new(),
            domain: kernel.domain.clone(),
            suffix: kernel.suffix,
        }
    }

    /// The function's graph.
    pub(super) fn graph(&self) -> &'a Graph {
        self.cx.graph()
    }

    /// The kernel.
    pub(super) fn kernel(&self) -> &'a Kernel {
        self.kernel
    }

    /// A fresh name.
    pub(super) fn name(&mut self, name: &str) -> Ident {
        self.names.fresh(name)
    }

    /// Forgets what was computed per vector: another sweep begins.
    pub(super) fn next_sweep(&mut self) -> Vec<TokenStream> {
        std::mem::take(&mut self.full).lines
    }

    /// The pointer to a stored value.
    pub(super) fn pointer(&mut self, node: NodeId) -> Ident {
        if let Some(name) = self.pointers.get(&node) {
            return name.clone();
        }
        let Located { name, pointer: value, .. } = locate(self.cx, node);
        let name = self.names.fresh(&format!("{name}_at"));
        self.head.push(quote!(let #name = #value;));
        self.pointers.insert(node, name.clone());
        name
    }

    /// The value of a node, computed where it is needed.
    pub(super) fn value(&mut self, node: NodeId, place: Level) -> TokenStream {
        if let Some(name) = self.known(node) {
            return quote!(#name);
        }
        let cx = self.cx;
        let graph = cx.graph();
        let needs = &cx.program.needs;
        if needs.uniform.contains(&node) {
            return self.uniform(node);
        }
        if let Some(&slot) = self.spilled.get(&node) {
            return self.reload(node, slot);
        }
        if needs.joined.contains(&node) {
            // Its parts, which `store` puts side by side.
            graph.inputs(node).into_iter().for_each(|part| drop(self.operand(part)));
            return TokenStream::new();
        }
        let view = matches!(graph.op(node), Op::Broadcast(_) | Op::Reshape(_) | Op::Later(_));
        let expression = if view {
            let access = needs.access_through(graph, node);
            self.read(&access, graph.ty(node))
        } else {
            let op = graph.op(node);
            let operands = match op {
                Op::Random(random) if place == Level::Row => {
                    let (key, float) = (self.key(random.stream), element(cx.network.dtype));
                    let number = quote!(s.splat(::kiln::simd::random(#key, row as u64) as #float));
                    return self.keep(node, place, &number);
                }
                Op::Random(random) => {
                    let key = self.key(random.stream);
                    let cols = int(self.columns());
                    vec![quote!(#key), quote!((row * #cols + col) as u64)]
                }
                Op::Iota(_) => vec![quote!(col)],
                Op::OneHot(_) => vec![self.operand(graph.input(node, 0)), quote!(col)],
                _ => graph.inputs(node).into_iter().map(|operand| self.operand(operand)).collect(),
            };
            match op.rules().lowering() {
                Lowering::Pointwise(emit) | Lowering::Free(emit) => emit(op, &operands),
                _ => quote!(::core::compile_error!("kiln's bug: not an element-wise primitive")),
            }
        };
        self.keep(node, place, &expression)
    }

    /// Gives a node's expression a name.
    fn keep(&mut self, node: NodeId, place: Level, expression: &TokenStream) -> TokenStream {
        let name = self.names.fresh(self.graph().op(node).rules().name());
        let scope = self.scope(place);
        scope.lines.push(quote!(let #name = #expression;));
        scope.values.insert(node, name.clone());
        quote!(#name)
    }

    /// The operand of a reduction, per element.
    pub(super) fn operand_value(&mut self, reduce: NodeId) -> TokenStream {
        let operand = self.cx.graph().input(reduce, 0);
        self.operand(operand)
    }

    /// Says that a value per row is there under a name.
    pub(super) fn define_row(&mut self, node: NodeId, name: Ident) {
        if let Some(row) = &mut self.row {
            row.values.insert(node, name);
        }
    }

    fn known(&self, node: NodeId) -> Option<Ident> {
        let row = self.row.as_ref().and_then(|row| row.values.get(&node));
        self.full.values.get(&node).or(row).cloned()
    }

    pub(super) fn scope(&mut self, place: Level) -> &mut Scope {
        match (&mut self.row, place) {
            (Some(row), Level::Row) => row,
            _ => &mut self.full,
        }
    }

    /// An operand of a node: views looked through.
    pub(super) fn operand(&mut self, operand: NodeId) -> TokenStream {
        let cx = self.cx;
        let graph = cx.graph();
        let access = cx.program.needs.access(graph, operand);
        self.read(&access, graph.ty(operand))
    }

    /// The element that an access over `ty` names.
    fn read(&mut self, access: &Access, ty: &Type) -> TokenStream {
        let base = access.base;
        let cx = self.cx;
        let needs = &cx.program.needs;
        if needs.uniform.contains(&base) {
            return self.uniform(base);
        }
        if let Some(name) = self.known(base) {
            return quote!(#name);
        }
        let place = self.place_of(ty);
        let external = matches!(cx.graph().op(base).rules().lowering(), Lowering::External);
        let elsewhere = needs.is_work(cx.graph(), base) && !self.kernel.nodes.contains(&base);
        if external || elsewhere || self.stored.contains(&base) {
            return self.load(access, ty, place);
        }
        self.value(base, place)
    }

    /// At which level a type stands in the loops as they are now.
    pub(super) fn place_of(&self, ty: &Type) -> Level {
        level(&self.domain, self.suffix, ty).unwrap_or(Level::Full)
    }

    fn load(&mut self, access: &Access, ty: &Type, place: Level) -> TokenStream {
        let key = (access.base, access.strides.clone(), access.offset);
        if let Some(name) = self.full.loads.get(&key).or(self.row.as_ref().and_then(|row| row.loads.get(&key))) {
            return quote!(#name);
        }
        let suffix = if place == Level::Full { self.suffix } else { 0 };
        let pitch = locate(self.cx, access.base).pitch;
        let mut strides = access.strides.clone();
        // The batch is the first axis; rows of it may lie apart.
        if let (Some(pitch), Some(first)) = (pitch, strides.first_mut())
            && *first != 0
        {
            *first = pitch;
        }
        let Some(walk) = row_col(&axes(ty), &strides, suffix) else {
            return quote!(::core::compile_error!("kiln's bug: an operand that is no run of columns"));
        };
        let pointer = self.pointer(access.base);
        let mut terms: Vec<TokenStream> = walk
            .row
            .iter()
            .map(|term| {
                let mut expression = quote!(row);
                if term.divide != 1 {
                    let divide = int(term.divide);
                    expression = quote!(#expression / #divide);
                }
                if term.modulo != usize::MAX {
                    let modulo = int(term.modulo);
                    expression = quote!(#expression % #modulo);
                }
                if term.stride != 1 {
                    let stride = int(term.stride);
                    expression = quote!(#expression * #stride);
                }
                expression
            })
            .collect();
        // What does not move with the column is loaded once per row.
        let place = if walk.col == 0 { Level::Row } else { Level::Full };
        if walk.col == 1 {
            terms.push(quote!(col));
        }
        if access.offset != 0 {
            let offset = int(access.offset);
            terms.push(quote!(#offset));
        }
        let at = if terms.is_empty() { quote!(#pointer) } else { quote!(#pointer.add(#(#terms)+*)) };
        let dtype = self.cx.graph().ty(access.base).dtype;
        let float = element(self.cx.network.dtype);
        let expression = match (walk.col, dtype) {
            (0, DType::F32 | DType::F64) => quote!(s.splat(*#at)),
            (0, _) => quote!(s.splat(*#at as #float)),
            _ => quote!(s.load_n(#at, n)),
        };
        let label = pointer.to_string();
        let name = self.names.fresh(label.strip_suffix("_at").unwrap_or(&label));
        let scope = self.scope(place);
        scope.lines.push(quote!(let #name = #expression;));
        scope.loads.insert(key, name.clone());
        quote!(#name)
    }

    /// A scalar of the whole call.
    fn uniform(&mut self, node: NodeId) -> TokenStream {
        let cx = self.cx;
        if let Some(constant) = constant(cx.graph(), node) {
            return constant;
        }
        if let Some(name) = self.uniforms.get(&node) {
            return quote!(#name);
        }
        let index = int(cx.uniforms.iter().position(|&uniform| uniform == node).unwrap_or(usize::MAX));
        let name = self.names.fresh(cx.graph().op(node).rules().name());
        self.head.push(quote!(let #name = s.splat(m.uniform(#index));));
        self.uniforms.insert(node, name.clone());
        quote!(#name)
    }

    fn key(&mut self, stream: u32) -> Ident {
        if let Some(name) = self.keys.get(&stream) {
            return name.clone();
        }
        let name = self.names.fresh("key");
        let number = Literal::u32_unsuffixed(stream);
        self.head.push(quote!(let #name = ::kiln::simd::random_key(m.seed, m.step, #number);));
        self.keys.insert(stream, name.clone());
        name
    }

    /// Keeps a value of this row in scratch memory for a later sweep.
    pub(super) fn spill(&mut self, node: NodeId, slot: usize) {
        let value = self.value(node, Level::Full);
        let offset = int(slot * self.columns());
        self.full.lines.push(quote!(s.store_n(scratch.add(#offset + col), #value, n);));
    }

    fn reload(&mut self, node: NodeId, slot: usize) -> TokenStream {
        let offset = int(slot * self.columns());
        let name = self.names.fresh(self.cx.graph().op(node).rules().name());
        self.full.lines.push(quote!(let #name = s.load_n(scratch.add(#offset + col), n);));
        self.full.values.insert(node, name.clone());
        quote!(#name)
    }

    /// Elements of a row of the loops as they are now.
    pub(super) fn columns(&self) -> usize {
        self.domain.dims[self.domain.dims.len() - self.suffix..].iter().product()
    }
}

/// A constant as a literal.
fn constant(graph: &Graph, node: NodeId) -> Option<TokenStream> {
    match (graph.op(node), graph.op(node).rules().lowering()) {
        (Op::Constant(_), Lowering::Free(emit)) => Some(emit(graph.op(node), &[])),
        (Op::Broadcast(_) | Op::Reshape(_) | Op::Later(_), _) => constant(graph, graph.input(node, 0)),
        _ => None,
    }
}

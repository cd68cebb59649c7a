//! A machine that runs a plan on bytes that know whose they are. It shares nothing with the planner but the plan:
//! it walks the graph itself to see what a kernel reads, and splits rows among threads as the runtime does.
//!
//! 1. Whatever a kernel reads, its bytes hold: nothing has been written over them since they were written.
//! 2. What a kernel writes lies inside the arena, and apart from whatever else it writes.
//! 3. At the end every root's bytes hold it.
//! 4. Where a kernel writes over what it reads, it reads each element only for the one that goes over it, and not in a
//!    later sweep.
//! 5. Between two barriers no thread touches bytes that another one writes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use kiln_compiler::fuse::{Kernel, Kind, Program};
use kiln_compiler::ir::{Graph, NodeId, RootKind, Type};
use kiln_compiler::ops::{Lowering, Op};
use kiln_compiler::plan::{Place, Plan};

/// What one thread touches in a kernel, and whether it writes there.
type Touched = Vec<(Bytes, bool)>;

/// A run of bytes: the arena is block 0, each external value a block of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Bytes {
    block: Option<Place>,
    range: Range<usize>,
}

impl Bytes {
    fn meet(&self, other: &Self) -> bool {
        self.block == other.block && self.range.start < other.range.end && other.range.start < self.range.end
    }
}

/// A program with its plan.
pub(crate) struct Machine<'a> {
    program: &'a Program,
    plan: &'a Plan,
    batch: usize,
}

/// Who holds a byte: a value, and which of its bytes this is.
type Tags = BTreeMap<(Option<Place>, usize), (NodeId, usize)>;

impl<'a> Machine<'a> {
    pub(crate) fn new(program: &'a Program, plan: &'a Plan, batch: usize) -> Self {
        Self { program, plan, batch }
    }

    /// Checks everything in this module's header.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.values_last()?;
        for kernel in &self.program.kernels {
            self.in_place(kernel).map_err(|message| format!("`{}`: {message}", kernel.name))?;
        }
        for threads in 2..=4 {
            let counts = [1, 2, 3, self.batch / 2 + 1, self.batch - 1, self.batch];
            for rows in counts.into_iter().filter(|rows| (1..=self.batch).contains(rows)) {
                self.threads_keep_apart(threads, rows)
                    .map_err(|message| format!("{threads} threads, {rows} rows: {message}"))?;
            }
        }
        Ok(())
    }

    fn graph(&self) -> &Graph {
        &self.program.function.graph
    }

    fn ty(&self, node: NodeId) -> &Type {
        self.graph().ty(node)
    }

    /// The bytes of some elements of a value.
    fn bytes(&self, node: NodeId, elements: Range<usize>) -> Result<Bytes, String> {
        let size = self.ty(node).dtype.bytes();
        let (block, start) = match self.plan.places.get(&node) {
            Some(Place::Arena(offset)) => (None, *offset),
            Some(&place) => (Some(place), 0),
            None => return Err(format!("{node} has no place")),
        };
        Ok(Bytes { block, range: start + elements.start * size..start + elements.end * size })
    }

    fn all(&self, node: NodeId) -> Result<Bytes, String> {
        self.bytes(node, 0..elements(self.ty(node), self.batch))
    }

    /// Invariants 1 to 3.
    fn values_last(&self) -> Result<(), String> {
        let mut tags = Tags::new();
        for node in self.graph().ids() {
            if matches!(self.graph().op(node).rules().lowering(), Lowering::External) {
                self.tag(&mut tags, node)?;
            }
        }
        for kernel in &self.program.kernels {
            for node in self.reads(kernel) {
                self.held(&tags, node).map_err(|message| format!("`{}` reads {message}", kernel.name))?;
            }
            for (place, &node) in kernel.writes.iter().enumerate() {
                let bytes = self.all(node)?;
                if bytes.block.is_none() && bytes.range.end > self.plan.arena_bytes {
                    return Err(format!("{node} ends behind the arena"));
                }
                for &other in &kernel.writes[..place] {
                    if bytes.meet(&self.all(other)?) {
                        return Err(format!("`{}` writes {node} over {other}", kernel.name));
                    }
                }
                self.tag(&mut tags, node)?;
            }
        }
        for root in &self.graph().roots {
            let mut node = root.node;
            while !self.plan.places.contains_key(&node) && matches!(self.graph().op(node), Op::Reshape(_)) {
                node = self.graph().input(node, 0);
            }
            self.held(&tags, node).map_err(|message| format!("at the end {} misses {message}", root.kind))?;
            let expected = match root.kind {
                RootKind::Param(param) => Some(Place::Param(param)),
                RootKind::State(param, slot) => Some(Place::State(param, slot)),
                RootKind::Output(_) | RootKind::Loss => None,
                RootKind::Carry(_) => return Err("a carry outside of a loop".into()),
            };
            let found = self.plan.places.get(&node);
            if expected.is_some_and(|place| found != Some(&place))
                || expected.is_none() && !matches!(found, Some(Place::Arena(_)))
            {
                return Err(format!("{} is at {found:?}", root.kind));
            }
        }
        Ok(())
    }

    fn tag(&self, tags: &mut Tags, node: NodeId) -> Result<(), String> {
        let bytes = self.all(node)?;
        for (offset, byte) in bytes.range.enumerate() {
            tags.insert((bytes.block, byte), (node, offset));
        }
        Ok(())
    }

    fn held(&self, tags: &Tags, node: NodeId) -> Result<(), String> {
        let bytes = self.all(node)?;
        for (offset, byte) in bytes.range.enumerate() {
            match tags.get(&(bytes.block, byte)) {
                Some(&tag) if tag == (node, offset) => {}
                Some((other, _)) => return Err(format!("{node}, but {other} lies over it")),
                None => return Err(format!("{node}, which nobody has written")),
            }
        }
        Ok(())
    }

    /// The stored values that a kernel reads from memory.
    fn reads(&self, kernel: &Kernel) -> BTreeSet<NodeId> {
        let mut found = BTreeSet::new();
        for &node in &kernel.nodes {
            found.extend(self.reads_of(kernel, node));
        }
        found
    }

    fn reads_of(&self, kernel: &Kernel, node: NodeId) -> BTreeSet<NodeId> {
        let mut found = BTreeSet::new();
        for input in self.graph().inputs(node) {
            self.resolve(kernel, input, 0, &mut |base, _| {
                found.insert(base);
            });
        }
        found
    }

    /// The elements in memory behind an element of an operand.
    fn resolve(&self, kernel: &Kernel, node: NodeId, element: usize, found: &mut dyn FnMut(NodeId, usize)) {
        if self.program.needs.uniform.contains(&node) {
            return;
        }
        if matches!(self.graph().op(node).rules().lowering(), Lowering::External) {
            found(node, element);
        } else if kernel.nodes.contains(&node) {
            // In a register.
        } else if self.program.kernel_of.contains_key(&node) {
            found(node, element);
        } else {
            // What a value waits for is not read.
            let read = if matches!(self.graph().op(node), Op::Later(_)) { 1 } else { usize::MAX };
            for input in self.graph().inputs(node).into_iter().take(read) {
                self.resolve(kernel, input, self.behind(node, input, element), found);
            }
        }
    }

    /// The element of an operand that an element of a view or a function of elements comes from.
    fn behind(&self, node: NodeId, input: NodeId, element: usize) -> usize {
        match self.graph().op(node) {
            Op::Broadcast(_) => broadcast(self.ty(input), self.ty(node), element),
            Op::Slice(op) => sliced(self.ty(input), self.ty(node), &op.starts, &op.steps, element),
            Op::OneHot(op) => element / op.classes,
            _ => element,
        }
    }

    /// Invariant 4.
    fn in_place(&self, kernel: &Kernel) -> Result<(), String> {
        let graph = self.graph();
        // In the sweeps of a row, a sum reads element by element, too.
        let summed = |node: NodeId| kernel.kind == Kind::Map && matches!(graph.op(node), Op::Reduce(_));
        let depths = self.depths(kernel);
        // What is known per row is computed between sweeps.
        let swept = |node: &&NodeId| summed(**node) || self.ty(**node).dims == kernel.domain.dims;
        let last = kernel.nodes.iter().filter(swept).map(|node| depths[node] - usize::from(summed(*node))).max();
        for &node in &kernel.nodes {
            let pooled = kernel.pool.is_some() && matches!(graph.op(node), Op::MaxPool2d(_) | Op::MaxPool2dIndex(_));
            let by_element = !pooled && kernel.kind.anchor() != Some(node) && kernel.sums != Some(node);
            if !by_element {
                for read in self.reads_of(kernel, node) {
                    for &write in &kernel.writes {
                        if self.all(read)?.meet(&self.all(write)?) {
                            return Err(format!("{write} is written over {read}, which {node} reads in no order"));
                        }
                    }
                }
                continue;
            }
            let over = self.ty(if summed(node) { graph.input(node, 0) } else { node });
            let mut reads = Vec::new();
            for element in 0..elements(over, self.batch) {
                for input in graph.inputs(node) {
                    let behind = if summed(node) { element } else { self.behind(node, input, element) };
                    self.resolve(kernel, input, behind, &mut |base, at| reads.push((element, base, at)));
                }
            }
            for (element, base, at) in reads {
                let read = self.bytes(base, at..at + 1)?;
                for &write in &kernel.writes {
                    let same = self.ty(write).dims == over.dims && self.ty(write).batched == over.batched;
                    if !read.meet(&self.all(write)?) {
                        continue;
                    }
                    if !same || read != self.bytes(write, element..element + 1)? {
                        return Err(format!(
                            "{node} reads element {at} of {base} for its element {element}: {write} is over it"
                        ));
                    }
                    if kernel.kind == Kind::Map && Some(depths[&write]) != last {
                        return Err(format!("{write} is over {base}, which a later sweep may read"));
                    }
                }
            }
        }
        Ok(())
    }

    /// How many sums over rows of a kernel have to be done before each of its nodes is known.
    fn depths(&self, kernel: &Kernel) -> BTreeMap<NodeId, usize> {
        fn depth(machine: &Machine<'_>, found: &BTreeMap<NodeId, usize>, node: NodeId) -> usize {
            let graph = machine.graph();
            match found.get(&node) {
                Some(&depth) => depth,
                None if machine.program.kernel_of.contains_key(&node) => 0,
                None => graph.inputs(node).iter().map(|&input| depth(machine, found, input)).max().unwrap_or(0),
            }
        }
        let mut found = BTreeMap::new();
        for &node in &kernel.nodes {
            let inputs = self.graph().inputs(node);
            let before = inputs.iter().map(|&input| depth(self, &found, input)).max().unwrap_or(0);
            found.insert(node, before + usize::from(matches!(self.graph().op(node), Op::Reduce(_))));
        }
        found
    }

    /// Invariant 5.
    fn threads_keep_apart(&self, threads: usize, rows: usize) -> Result<(), String> {
        let mut since: Vec<(usize, Vec<Touched>)> = Vec::new();
        for (index, (kernel, &barrier)) in self.program.kernels.iter().zip(&self.plan.barriers).enumerate() {
            if barrier {
                since.clear();
            }
            let touched: Result<Vec<_>, String> =
                (0..threads).map(|thread| self.touched(kernel, thread, threads, rows)).collect();
            since.push((index, touched?));
            let Some((_, now)) = since.last() else { continue };
            for (earlier, before) in &since {
                for (i, mine) in now.iter().enumerate() {
                    for (j, theirs) in before.iter().enumerate().filter(|&(j, _)| j != i) {
                        let own = *earlier == index;
                        if let Some((bytes, _)) = mine.iter().find(|a| theirs.iter().any(|b| races(a, b, own))) {
                            let other = &self.program.kernels[*earlier].name;
                            return Err(format!(
                                "thread {i} in `{}` and thread {j} in `{other}` both touch {bytes:?}",
                                kernel.name
                            ));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether each thread computes its own rows. A loop does if all that its steps do is.
    fn by_rows(&self, kernel: &Kernel) -> bool {
        fn all(program: &Program) -> bool {
            program.kernels.iter().all(|kernel| one(program, kernel))
        }
        fn one(program: &Program, kernel: &Kernel) -> bool {
            match kernel.kind {
                Kind::Loop(node) => program.loops.get(&node).is_some_and(all),
                _ => kernel.domain.batched,
            }
        }
        one(self.program, kernel)
    }

    /// What a thread may touch in a kernel, and whether it writes. Values of the batch in a kernel over the batch: the
    /// thread's own rows. Anything else may be anybody's; who writes what of it among the threads of one kernel is
    /// the kernel's own business, which `Bytes` of no rows leave out.
    fn touched(
        &self,
        kernel: &Kernel,
        thread: usize,
        threads: usize,
        rows: usize,
    ) -> Result<Vec<(Bytes, bool)>, String> {
        let mut touched = Vec::new();
        let reads = self.reads(kernel);
        let all = reads.iter().map(|&node| (node, false)).chain(kernel.writes.iter().map(|&node| (node, true)));
        for (node, write) in all {
            let ty = self.ty(node);
            let range = if ty.batched && self.by_rows(kernel) {
                let (each, more) = (rows / threads, rows % threads);
                let first = |thread: usize| thread * each + thread.min(more);
                first(thread) * ty.elements()..first(thread + 1) * ty.elements()
            } else {
                0..elements(ty, rows)
            };
            if !range.is_empty() {
                touched.push((self.bytes(node, range)?, write));
            }
        }
        Ok(touched)
    }
}

/// Whether two accesses by two threads, with no barrier between them, may spoil each other. Inside one kernel, what is
/// no share of rows is split in some other way.
fn races((a, writes_a): &(Bytes, bool), (b, writes_b): &(Bytes, bool), own: bool) -> bool {
    (*writes_a || *writes_b) && a.meet(b) && !(own && a == b)
}

fn elements(ty: &Type, rows: usize) -> usize {
    ty.elements() * if ty.batched { rows } else { 1 }
}

/// The element of `from` that an element of `to` repeats, as NumPy broadcasts, the batch apart.
fn broadcast(from: &Type, to: &Type, element: usize) -> usize {
    let (row, mut rest) = (element / to.elements().max(1), element % to.elements().max(1));
    let (mut at, mut stride) = (0, 1);
    for (back, &dim) in to.dims.iter().rev().enumerate() {
        let index = rest % dim;
        rest /= dim;
        if let Some(place) = from.dims.len().checked_sub(back + 1) {
            let own = from.dims[place];
            at += if own == 1 { 0 } else { index * stride };
            stride *= own;
        }
    }
    at + if from.batched { row * from.elements() } else { 0 }
}

/// The element of `from` that an element of a slice `to` of it is.
fn sliced(from: &Type, to: &Type, starts: &[usize], steps: &[usize], element: usize) -> usize {
    let (row, mut rest) = (element / to.elements().max(1), element % to.elements().max(1));
    let (mut at, mut stride) = (0, 1);
    for axis in (0..to.dims.len()).rev() {
        at += (starts[axis] + rest % to.dims[axis] * steps[axis]) * stride;
        rest /= to.dims[axis];
        stride *= from.dims[axis];
    }
    at + if from.batched { row * from.elements() } else { 0 }
}

//! Names, templates, blocks and loops to one graph of primitives, shapes known at every step.
//!
//! The body is evaluated like a small program: tensors are nodes of the graph, everything else is a constant. A
//! mistake is reported once, where it is; what depends on it is poisoned and stays silent.

mod arguments;
mod arithmetic;
mod block;
mod call;
mod cell;
mod classes;
mod convert;
mod eval;
mod explain;
mod extract;
mod finish;
mod function;
mod history;
mod index;
mod loops;
mod naming;
mod origin;
mod params;
mod report;
mod scope;
mod settings;
mod statement;
mod tensor;
#[cfg(test)]
mod tests;
mod value;
mod wrap;

use std::collections::HashSet;
use std::rc::Rc;

use proc_macro2::Ident;

use crate::diag::{Diagnostic, Diagnostics};
use crate::ir::{DType, Graph, Network, OriginId};
use crate::syntax::ast::{Expr, ExprKind, NetworkDecl};

pub(crate) use arguments::{Arg, Bound, Padding};
pub(crate) use history::{Effect, Trace};
pub(crate) use loops::{Results, Step};
pub(crate) use params::{Owner, Request};
pub(crate) use tensor::broadcast_dims;
pub(crate) use value::{Eval, Value};

use block::{Activation, Shared};
use history::History;
use naming::{FrameId, Naming};
use scope::{Binding, Scopes};

/// The most rows of a batch; keeps sizes in bytes far from overflow.
pub const MAX_BATCH: usize = 1 << 20;

/// Resolves a network. `None` if there was a mistake; `errors` has it.
pub fn resolve(decl: &NetworkDecl, errors: &mut Diagnostics) -> Option<Network> {
    let mut resolver = Resolver::new(decl, errors);
    resolver.header(&decl.header);
    resolver.run(&decl.body);
    resolver.finish();
    (resolver.read && resolver.reported.is_empty()).then_some(resolver.net)
}

/// The state of a resolution.
pub(crate) struct Resolver<'e> {
    errors: &'e mut Diagnostics,
    /// What has been reported where, to report it once though a block is used often.
    reported: HashSet<String>,
    /// What is being built. Names of parameters and layers follow at the end.
    pub(crate) net: Network,
    scopes: Scopes,
    history: History,
    naming: Naming,
    /// The block's call, or the body, that names are made in.
    frame: FrameId,
    /// The `let` or assignment under evaluation in this frame.
    group: Option<Rc<str>>,
    /// The nearest `let`, across blocks: the name of nodes.
    label: Option<Rc<str>>,
    /// The `let`, layer or block under evaluation.
    origin: Option<OriginId>,
    /// Loops around the statement in this frame.
    loops: usize,
    /// Steps of `scan` loops that are being traced.
    tracing: usize,
    traces: loops::Traces,
    /// The name that a data statement is to declare.
    declaring: Option<Ident>,
    params: params::Params,
    /// Blocks' calls under way, outermost first.
    active: Vec<Activation>,
    shared: Vec<Shared>,
    /// `shared` instances under way, innermost last.
    replaying: Vec<params::Replay>,
    /// Nesting of the evaluation, to refuse before the stack ends.
    depth: usize,
    /// Expressions evaluated, to refuse what unrolls without end.
    work: usize,
    exhausted: bool,
    /// Whether parameters that are made now are not to change.
    pub(crate) frozen: bool,
    pub(crate) streams: u32,
    pub(crate) declared: Declared,
    /// Whether all statements could be read. If not, those that are missing may be among the others.
    read: bool,
}

/// Which statements stood in the body, well or broken.
#[derive(Debug, Default)]
pub(crate) struct Declared {
    pub(crate) output: bool,
    pub(crate) loss: Option<proc_macro2::Span>,
    pub(crate) optimizer: Option<proc_macro2::Span>,
}

impl<'e> Resolver<'e> {
    fn new(decl: &NetworkDecl, errors: &'e mut Diagnostics) -> Self {
        let read = !errors.any();
        let net = Network {
            attributes: decl.attributes.clone(),
            visibility: decl.visibility.clone(),
            name: decl.name.clone(),
            batch: 1,
            dtype: DType::F32,
            graph: Graph::default(),
            inputs: Vec::new(),
            params: Vec::new(),
            outputs: Vec::new(),
            loss: None,
            optimizer: None,
            gradients: None,
            methods: Vec::new(),
            explanations: Vec::new(),
            updates: Vec::new(),
            layers: Vec::new(),
            origins: Vec::new(),
            memory_max: None,
        };
        Self {
            errors,
            reported: HashSet::new(),
            net,
            scopes: Scopes::default(),
            history: History::default(),
            naming: Naming::new(),
            frame: Naming::root(),
            group: None,
            label: None,
            origin: None,
            loops: 0,
            tracing: 0,
            traces: loops::Traces::default(),
            declaring: None,
            params: params::Params::default(),
            active: Vec::new(),
            shared: Vec::new(),
            replaying: Vec::new(),
            depth: 0,
            work: 0,
            exhausted: false,
            frozen: false,
            streams: 0,
            declared: Declared::default(),
            read,
        }
    }

    /// `<batch = 128, time = 28, dtype = f64>`: settings, and constants of the body.
    fn header(&mut self, header: &[(Ident, Expr)]) {
        self.scopes.push(None);
        for (key, value) in header {
            let name = key.to_string();
            if name == "dtype" {
                self.dtype(value);
                continue;
            }
            let number = self.integer(value, &format!("`{name}`"));
            if let (Ok(number), "batch") = (number, name.as_str()) {
                match usize::try_from(number) {
                    Ok(batch @ 1..=MAX_BATCH) => self.net.batch = batch,
                    _ => {
                        self.error(
                            Diagnostic::new(value.span, format!("`batch` is {number}"))
                                .help(format!("it is the most rows of a step: from 1 to {MAX_BATCH}")),
                        );
                    }
                }
            }
            let value = number.map_or(Value::Poison, Value::Int);
            self.scopes.bind(&name, Binding { value, mutable: false, item: true });
        }
    }

    fn dtype(&mut self, value: &Expr) {
        let word = match &value.kind {
            ExprKind::Name(word) => word.to_string(),
            ExprKind::Invalid => return,
            _ => String::new(),
        };
        match word.as_str() {
            "f32" => self.net.dtype = DType::F32,
            "f64" => self.net.dtype = DType::F64,
            _ => {
                self.error(Diagnostic::new(value.span, "`dtype` is f32 or f64"));
            }
        }
    }
}

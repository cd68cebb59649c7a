//! What an expression of the body can be while the network is resolved.

use std::rc::Rc;

use crate::ir::{Graph, NodeId, Optimizer};
use crate::syntax::ast::FnDecl;

/// The mark of a mistake that has been reported. Only reporting makes one, so whoever meets it keeps silent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Poisoned(());

impl Poisoned {
    /// For the one function that reports, and for names that are bound to a mistake.
    pub(super) fn reported() -> Self {
        Self(())
    }
}

/// A value, or the mark of a mistake that has been reported.
pub(crate) type Eval<T> = Result<T, Poisoned>;

/// A value of the body.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// What a statement such as `loss(…)` gives.
    Unit,
    /// Stands for a value that could not be made; the mistake has been reported.
    Poison,
    /// A node of the graph: data, indices or the result of a comparison, as its type says.
    Tensor(NodeId),
    /// `28`
    Int(i64),
    /// `0.5`
    Float(f64),
    /// `true`
    Bool(bool),
    /// `"64 MiB"`
    Str(Rc<str>),
    /// `(a, b)`
    Tuple(Vec<Value>),
    /// `[a, b]`
    Array(Vec<Value>),
    /// A `fn` of the body.
    Block(Rc<Block>),
    /// `shared(f)`, by number.
    Shared(usize),
    /// `adam(lr = 1e-3)`
    Optimizer(Optimizer),
}

/// A `fn` of the body, with the number of scopes that it sees.
#[derive(Debug)]
pub(crate) struct Block {
    /// Its tokens.
    pub(super) decl: FnDecl,
    /// Scopes that were open where it stands.
    pub(super) depth: usize,
}

impl Value {
    /// The value in the user's terms, for "… must be an integer, not …".
    pub(super) fn describe(&self, graph: &Graph) -> String {
        match self {
            Self::Unit => "nothing".into(),
            Self::Poison => "a mistake".into(),
            Self::Tensor(node) => {
                let ty = graph.ty(*node);
                match ty.dtype {
                    crate::ir::DType::U32 if ty.dims.is_empty() => "an index for each row".into(),
                    crate::ir::DType::U32 => format!("indices {}", ty.shape()),
                    crate::ir::DType::Bool => format!("a comparison {}", ty.shape()),
                    _ => format!("a tensor {}", ty.shape()),
                }
            }
            Self::Int(value) => format!("the integer {value}"),
            Self::Float(value) => format!("the number {value:?}"),
            Self::Bool(value) => format!("`{value}`"),
            Self::Str(_) => "a text".into(),
            Self::Tuple(_) => "a tuple".into(),
            Self::Array(_) => "an array".into(),
            Self::Block(block) => format!("the block `{}`", block.decl.name),
            Self::Shared(_) => "a shared block".into(),
            Self::Optimizer(_) => "an optimizer".into(),
        }
    }
}

//! A resolved network, and the functions that are made of it.

use proc_macro2::{Ident, Span, TokenStream};

use super::{DType, Graph, NodeId, ParamId, Type};

/// What kind of data an input is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// `input([..])`: floats.
    Dense,
    /// `target([..])`: float targets.
    Target,
    /// `class(n)`: one index below `n` per row.
    Class(usize),
    /// `classes([time], n)`: indices below `n`.
    Classes(usize),
    /// `tokens([time], n)`: indices below `n`.
    Tokens(usize),
    /// `weight()`: one weight per row.
    Weight,
}

impl InputKind {
    /// For indices, the number of classes.
    pub fn classes(&self) -> Option<usize> {
        match *self {
            Self::Class(n) | Self::Classes(n) | Self::Tokens(n) => Some(n),
            Self::Dense | Self::Target | Self::Weight => None,
        }
    }
}

/// Data that the user hands over at run time: always batched.
#[derive(Clone, Debug)]
pub struct InputDecl {
    /// The user's `let` name.
    pub name: Ident,
    /// What kind.
    pub kind: InputKind,
    /// Its type.
    pub ty: Type,
}

/// How a parameter starts. Glorot and He take their fans from the shape as Keras does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// All 0.
    Zeros,
    /// All 1.
    Ones,
    /// All the same.
    Constant(f64),
    /// Uniform on [low, high).
    Uniform(f64, f64),
    /// Normal: mean, standard deviation.
    Normal(f64, f64),
    /// Uniform, variance 2 / (fan_in + fan_out) (Glorot and Bengio, 2010).
    GlorotUniform,
    /// Truncated normal, variance 2 / (fan_in + fan_out).
    GlorotNormal,
    /// Uniform, variance 2 / fan_in (He et al., 2015).
    HeUniform,
    /// Truncated normal, variance 2 / fan_in.
    HeNormal,
}

/// A parameter in its public layout.
#[derive(Clone, Debug)]
pub struct ParamDecl {
    /// `hidden.weight`.
    pub name: String,
    /// Its type, unbatched.
    pub ty: Type,
    /// How it starts.
    pub init: Init,
    /// Whether the optimiser changes it; a moving average is not trainable.
    pub trainable: bool,
    /// The layer's tokens.
    pub span: Span,
}

/// What turns gradients into updates. Numbers are defaults of run-time values where the generated
/// trainer has a setter (the learning rate), constants otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimizer {
    /// Stochastic gradient descent, Keras's `SGD`.
    Sgd {
        /// Learning rate.
        lr: f64,
        /// Share of the last step that is kept.
        momentum: f64,
        /// Whether the gradient is taken as if the momentum had been applied (Nesterov, 1983).
        nesterov: bool,
    },
    /// Adam (Kingma and Ba, 2015) as in Keras: epsilon outside the bias correction.
    Adam {
        /// Learning rate.
        lr: f64,
        /// Decay of the gradients' mean.
        beta1: f64,
        /// Decay of the mean of their squares.
        beta2: f64,
        /// Keeps the quotient finite.
        epsilon: f64,
    },
    /// Adam with decoupled weight decay (Loshchilov and Hutter, 2019).
    AdamW {
        /// Learning rate.
        lr: f64,
        /// Decay of the gradients' mean.
        beta1: f64,
        /// Decay of the mean of their squares.
        beta2: f64,
        /// Keeps the quotient finite.
        epsilon: f64,
        /// Share of a parameter that a step of learning rate 1 takes off.
        weight_decay: f64,
    },
}

/// One more inference entry point: the graph cut between values.
#[derive(Clone, Debug)]
pub struct Method {
    /// The method's name.
    pub name: Ident,
    /// Values that become arguments.
    pub from: Vec<NodeId>,
    /// The value that is returned.
    pub to: NodeId,
}

/// A line of the summary.
#[derive(Clone, Debug)]
pub struct LayerRow {
    /// The user's name for it, `hidden` or `features.0`.
    pub name: String,
    /// What it is: `dense(128)`.
    pub kind: String,
    /// The value that it makes.
    pub node: NodeId,
    /// Its own parameters.
    pub params: Vec<ParamId>,
}

/// Everything that the tokens said, resolved: names are gone, layers are primitives, shapes are known.
#[derive(Clone, Debug)]
pub struct Network {
    /// Doc comments and other attributes of the type.
    pub attributes: TokenStream,
    /// `pub`.
    pub visibility: TokenStream,
    /// The type's name.
    pub name: Ident,
    /// Capacity in rows.
    pub batch: usize,
    /// `F32` or `F64`.
    pub dtype: DType,
    /// All primitives of all functions. It has no roots: the fields below name values in it.
    pub graph: Graph,
    /// In order of declaration. `Input(i)` is number i.
    pub inputs: Vec<InputDecl>,
    /// In order of declaration.
    pub params: Vec<ParamDecl>,
    /// Named values that `run` returns.
    pub outputs: Vec<(String, NodeId)>,
    /// The scalar that training minimises: the mean over the rows.
    pub loss: Option<NodeId>,
    /// How; present exactly if `loss` is.
    pub optimizer: Option<Optimizer>,
    /// `method(...)` statements.
    pub methods: Vec<Method>,
    /// New values of non-trainable parameters in a training step (moving averages).
    pub updates: Vec<(ParamId, NodeId)>,
    /// For `summary()`, in order of declaration.
    pub layers: Vec<LayerRow>,
    /// `memory(max = ..)` in bytes, with its tokens.
    pub memory_max: Option<(u64, Span)>,
}

/// One entry point of the generated code: a graph with roots, specialised to its phase.
#[derive(Clone, Debug)]
pub struct Function {
    /// `step`, `run`, `loss`, or the name of a method.
    pub name: String,
    /// Types of its inputs; `Input(i)` is number i. For `step`, `run` and `loss` the network's own
    /// list; a method has its cut values here.
    pub inputs: Vec<InputDecl>,
    /// What it computes.
    pub graph: Graph,
}

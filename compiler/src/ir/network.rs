//! A resolved network, and the functions that are made of it.

use proc_macro2::{Ident, Span, TokenStream};

use super::{DType, Graph, NodeId, Origin, ParamId, Type};
use crate::ops::{Op, Scalar};

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
    /// `weight()`: one weight per row; `weight([time])`: one per step.
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

/// How a parameter starts. Glorot, He and LeCun take their fans from the shape as Keras does.
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
    /// Uniform, variance 1 / fan_in (LeCun et al., 1998).
    LecunUniform,
    /// Truncated normal, variance 1 / fan_in.
    LecunNormal,
    /// Normal, cut off at two standard deviations: mean, standard deviation before the cut.
    TruncatedNormal(f64, f64),
    /// Orthogonal rows or columns, whichever are fewer, times a factor (Saxe et al., 2014).
    Orthogonal(f64),
    /// The identity times a factor; of two axes.
    Identity(f64),
    /// The second quarter 1, everything else this number: an LSTM's bias (Jozefowicz et al., 2015).
    ForgetGate(f64),
    /// Sines and cosines of the row, by the longest wave over 2π (Vaswani et al., 2017); of two axes.
    Sinusoidal(f64),
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
    /// How it trains, where that is not as all others do.
    pub settings: ParamSettings,
    /// The layer's tokens.
    pub span: Span,
}

/// How one parameter trains.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParamSettings {
    /// A factor of the learning rate.
    pub lr_scale: f64,
    /// In place of the optimiser's.
    pub weight_decay: Option<f64>,
    /// The loss contains this times the sum of magnitudes.
    pub l1: f64,
    /// The loss contains this times the sum of squares.
    pub l2: f64,
    /// What it is held to after each update.
    pub constraint: Option<Constraint>,
}

impl Default for ParamSettings {
    fn default() -> Self {
        Self { lr_scale: 1.0, weight_decay: None, l1: 0.0, l2: 0.0, constraint: None }
    }
}

/// What a parameter is held to after each update, as Keras's constraints; norms are taken along the first axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Constraint {
    /// Norms are at most this (N. Srivastava et al., "Dropout", 2014).
    MaxNorm(f64),
    /// Norms are 1.
    UnitNorm,
    /// Nothing is below 0.
    NonNegative,
}

/// How gradients are bounded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clip {
    /// Each element's magnitude.
    Value(f64),
    /// The norm of each parameter's gradient.
    Norm(f64),
    /// The norm of all gradients together (R. Pascanu et al., "On the difficulty of training recurrent neural
    /// networks", 2013).
    GlobalNorm(f64),
}

/// What turns gradients into updates. The learning rate is the default of a run-time value, the other numbers
/// are constants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Optimizer {
    /// The update itself.
    pub rule: Rule,
    /// Learning rate.
    pub lr: f64,
    /// Share of a parameter that a step of learning rate 1 takes off, before the update (I. Loshchilov, F. Hutter,
    /// "Decoupled weight decay regularization", 2019).
    pub weight_decay: f64,
    /// Whether parameters of fewer than two axes (biases, the factors of normalisations) decay, too.
    pub decay_vectors: bool,
    /// How gradients are bounded.
    pub clip: Option<Clip>,
    /// What a moving average of the parameters keeps of itself (Polyak and Juditsky, 1992), if there is one.
    pub ema: Option<f64>,
    /// So many steps make one update, with the mean of their gradients.
    pub accumulate: usize,
}

/// The update of a parameter by its gradient, each as in Keras.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Stochastic gradient descent.
    Sgd {
        /// Share of the last step that is kept.
        momentum: f64,
        /// Whether the gradient is taken as if the momentum had been applied (Nesterov, 1983).
        nesterov: bool,
    },
    /// Adam (Kingma and Ba, 2015), with epsilon outside the bias correction.
    Adam {
        /// Decay of the gradients' mean.
        beta1: f64,
        /// Decay of the mean of their squares.
        beta2: f64,
        /// Keeps the quotient finite.
        epsilon: f64,
        /// Whether the largest mean of squares so far divides (Reddi et al., 2018).
        amsgrad: bool,
    },
    /// Adam by the largest gradient (Kingma and Ba, 2015, section 7).
    Adamax {
        /// Decay of the gradients' mean.
        beta1: f64,
        /// Decay of their largest magnitude.
        beta2: f64,
        /// Keeps the quotient finite.
        epsilon: f64,
    },
    /// Adam with Nesterov's momentum (Dozat, 2016).
    Nadam {
        /// Decay of the gradients' mean.
        beta1: f64,
        /// Decay of the mean of their squares.
        beta2: f64,
        /// Keeps the quotient finite.
        epsilon: f64,
    },
    /// RMSProp (Tieleman and Hinton, 2012).
    RmsProp {
        /// Decay of the mean of squares.
        rho: f64,
        /// Share of the last step that is kept.
        momentum: f64,
        /// Keeps the quotient finite, under the root.
        epsilon: f64,
        /// Whether the gradients' variance divides, not the mean of their squares.
        centered: bool,
    },
    /// Adagrad (Duchi et al., 2011).
    Adagrad {
        /// What the sum of squares starts with.
        initial: f64,
        /// Keeps the quotient finite, under the root.
        epsilon: f64,
    },
    /// Adadelta (Zeiler, 2012).
    Adadelta {
        /// Decay of both means of squares.
        rho: f64,
        /// Keeps the quotient finite, under both roots.
        epsilon: f64,
    },
    /// Lion (Chen et al., 2023).
    Lion {
        /// Share of the gradients' mean in the step.
        beta1: f64,
        /// Decay of the gradients' mean.
        beta2: f64,
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

/// An inference entry point that says what an output comes from.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The method's name.
    pub name: Ident,
    /// How.
    pub kind: Explain,
    /// What is explained: a number for each row, or a score for each class.
    pub of: NodeId,
    /// What it is explained by.
    pub wrt: NodeId,
    /// Which score.
    pub class: Chosen,
}

/// A kind of explanation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Explain {
    /// The gradient's magnitude.
    Saliency,
    /// The gradient times the value.
    InputXGradient,
    /// The mean gradient over noisy copies.
    SmoothGrad {
        /// How many.
        samples: usize,
        /// The noise's deviation as a share of the row's range.
        noise: Scalar,
    },
    /// The mean gradient on the way from the baseline, times the way.
    IntegratedGradients {
        /// Points on the way.
        steps: usize,
        /// Where it starts.
        baseline: NodeId,
    },
    /// A map of places, from a map of features.
    GradCam,
}

impl Explain {
    /// How many calls make one explanation.
    pub fn rounds(self) -> usize {
        match self {
            Self::SmoothGrad { samples, .. } => samples,
            Self::IntegratedGradients { steps, .. } => steps,
            Self::Saliency | Self::InputXGradient | Self::GradCam => 1,
        }
    }
}

/// Which score of a row is explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// The largest.
    Largest,
    /// Always the same.
    Class(usize),
    /// By an index for each row.
    Given(NodeId),
}

/// A line of the summary.
#[derive(Clone, Debug)]
pub struct LayerRow {
    /// The user's name for it, `hidden` or `features.0`.
    pub name: String,
    /// What it is: `dense(128)`.
    pub kind: String,
    /// What it makes; inside a loop, in one step.
    pub ty: Type,
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
    /// `gradients();`: the trainer gives gradients without an update.
    pub gradients: Option<Span>,
    /// `method(...)` statements.
    pub methods: Vec<Method>,
    /// `explain(...)` statements.
    pub explanations: Vec<Explanation>,
    /// New values of non-trainable parameters in a training step (moving averages).
    pub updates: Vec<(ParamId, NodeId)>,
    /// For `summary()`, in order of declaration.
    pub layers: Vec<LayerRow>,
    /// The calls that values come from; what [`Name::origin`](super::Name::origin) says is a number in here.
    pub origins: Vec<Origin>,
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

impl Network {
    /// How many classes indices count: those of an input, or the places of an `argmax`.
    pub fn classes(&self, index: NodeId) -> Option<usize> {
        let mut node = index;
        loop {
            node = match self.graph.op(node) {
                Op::Input(input) => return self.inputs.get(input.index)?.kind.classes(),
                Op::ArgMax(_) => return Some(self.graph.ty(*self.graph.inputs(node).first()?).last()),
                Op::Reshape(_) | Op::Slice(_) | Op::Transpose(_) | Op::Flip(_) => *self.graph.inputs(node).first()?,
                _ => return None,
            };
        }
    }
}

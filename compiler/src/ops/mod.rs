//! The primitives. One file each: documentation, shape rule, gradient, reference evaluation, lowering, tests.
//! Adding one is its file and its line in the list below.

use std::fmt;

use proc_macro2::TokenStream;

use crate::autodiff::Vjp;
use crate::ir::Type;

mod check;
mod elementwise;
#[cfg(test)]
mod testing;
pub mod window;

pub use compare::CompareKind;
pub use hyper::HyperKind;
pub use reduce::ReduceKind;
pub use scan::Body;

/// What every primitive says of itself. Each method is required: a primitive without a gradient or a
/// reference says so in words.
pub trait Rules {
    /// The name in printed graphs.
    fn name(&self) -> &'static str;

    /// The settings in printed graphs: `[("stride", "[2, 2]")]`. All fields, so that the text says all.
    fn attributes(&self) -> Vec<(&'static str, String)>;

    /// The type of the result, or what is wrong with the operands, in the user's terms.
    fn infer(&self, inputs: &[&Type]) -> Result<Type, String>;

    /// The vector-Jacobian product as primitives: for each operand the gradient of the loss by it, given the
    /// gradient by the result (`cx.grad()`), or `None` where nothing flows (indices, masks).
    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<crate::ir::NodeId>>;

    /// The definition, in f64. A batched value has its batch as axis 0.
    #[cfg(feature = "eval")]
    fn eval(&self, cx: &crate::eval::Context<'_>, inputs: &[&crate::eval::Array]) -> crate::eval::Array;

    /// How code is made of it.
    fn lowering(&self) -> Lowering;

    /// Floating-point operations for one row of the batch (or in all, unbatched), multiply and add counted
    /// as two.
    fn flops(&self, inputs: &[&Type], output: &Type) -> u64;
}

/// How a primitive becomes code; the passes fuse and the generator emits by it.
#[derive(Clone, Copy)]
pub enum Lowering {
    /// Bytes that live outside the arena (inputs, parameters, optimiser state): nothing is emitted.
    External,
    /// Each element from the operands' elements at the same place. The function gives a Rust expression over
    /// a `kiln::simd::Simd` value `s` and the operands' vectors.
    Pointwise(Emit),
    /// As `Pointwise`, and so cheap or so unstorable (a comparison) that every consumer's kernel computes it
    /// again.
    Free(Emit),
    /// Elements repeated along axes: an operand's addressing in the consumer's kernel.
    Broadcast,
    /// The same bytes under another shape.
    Alias,
    /// A reduction; `Reduce` says over what.
    Reduce,
    /// A strided copy: slice, transpose, pad, concat, flip.
    Move,
    /// A kernel of the runtime that leaves an epilogue to the pointwise primitives behind it.
    Product,
    /// A kernel of the runtime without an epilogue.
    Whole,
    /// A loop with a body of its own kernels; its results are `Part`s.
    Loop,
    /// A value that the operand's kernel stores: a loop's result.
    Part,
    /// Never reaches code: a pass takes it out (phases, stop_gradient).
    Absent,
}

/// Emits one expression from the expressions of the operands.
pub type Emit = fn(&Op, &[TokenStream]) -> TokenStream;

/// A float as an attribute: compared and hashed by its bits.
#[derive(Clone, Copy, Debug)]
pub struct Scalar(pub f64);

impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Scalar {}

impl std::hash::Hash for Scalar {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

macro_rules! primitives {
    ($($file:ident::$name:ident,)*) => {
        $(mod $file; pub use $file::$name;)*

        /// A primitive with its settings.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Op {
            $(#[doc = concat!("See [`", stringify!($name), "`].")] $name($name),)*
        }

        $(impl From<$name> for Op {
            fn from(op: $name) -> Self {
                Self::$name(op)
            }
        })*

        /// What each file's tests say of its gradient; a file without this does not compile under test.
        #[cfg(test)]
        const GRADIENTS: &[(&str, fn() -> testing::Gradient)] =
            &[$((stringify!($name), $file::tests::gradient)),*];

        impl Op {
            /// Its rules.
            pub fn rules(&self) -> &dyn Rules {
                match self { $(Self::$name(op) => op,)* }
            }

            /// Every primitive's file, for tests that check that none is left out.
            pub const ALL: &'static [&'static str] = &[$(stringify!($name)),*];
        }
    };
}

primitives! {
    // Where values come from
    input::Input,
    param::Param,
    state::State,
    constant::Constant,
    hyper::Hyper,
    iota::Iota,
    random::Random,
    // Element by element
    add::Add,
    sub::Sub,
    mul::Mul,
    div::Div,
    maximum::Maximum,
    minimum::Minimum,
    pow::Pow,
    neg::Neg,
    abs::Abs,
    exp::Exp,
    log::Log,
    log1p::Log1p,
    sqrt::Sqrt,
    tanh::Tanh,
    erf::Erf,
    sin::Sin,
    cos::Cos,
    sigmoid::Sigmoid,
    relu::Relu,
    compare::Compare,
    select::Select,
    one_hot::OneHot,
    // Shapes
    broadcast::Broadcast,
    reshape::Reshape,
    transpose::Transpose,
    flip::Flip,
    slice::Slice,
    pad::Pad,
    concat::Concat,
    // Reductions
    reduce::Reduce,
    gather::Gather,
    arg_max::ArgMax,
    embed::Embed,
    embed_grad::EmbedGrad,
    // Products
    matmul::MatMul,
    contract::Contract,
    batch_matmul::BatchMatMul,
    conv2d::Conv2d,
    conv2d_input_grad::Conv2dInputGrad,
    conv2d_weight_grad::Conv2dWeightGrad,
    conv2d_pooled_input_grad::Conv2dPooledInputGrad,
    conv2d_pooled_weight_grad::Conv2dPooledWeightGrad,
    // Windows
    max_pool2d::MaxPool2d,
    max_pool2d_index::MaxPool2dIndex,
    max_pool2d_grad::MaxPool2dGrad,
    max_pool2d_take::MaxPool2dTake,
    avg_pool2d::AvgPool2d,
    avg_pool2d_grad::AvgPool2dGrad,
    // Loops
    scan::Scan,
    take::Take,
    // Order
    later::Later,
    // What a pass takes out
    phase::Phase,
    stop_gradient::StopGradient,
}

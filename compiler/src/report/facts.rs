//! What a report says of a network, as plain data: the page, the JSON and the drawings are made of it alone.

use crate::cost::Cost;

use super::profile::Profile;

/// All of it.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The network's name.
    pub name: String,
    /// Where it stands, `src/main.rs:8`.
    pub line: Option<String>,
    /// Capacity in rows.
    pub batch: usize,
    /// `f32` or `f64`.
    pub dtype: &'static str,
    /// What the user hands over.
    pub inputs: Vec<Input>,
    /// In order of declaration.
    pub layers: Vec<Layer>,
    /// In order of declaration.
    pub parameters: Vec<Parameter>,
    /// The constants of the generated type that sum the network up, with their values.
    pub constants: Vec<(&'static str, u64)>,
    /// What predictions are made for.
    pub machine: Machine,
    /// `step`, `run`, `loss`, the methods.
    pub functions: Vec<Function>,
    /// What was measured; or why the file with it can't be read.
    pub profile: Option<Result<Profile, String>>,
}

/// An input.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// For indices, their bound.
    pub classes: Option<usize>,
    /// Its type.
    pub ty: String,
}

/// A line of the summary.
#[derive(Clone, Debug)]
pub struct Layer {
    /// `features.0`
    pub name: String,
    /// `conv2d(32)`
    pub kind: String,
    /// What it makes.
    pub ty: String,
    /// Its own numbers.
    pub parameters: usize,
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// `features.0.weight`
    pub name: String,
    /// Its type.
    pub ty: String,
    /// How many numbers.
    pub elements: usize,
    /// Whether the optimiser changes it.
    pub trainable: bool,
}

/// The ceilings that predictions are made with.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// Multiplications and additions, 10⁹ a second.
    pub gflops: f64,
    /// Bytes from memory, 10⁹ a second.
    pub memory: f64,
}

/// A function of the network.
#[derive(Clone, Debug)]
pub struct Function {
    /// `step`
    pub name: String,
    /// Its kernels and its memory.
    pub program: Program,
    /// Each run of a pass, in order.
    pub passes: Vec<Pass>,
}

/// A run of a pass.
#[derive(Clone, Debug)]
pub struct Pass {
    /// Its name.
    pub name: &'static str,
    /// Nodes before it.
    pub before: usize,
    /// Nodes after it.
    pub after: usize,
    /// Whether it changed anything.
    pub changed: bool,
    /// The time that it took.
    pub micros: f64,
}

/// What a function, or the body of a loop, has become.
#[derive(Clone, Debug)]
pub struct Program {
    /// The calls in the source that its nodes come from: parents before children.
    pub groups: Vec<Group>,
    /// Its primitives, operands first.
    pub nodes: Vec<Node>,
    /// In order.
    pub kernels: Vec<Kernel>,
    /// What kernels hand to each other.
    pub neighbours: Vec<Neighbour>,
    /// Operations that no kernel does: scalars of the whole call.
    pub scalars: Cost,
    /// Operations in all.
    pub flops: Cost,
    /// Where its values lie.
    pub memory: Memory,
    /// The bodies of its loops.
    pub loops: Vec<Loop>,
}

/// A `let`, a layer or a block.
#[derive(Clone, Debug)]
pub struct Group {
    /// The one around it.
    pub parent: Option<usize>,
    /// `hidden`, `conv2d(32)`
    pub title: String,
    /// For a layer, its name: `features.0`.
    pub layer: Option<String>,
    /// `src/main.rs:8`
    pub line: Option<String>,
}

/// What a value is computed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// A result or the loss.
    Forward,
    /// A gradient.
    Backward,
    /// A new value of a parameter or of the optimiser's state.
    Update,
}

impl Phase {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Backward => "backward",
            Self::Update => "update",
        }
    }
}

/// How a node becomes code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A kernel computes it.
    Work,
    /// It is handed over, or kept between calls.
    External,
    /// Another way to read its operand.
    View,
    /// Every reader computes it again.
    Inlined,
    /// A number for the whole call.
    Scalar,
}

impl Role {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Work => "work",
            Self::External => "external",
            Self::View => "view",
            Self::Inlined => "inlined",
            Self::Scalar => "scalar",
        }
    }
}

/// A primitive.
#[derive(Clone, Debug)]
pub struct Node {
    /// `conv2d`
    pub op: &'static str,
    /// Its settings, `stride=[1, 1]`.
    pub settings: String,
    /// The user's name, or the parameter's.
    pub name: Option<String>,
    /// `f32[B, 26, 26, 32]`
    pub ty: String,
    /// Its operands.
    pub inputs: Vec<usize>,
    /// Where it comes from.
    pub group: usize,
    /// What for.
    pub phase: Phase,
    /// How.
    pub role: Role,
    /// Which kernel computes it.
    pub kernel: Option<usize>,
    /// Operations.
    pub flops: Cost,
    /// Bytes of the value.
    pub bytes: Cost,
    /// Where it is stored, if it is.
    pub place: Option<String>,
    /// `src/main.rs:8`
    pub line: Option<String>,
}

/// A kernel.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// Its name.
    pub name: String,
    /// `map`, `columns`, `product`, `whole`, `move`, `loop`
    pub kind: &'static str,
    /// The elements that it goes over.
    pub domain: String,
    /// The group of what it is built around.
    pub group: usize,
    /// What it is mainly for.
    pub phase: Phase,
    /// The nodes that it computes.
    pub nodes: Vec<usize>,
    /// Stored values that it reads.
    pub reads: Vec<usize>,
    /// What it stores.
    pub writes: Vec<usize>,
    /// Operations, those of nodes that it computes again for itself aside.
    pub flops: Cost,
    /// Bytes of what it reads and writes, each value once.
    pub bytes: Cost,
    /// Whether all threads meet before it.
    pub barrier: bool,
    /// The loop that it is, by its number.
    pub body: Option<usize>,
    /// The lines that it comes from.
    pub lines: Vec<String>,
}

/// Two kernels of which one reads what the other writes.
#[derive(Clone, Debug)]
pub struct Neighbour {
    /// Who writes.
    pub from: usize,
    /// Who reads.
    pub to: usize,
    /// Why they are two.
    pub why: Option<String>,
}

/// Where values lie.
#[derive(Clone, Debug)]
pub struct Memory {
    /// Bytes of the arena.
    pub arena: usize,
    /// Bytes that live at once at most.
    pub bound: usize,
    /// The kernel during which that is.
    pub peak: usize,
    /// The arena's parts.
    pub buffers: Vec<Buffer>,
}

/// A part of the arena, for some time.
#[derive(Clone, Debug)]
pub struct Buffer {
    /// What people call it.
    pub name: String,
    /// The values that are in it, one after the other; none for a loop's own state.
    pub values: Vec<usize>,
    /// The first kernel during which it lives.
    pub from: usize,
    /// The first one during which it does not live any more.
    pub to: usize,
    /// Where it begins.
    pub offset: usize,
    /// Bytes.
    pub size: usize,
}

/// The body of a loop.
#[derive(Clone, Debug)]
pub struct Loop {
    /// Its kernel.
    pub kernel: usize,
    /// How often it is run.
    pub steps: usize,
    /// Whether from the last step to the first.
    pub reverse: bool,
    /// What it has become. Costs are those of one step.
    pub program: Program,
}

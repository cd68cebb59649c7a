//! What every generated trainer and predictor can do, so that one loop trains any network.

use crate::params::Element;
use crate::{Error, Params, Result};

/// What kind of data an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// `input([..])`: numbers of the network's element type.
    Dense,
    /// `target([..])`: numbers to be learned.
    Target,
    /// `class(n)`: a class per row.
    Class(usize),
    /// `classes([time], n)`: a class per step.
    Classes(usize),
    /// `tokens([time], n)`: indices to look up.
    Tokens(usize),
    /// `weight()`: a weight per row.
    Weight,
}

/// An input of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputInfo {
    /// Its `let` name.
    pub name: &'static str,
    /// A row's shape.
    pub shape: &'static [usize],
    /// What kind of data it takes.
    pub kind: InputKind,
}

impl InputInfo {
    /// Elements of a row.
    pub fn row(&self) -> usize {
        self.shape.iter().product()
    }
}

/// An output of a network. One of indices (`argmax`) is handed on as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputInfo {
    /// Its name.
    pub name: &'static str,
    /// A row's shape.
    pub shape: &'static [usize],
    /// Whether there is one for each row; otherwise there is one for all.
    pub batched: bool,
}

impl OutputInfo {
    /// Elements of a row.
    pub fn row(&self) -> usize {
        self.shape.iter().product()
    }
}

/// Some rows of one input, one after another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Column<'a> {
    /// Numbers of a network in single precision.
    F32(&'a [f32]),
    /// Numbers of a network with `dtype = f64`.
    F64(&'a [f64]),
    /// Indices.
    U32(&'a [u32]),
}

impl<'a> Column<'a> {
    /// Rust's name of the elements' type.
    pub fn type_name(self) -> &'static str {
        match self {
            Self::F32(_) => "f32",
            Self::F64(_) => "f64",
            Self::U32(_) => "u32",
        }
    }

    /// How many elements.
    pub fn elements(self) -> usize {
        match self {
            Self::F32(data) => data.len(),
            Self::F64(data) => data.len(),
            Self::U32(data) => data.len(),
        }
    }

    /// A range of the elements, as far as they reach.
    #[must_use]
    pub fn slice(self, start: usize, end: usize) -> Self {
        fn part<T>(data: &[T], start: usize, end: usize) -> &[T] {
            data.get(start..end.min(data.len())).unwrap_or_default()
        }
        match self {
            Self::F32(data) => Self::F32(part(data, start, end)),
            Self::F64(data) => Self::F64(part(data, start, end)),
            Self::U32(data) => Self::U32(part(data, start, end)),
        }
    }

    /// The elements as f64, exact.
    pub fn to_f64(self) -> Vec<f64> {
        match self {
            Self::F32(data) => data.iter().map(|&x| f64::from(x)).collect(),
            Self::F64(data) => data.to_vec(),
            Self::U32(data) => data.iter().map(|&x| f64::from(x)).collect(),
        }
    }
}

/// Element types of columns: `f32`, `f64`, `u32`.
pub trait Scalar: Copy + Sized {
    /// Rust's name of the type.
    const NAME: &'static str;
    /// The elements of a column of this type.
    fn of(column: Column<'_>) -> Option<&[Self]>;
    /// A column of these elements.
    fn column(data: &[Self]) -> Column<'_>;
}

macro_rules! scalar {
    ($($scalar:ident $variant:ident),*) => {$(
        impl Scalar for $scalar {
            const NAME: &'static str = stringify!($scalar);

            fn of(column: Column<'_>) -> Option<&[Self]> {
                if let Column::$variant(data) = column { Some(data) } else { None }
            }

            fn column(data: &[Self]) -> Column<'_> {
                Column::$variant(data)
            }
        }
    )*};
}

scalar!(f32 F32, f64 F64, u32 U32);

/// Reads one column of a call: generated code calls it.
///
/// # Errors
/// If the column is missing, or its elements are of another type.
#[doc(hidden)]
pub fn column<'a, T: Scalar>(columns: &[Column<'a>], index: usize, name: &str) -> Result<&'a [T]> {
    let Some(&column) = columns.get(index) else {
        return Err(Error::MissingColumn { name: name.to_owned() });
    };
    T::of(column).ok_or_else(|| Error::ColumnType {
        name: name.to_owned(),
        expected: T::NAME.to_owned(),
        found: column.type_name().to_owned(),
    })
}

/// An output of indices as numbers of the network's element type: generated code calls it.
#[doc(hidden)]
pub fn numbers<E: Element>(indices: &[u32]) -> Vec<E> {
    indices.iter().map(|&index| E::from_f64(f64::from(index))).collect()
}

/// Takes the outputs of a call, each with its number and its elements.
pub type Outputs<'a, E> = &'a mut dyn FnMut(usize, &[E]);

/// A generated trainer, whatever its inputs. The generated type's own `step` says them by name and checks them when the
/// program is compiled; this trait is for code that trains any network, as [`Fit`](super::Fit) does.
pub trait Trainer {
    /// The network's element type.
    type Float: Element + Scalar;
    /// What predicts with its parameters.
    type Predictor: Evaluator<Float = Self::Float>;
    /// The inputs in order of declaration.
    const INPUTS: &'static [InputInfo];
    /// The outputs in order of declaration.
    const OUTPUTS: &'static [OutputInfo];
    /// The most rows of a step.
    const CAPACITY: usize;

    /// One training step on a column for each input; `outputs` is handed what the training pass put out. Gives the loss.
    ///
    /// # Errors
    /// Those of the generated `step`; the parameters are then as before.
    fn step_columns(&mut self, columns: &[Column<'_>], outputs: Outputs<'_, Self::Float>) -> Result<Self::Float>;

    /// A predictor with a snapshot of the parameters, on as many threads and the same instruction set.
    fn evaluator(&self) -> Self::Predictor;

    /// The parameters.
    fn params(&self) -> &Params<Self::Float>;

    /// The parameters, to write.
    fn params_mut(&mut self) -> &mut Params<Self::Float>;

    /// What the optimiser keeps between steps.
    fn optimizer_state(&self) -> &[Self::Float];

    /// What the optimiser keeps between steps, to write.
    fn optimizer_state_mut(&mut self) -> &mut [Self::Float];

    /// The learning rate.
    fn rate(&self) -> f64;

    /// Changes the learning rate of the steps to come.
    fn set_rate(&mut self, rate: f64);

    /// How many steps have been made, and the seed of random masks: together they are the state of the trainer's
    /// random numbers, which are counted, not drawn.
    fn counters(&self) -> (u64, u64);

    /// Changes both.
    fn set_counters(&mut self, steps: u64, seed: u64);
}

/// A generated predictor, whatever its inputs.
pub trait Predictor {
    /// The network's element type.
    type Float: Element + Scalar;
    /// The network's inputs in order of declaration.
    const INPUTS: &'static [InputInfo];
    /// Which of them `run` takes.
    const RUN_INPUTS: &'static [usize];
    /// The outputs in order of declaration.
    const OUTPUTS: &'static [OutputInfo];
    /// The most rows of a call.
    const CAPACITY: usize;

    /// Runs the network on a column for each of its inputs, of which those that `run` does not take may be empty;
    /// `outputs` is handed the results.
    ///
    /// # Errors
    /// Those of the generated `run`.
    fn run_columns(&mut self, columns: &[Column<'_>], outputs: Outputs<'_, Self::Float>) -> Result<()>;

    /// The parameters, to write.
    fn params_mut(&mut self) -> &mut Params<Self::Float>;
}

/// A generated predictor of a network with a loss.
pub trait Evaluator: Predictor {
    /// The loss on a column for each input, as in inference.
    ///
    /// # Errors
    /// Those of the generated `loss`.
    fn loss_columns(&mut self, columns: &[Column<'_>]) -> Result<Self::Float>;
}

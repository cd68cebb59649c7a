//! Element types and shapes.

use std::fmt;

/// The type of one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DType {
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// Class indices and tokens.
    U32,
    /// Positions inside a pooling window.
    U8,
    /// The result of a comparison. Never stored: each consumer's kernel computes it again.
    Bool,
}

impl DType {
    /// Bytes of one stored element.
    pub fn bytes(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 | Self::U32 => 4,
            Self::U8 | Self::Bool => 1,
        }
    }

    /// Whether this is one of the two float types.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    /// Rust's name of the type.
    pub fn rust(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::U32 => "u32",
            Self::U8 => "u8",
            Self::Bool => "bool",
        }
    }
}

/// Element type and shape of a value. `dims` leaves the batch axis out, as users write shapes;
/// a batched value has one such block per row of the batch, rows outermost.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Type {
    /// Element type.
    pub dtype: DType,
    /// Whether there is one block of `dims` per row of the batch.
    pub batched: bool,
    /// The axes, row-major, without the batch.
    pub dims: Vec<usize>,
}

impl Type {
    /// A value with one block per row of the batch.
    pub fn batched(dtype: DType, dims: impl Into<Vec<usize>>) -> Self {
        Self { dtype, batched: true, dims: dims.into() }
    }

    /// A value that does not depend on the batch: a parameter, a constant, a loss.
    pub fn fixed(dtype: DType, dims: impl Into<Vec<usize>>) -> Self {
        Self { dtype, batched: false, dims: dims.into() }
    }

    /// A value of one element.
    pub fn scalar(dtype: DType) -> Self {
        Self::fixed(dtype, [])
    }

    /// Whether there is exactly one element, whatever the batch.
    pub fn is_scalar(&self) -> bool {
        !self.batched && self.dims.is_empty()
    }

    /// Elements of one block (one row of the batch, or all of an unbatched value).
    pub fn elements(&self) -> usize {
        self.dims.iter().product()
    }

    /// Bytes that the value takes with `batch` rows.
    pub fn bytes(&self, batch: usize) -> usize {
        self.elements() * self.dtype.bytes() * if self.batched { batch } else { 1 }
    }

    /// The last axis, 1 for no axes.
    pub fn last(&self) -> usize {
        self.dims.last().copied().unwrap_or(1)
    }

    /// The same shape with other elements.
    pub fn with_dtype(&self, dtype: DType) -> Self {
        Self { dtype, ..self.clone() }
    }

    /// The same batching and elements with another shape.
    pub fn with_dims(&self, dims: impl Into<Vec<usize>>) -> Self {
        Self { dims: dims.into(), ..self.clone() }
    }

    /// The shape as users write it: `[28, 28, 1]`.
    pub fn shape(&self) -> String {
        shape(&self.dims)
    }
}

/// A shape as users write it: `[28, 28, 1]`.
pub fn shape(dims: &[usize]) -> String {
    let dims: Vec<String> = dims.iter().map(usize::to_string).collect();
    format!("[{}]", dims.join(", "))
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let batch = self.batched.then(|| "B".to_string());
        let dims: Vec<String> = batch.into_iter().chain(self.dims.iter().map(usize::to_string)).collect();
        write!(f, "{}[{}]", self.dtype.rust(), dims.join(", "))
    }
}

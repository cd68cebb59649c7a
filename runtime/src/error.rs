//! What can be wrong with data, arguments and files, said with what was expected and what was found.

use std::io;
use std::path::{Path, PathBuf};

/// The result of whatever can fail on data, arguments or files.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What was wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The elements are no whole number of rows.
    #[error("`{name}` takes rows of {expected} elements, but {found} elements are no whole number of rows")]
    Length {
        /// The input.
        name: String,
        /// Elements of a row.
        expected: usize,
        /// Elements given.
        found: usize,
    },
    /// An array's axes after the first are not those of a row.
    #[error("`{name}` takes rows of shape {expected:?}, but the array's shape is {found:?}")]
    RowShape {
        /// The input.
        name: String,
        /// The shape of a row.
        expected: Vec<usize>,
        /// The array's shape, its first axis the rows.
        found: Vec<usize>,
    },
    /// No data.
    #[error("`{name}` has 0 rows; it takes 1 to {capacity}")]
    NoRows {
        /// The input.
        name: String,
        /// The most rows that fit.
        capacity: usize,
    },
    /// More rows than the network was compiled for.
    #[error("`{name}` has {found} rows, but the network is compiled for at most {capacity}")]
    TooManyRows {
        /// The input.
        name: String,
        /// The most rows that fit.
        capacity: usize,
        /// Rows given.
        found: usize,
    },
    /// Two inputs of one call have different numbers of rows.
    #[error("`{first}` has {first_rows} rows, but `{second}` has {second_rows}")]
    RowsDisagree {
        /// An input.
        first: String,
        /// Its rows.
        first_rows: usize,
        /// Another input.
        second: String,
        /// Its rows.
        second_rows: usize,
    },
    /// A class or token index past the last one.
    #[error("`{name}` has {found} at position {position}, but there are only {classes} classes, from 0")]
    ClassOutOfRange {
        /// The input.
        name: String,
        /// Where, counted in elements from 0.
        position: usize,
        /// The index given.
        found: u32,
        /// How many classes there are.
        classes: usize,
    },
    /// In paranoid mode: a kernel that takes values from memory that nobody has written.
    #[error(
        "kiln's bug: kernel `{kernel}` {} what nobody has written ({value}); please report it with the network",
        if *.reads { "reads" } else { "wrote a result of reading" }
    )]
    Unwritten {
        /// The kernel.
        kernel: String,
        /// Where it reads, or wrote.
        value: String,
        /// Whether it reads there; otherwise it wrote a result there.
        reads: bool,
    },
    /// An array whose elements do not lie in row-major order.
    #[error("`{name}` is an array that is not in standard (row-major) layout; pass `.as_standard_layout()` of it")]
    Layout {
        /// The input.
        name: String,
    },
    /// Losses are to be weighed, but the network takes no weights.
    #[error(
        "`{setting}` needs weights in the network's loss: declare `{line}` and write `weight = weights` in the loss"
    )]
    NoWeights {
        /// The setting.
        setting: String,
        /// The line that the network lacks.
        line: String,
    },
    /// A buffer for results is not as long as the results.
    #[error("the buffer for `{name}` has {found} elements, but the result has {expected}")]
    OutputLength {
        /// The output.
        name: String,
        /// Elements of the result.
        expected: usize,
        /// Elements of the buffer.
        found: usize,
    },
    /// An argument outside its range.
    #[error("`{name}` must be {expected}, not {found}")]
    Argument {
        /// The argument.
        name: String,
        /// What it may be.
        expected: String,
        /// What it was.
        found: String,
    },

    /// An input of the network has no data.
    #[error("there is no data for the input `{name}`")]
    MissingColumn {
        /// The input.
        name: String,
    },
    /// Data for an input that the network has not.
    #[error("the network has no input `{name}`; it has {}", list(known))]
    UnknownColumn {
        /// The name given.
        name: String,
        /// The network's inputs.
        known: Vec<String>,
    },
    /// Data of another element type.
    #[error("`{name}` takes elements of type {expected}, not {found}")]
    ColumnType {
        /// The input.
        name: String,
        /// The type that it takes.
        expected: String,
        /// The type given.
        found: String,
    },

    /// No parameter has this name.
    #[error("there is no parameter `{name}`; there are {}", list(known))]
    UnknownParameter {
        /// The name asked for.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// A parameter has another shape.
    #[error("`{name}` has shape {expected:?}, not {found:?}")]
    ParameterShape {
        /// The parameter.
        name: String,
        /// Its shape.
        expected: Vec<usize>,
        /// The shape given.
        found: Vec<usize>,
    },
    /// A parameter has elements of another type.
    #[error("`{name}` has elements of type {expected}, not {found}")]
    ParameterType {
        /// The parameter.
        name: String,
        /// Its element type.
        expected: String,
        /// The type given.
        found: String,
    },
    /// A weight file is of another network.
    #[error(
        "the parameters are not this network's:{}{}",
        names(" missing ", missing),
        names(" unexpected ", unexpected)
    )]
    ParameterNames {
        /// Parameters of the network that the file lacks.
        missing: Vec<String>,
        /// Names in the file that the network lacks.
        unexpected: Vec<String>,
    },
    /// A weight file in another format.
    #[error("not a safetensors file: {reason}")]
    NotSafetensors {
        /// What the reader stumbled over.
        reason: String,
    },

    /// A weight file that ends before, or goes on after, what its header says.
    #[error("truncated or damaged: the header announces {expected} bytes, but the file has {found}")]
    FileLength {
        /// Bytes that a file with this header has.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// A file of weights alone, or one of another kind, where a checkpoint is expected.
    #[error("not a checkpoint of this network: expected {expected}, found {found}")]
    NotCheckpoint {
        /// What a checkpoint has.
        expected: String,
        /// What the file has.
        found: String,
    },

    /// A data file in another format.
    #[error("not an IDX file of {what}: it starts with {found:#010x}, not {expected:#010x}")]
    Magic {
        /// What it should hold: images or labels.
        what: &'static str,
        /// The first four bytes of such a file.
        expected: u32,
        /// The first four bytes found.
        found: u32,
    },
    /// A data file that ends before its header says.
    #[error("truncated: {expected} bytes should follow the header, but only {found} do")]
    Truncated {
        /// Bytes that the header announces.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// A data file with more than its header says.
    #[error("more than the {expected} bytes that the header announces")]
    TooLong {
        /// Bytes that the header announces.
        expected: u64,
    },
    /// A data file that ends inside its header.
    #[error("truncated: the header takes {expected} bytes, but the file has only {found}")]
    TruncatedHeader {
        /// Bytes of the header.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// Images of a size that does not fit.
    #[error("images of {found:?} pixels, but {expected:?} are expected")]
    ImageSize {
        /// Height and width that are read.
        expected: [usize; 2],
        /// Height and width found.
        found: [usize; 2],
    },
    /// Examples and labels that disagree in number.
    #[error("{examples} examples, but {labels} labels")]
    CountsDisagree {
        /// How many examples.
        examples: usize,
        /// How many labels.
        labels: usize,
    },
    /// A label past the last class.
    #[error("label {found} at position {position}, but there are only {classes} classes, from 0")]
    LabelOutOfRange {
        /// Which label, from 0.
        position: usize,
        /// The label.
        found: u64,
        /// How many classes there are.
        classes: u32,
    },
    /// A line of a text file that is wrong.
    #[error("line {line}: {reason}")]
    Line {
        /// Which line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A directory without the files that are looked for.
    #[error("no {} here, with or without .gz", list(expected))]
    NoData {
        /// The files that are looked for.
        expected: Vec<String>,
    },

    /// Something wrong with one file.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: Box<Error>,
    },
    /// The operating system's own refusal.
    #[error("{0}")]
    Io(io::Error),
}

impl Error {
    /// The same error, with the file in which it was found.
    #[must_use]
    pub fn in_file(self, path: impl AsRef<Path>) -> Self {
        Self::File { path: path.as_ref().to_owned(), error: Box::new(self) }
    }

    /// An argument outside its range.
    pub fn argument(name: impl Into<String>, expected: impl Into<String>, found: impl ToString) -> Self {
        Self::Argument { name: name.into(), expected: expected.into(), found: found.to_string() }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// `` `a`, `b` and 7 more``: enough to see what is meant.
fn list(items: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<String> = items.iter().take(SHOWN).map(|item| format!("`{item}`")).collect();
    let mut text = if shown.is_empty() { "none".to_owned() } else { shown.join(", ") };
    if items.len() > SHOWN {
        text += &format!(" and {} more", items.len() - SHOWN);
    }
    text
}

/// A list behind its title, nothing where it is empty.
fn names(title: &str, items: &[String]) -> String {
    if items.is_empty() { String::new() } else { format!("{title}{}", list(items)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_travel_between_threads() {
        fn travels<T: std::error::Error + Send + Sync + 'static>() {}
        travels::<Error>();
    }

    #[test]
    fn messages_name_what_was_expected_and_found() {
        let file = Error::ParameterNames { missing: vec!["hidden.weight".into()], unexpected: vec!["a".into()] };
        assert_eq!(
            file.in_file("model.safetensors").to_string(),
            "model.safetensors: the parameters are not this network's: missing `hidden.weight` unexpected `a`"
        );
        assert_eq!(Error::argument("batch", "1 to 128", 0).to_string(), "`batch` must be 1 to 128, not 0");
        let known = (0..10).map(|i| format!("p{i}")).collect();
        assert!(Error::UnknownParameter { name: "x".into(), known }.to_string().ends_with("`p7` and 2 more"));
    }
}

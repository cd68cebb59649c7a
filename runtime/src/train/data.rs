//! Data sets: an array for each input of a network.

use ndarray::{ArrayBase, ArrayView, Data as Storage, Dimension};

use super::network::{Column, InputInfo, InputKind, Scalar};
use crate::{Error, Result};

/// What can stand for a column of a data set: slices, references to vectors and arrays, ndarray's views and references to
/// its arrays, of `f32`, `f64` or `u32`, in standard layout.
pub trait IntoColumn<'a> {
    /// The elements, `None` where they are not in standard layout, and the axes where they are known.
    fn into_column(self) -> (Option<Column<'a>>, Option<Vec<usize>>);
}

impl<'a, T: Scalar> IntoColumn<'a> for &'a [T] {
    fn into_column(self) -> (Option<Column<'a>>, Option<Vec<usize>>) {
        (Some(T::column(self)), None)
    }
}

impl<'a, T: Scalar> IntoColumn<'a> for &'a Vec<T> {
    fn into_column(self) -> (Option<Column<'a>>, Option<Vec<usize>>) {
        (Some(T::column(self)), None)
    }
}

impl<'a, T: Scalar, const N: usize> IntoColumn<'a> for &'a [T; N] {
    fn into_column(self) -> (Option<Column<'a>>, Option<Vec<usize>>) {
        (Some(T::column(self)), None)
    }
}

impl<'a, T: Scalar, S: Storage<Elem = T>, D: Dimension> IntoColumn<'a> for &'a ArrayBase<S, D> {
    fn into_column(self) -> (Option<Column<'a>>, Option<Vec<usize>>) {
        (self.as_slice().map(T::column), Some(self.shape().to_vec()))
    }
}

impl<'a, T: Scalar, D: Dimension> IntoColumn<'a> for ArrayView<'a, T, D> {
    fn into_column(self) -> (Option<Column<'a>>, Option<Vec<usize>>) {
        let axes = self.shape().to_vec();
        (self.to_slice().map(T::column), Some(axes))
    }
}

/// A named array.
#[derive(Clone, Debug)]
struct Named<'a> {
    name: String,
    column: Option<Column<'a>>,
    axes: Option<Vec<usize>>,
}

/// A data set: an array for each input of a network, by the input's name, with the rows along the first axis. It only
/// borrows.
///
/// ```
/// # use kiln::train::Data;
/// let images = vec![0.0_f32; 3 * 784];
/// let digits = [7_u32, 2, 1];
/// let data = Data::new().with("image", &images).with("digit", &digits);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Data<'a> {
    columns: Vec<Named<'a>>,
}

impl<'a> Data<'a> {
    /// No arrays.
    pub fn new() -> Self {
        Self::default()
    }

    /// With an array for an input; one given before under this name gives way.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, data: impl IntoColumn<'a>) -> Self {
        let name = name.into();
        let (column, axes) = data.into_column();
        self.columns.retain(|column| column.name != name);
        self.columns.push(Named { name, column, axes });
        self
    }

    /// The arrays in the order of a network's inputs, checked: names, types, shapes, indices, and that all have as many
    /// rows. `needed` says which inputs must be there; others are checked where they are given.
    ///
    /// # Errors
    /// Names the input and what is wrong with its data.
    pub fn columns(&self, inputs: &[InputInfo], float: &str, needed: impl Fn(usize) -> bool) -> Result<Columns<'a>> {
        if let Some(column) = self.columns.iter().find(|column| inputs.iter().all(|input| input.name != column.name)) {
            let known = inputs.iter().map(|input| input.name.to_owned()).collect();
            return Err(Error::UnknownColumn { name: column.name.clone(), known });
        }
        let mut all = Vec::with_capacity(inputs.len());
        let mut first: Option<(&str, usize)> = None;
        for (index, input) in inputs.iter().enumerate() {
            let Some(named) = self.columns.iter().find(|column| column.name == input.name) else {
                if needed(index) {
                    return Err(Error::MissingColumn { name: input.name.to_owned() });
                }
                all.push(None);
                continue;
            };
            let (column, rows) = check(input, named, float)?;
            match first {
                None => first = Some((input.name, rows)),
                Some((name, count)) if count != rows => {
                    let (first, second) = (name.to_owned(), input.name.to_owned());
                    return Err(Error::RowsDisagree { first, first_rows: count, second, second_rows: rows });
                }
                Some(_) => {}
            }
            all.push(Some(column));
        }
        let row = inputs.iter().map(InputInfo::row).collect();
        Ok(Columns { columns: all, row, rows: first.map_or(0, |(_, rows)| rows) })
    }
}

fn check<'a>(input: &InputInfo, named: &Named<'a>, float: &str) -> Result<(Column<'a>, usize)> {
    let name = || input.name.to_owned();
    if let Some(axes) = &named.axes
        && axes.len() > 1
        && axes[1..] != *input.shape
    {
        return Err(Error::RowShape { name: name(), expected: input.shape.to_vec(), found: axes.clone() });
    }
    let Some(column) = named.column else { return Err(Error::Layout { name: name() }) };
    let classes = match input.kind {
        InputKind::Class(classes) | InputKind::Classes(classes) | InputKind::Tokens(classes) => Some(classes),
        InputKind::Dense | InputKind::Target | InputKind::Weight => None,
    };
    let expected = if classes.is_some() { u32::NAME } else { float };
    if column.type_name() != expected {
        let found = column.type_name().to_owned();
        return Err(Error::ColumnType { name: name(), expected: expected.to_owned(), found });
    }
    let (elements, row) = (column.elements(), input.row());
    if row == 0 || !elements.is_multiple_of(row) {
        return Err(Error::Length { name: name(), expected: row, found: elements });
    }
    if elements == 0 {
        return Err(Error::argument(name(), "at least 1 row", 0));
    }
    if let (Some(classes), Column::U32(indices)) = (classes, column) {
        crate::rows::check_indices(input.name, indices, classes)?;
    }
    Ok((column, elements / row))
}

/// A data set in the order of a network's inputs, checked.
#[derive(Clone, Debug)]
pub struct Columns<'a> {
    columns: Vec<Option<Column<'a>>>,
    row: Vec<usize>,
    rows: usize,
}

impl<'a> Columns<'a> {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// All rows of an input.
    pub fn column(&self, input: usize) -> Option<Column<'a>> {
        self.columns.get(input).copied().flatten()
    }

    /// Some rows of all inputs, where they lie; inputs without data have none.
    pub fn slice(&self, start: usize, end: usize) -> Vec<Column<'a>> {
        let part = |(column, &row): (&Option<Column<'a>>, &usize)| {
            column.map_or(Column::U32(&[]), |column| column.slice(start * row, end * row))
        };
        self.columns.iter().zip(&self.row).map(part).collect()
    }

    /// The first rows, and those from `row` on.
    #[must_use]
    pub fn split(&self, row: usize) -> (Self, Self) {
        let part = |start: usize, end: usize| {
            let column = |(column, &row): (&Option<Column<'a>>, &usize)| {
                column.map(|column| column.slice(start * row, end * row))
            };
            let columns = self.columns.iter().zip(&self.row).map(column).collect();
            Self { columns, row: self.row.clone(), rows: end - start }
        };
        let row = row.min(self.rows);
        (part(0, row), part(row, self.rows))
    }

    /// Puts an array in the place of an input.
    pub(super) fn set(&mut self, input: usize, column: Column<'a>) {
        if let Some(place) = self.columns.get_mut(input) {
            *place = Some(column);
        }
    }
}

/// Elements of one input, gathered.
#[derive(Clone, Debug)]
enum Buffer {
    F32(Vec<f32>),
    F64(Vec<f64>),
    U32(Vec<u32>),
}

impl Buffer {
    fn column(&self) -> Column<'_> {
        match self {
            Self::F32(data) => Column::F32(data),
            Self::F64(data) => Column::F64(data),
            Self::U32(data) => Column::U32(data),
        }
    }
}

/// Rows of a data set in any order, copied together; the buffers are used again.
#[derive(Clone, Debug)]
pub(super) struct Gathered {
    buffers: Vec<Buffer>,
}

impl Gathered {
    /// Nothing yet.
    pub(super) fn new(data: &Columns<'_>) -> Self {
        let buffer = |column: &Option<Column<'_>>| match column {
            Some(Column::F32(_)) => Buffer::F32(Vec::new()),
            Some(Column::F64(_)) => Buffer::F64(Vec::new()),
            Some(Column::U32(_)) | None => Buffer::U32(Vec::new()),
        };
        Self { buffers: data.columns.iter().map(buffer).collect() }
    }

    /// Copies these rows.
    pub(super) fn gather(&mut self, data: &Columns<'_>, order: &[usize]) {
        fn copy<T: Copy>(to: &mut Vec<T>, from: &[T], row: usize, order: &[usize]) {
            to.clear();
            for &index in order {
                to.extend_from_slice(&from[index * row..][..row]);
            }
        }
        for ((buffer, column), &row) in self.buffers.iter_mut().zip(&data.columns).zip(&data.row) {
            match (buffer, column) {
                (Buffer::F32(to), Some(Column::F32(from))) => copy(to, from, row, order),
                (Buffer::F64(to), Some(Column::F64(from))) => copy(to, from, row, order),
                (Buffer::U32(to), Some(Column::U32(from))) => copy(to, from, row, order),
                _ => {}
            }
        }
    }

    /// The rows copied last.
    pub(super) fn columns(&self) -> Vec<Column<'_>> {
        self.buffers.iter().map(Buffer::column).collect()
    }
}

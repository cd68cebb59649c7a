//! Gradients by name.

use ndarray::{ArrayViewD, IxDyn};

use super::ParamInfo;

/// The gradients of a batch's loss, in the parameters' public layout: views into the trainer's memory.
#[derive(Clone, Debug)]
pub struct Gradients<'a, E> {
    /// The mean loss over the rows.
    pub loss: E,
    values: Vec<(&'static str, ArrayViewD<'a, E>)>,
}

impl<'a, E> Gradients<'a, E> {
    /// From the elements of each gradient and its parameter.
    ///
    /// # Panics
    /// If a gradient has another number of elements than its parameter.
    pub fn new(loss: E, values: impl IntoIterator<Item = (&'static ParamInfo, &'a [E])>) -> Self {
        let view = |(info, elements): (&'static ParamInfo, &'a [E])| {
            let view = ArrayViewD::from_shape(IxDyn(info.shape), elements);
            (info.name, view.expect("a gradient has its parameter's elements"))
        };
        Self { loss, values: values.into_iter().map(view).collect() }
    }

    /// Those of all parameters that train, in order of declaration: name and values.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'static str, ArrayViewD<'_, E>)> {
        self.values.iter().map(|(name, values)| (*name, values.view()))
    }

    /// The gradient by a parameter that trains.
    pub fn get(&self, name: &str) -> Option<ArrayViewD<'_, E>> {
        self.values.iter().find(|(other, _)| *other == name).map(|(_, values)| values.view())
    }
}

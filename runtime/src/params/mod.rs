//! The parameters of a network: one block of memory, described by constants that the compiler emits.

#[cfg(feature = "safetensors")]
pub(crate) mod file;
mod frozen;
mod gradients;
mod init;
mod matched;

use ndarray::{ArrayViewD, IxDyn};

use crate::aligned::{AlignedVec, Zeroable};
use crate::random::Random;
use crate::simd::Float;
use crate::{Error, Result};

pub use frozen::Frozen;
pub use gradients::Gradients;
pub use init::Init;
pub use matched::Matched;

/// The element types of parameters: `f32` and `f64`.
pub trait Element: Float + Zeroable {
    /// Rust's name of the type.
    const NAME: &'static str;
    /// Bytes of an element.
    const BYTES: usize = size_of::<Self>();
    /// Appends the bytes, little-endian.
    fn write_le(self, bytes: &mut Vec<u8>);
    /// From `BYTES` bytes, little-endian; of fewer, 0.
    fn read_le(bytes: &[u8]) -> Self;
}

macro_rules! element {
    ($($float:ident),*) => {$(
        impl Element for $float {
            const NAME: &'static str = stringify!($float);

            fn write_le(self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_le_bytes());
            }

            fn read_le(bytes: &[u8]) -> Self {
                bytes.try_into().map_or(0.0, Self::from_le_bytes)
            }
        }
    )*};
}

element!(f32, f64);

/// One parameter, in its public layout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParamInfo {
    /// `hidden.weight`.
    pub name: &'static str,
    /// Its axes, row-major.
    pub shape: &'static [usize],
    /// Where it starts in the block, in elements.
    pub offset: usize,
    /// How it starts.
    pub init: Init,
    /// Whether the optimiser changes it.
    pub trainable: bool,
}

impl ParamInfo {
    /// How many elements.
    pub const fn elements(&self) -> usize {
        let mut product = 1;
        let mut axis = 0;
        while axis < self.shape.len() {
            product *= self.shape[axis];
            axis += 1;
        }
        product
    }

    fn range(&self) -> std::ops::Range<usize> {
        self.offset..self.offset + self.elements()
    }
}

/// The values of all parameters.
#[derive(Clone, Debug)]
pub struct Params<E: Element> {
    infos: &'static [ParamInfo],
    block: AlignedVec<E>,
}

impl<E: Element> Params<E> {
    /// A block of `len` elements, each parameter initialised as it says. Its random numbers depend on the seed and
    /// its name alone, so a layer more or less leaves the others' as they are.
    ///
    /// # Panics
    /// If a parameter does not fit into the block.
    pub fn new(infos: &'static [ParamInfo], len: usize, seed: u64) -> Self {
        let mut block = AlignedVec::new(len);
        for info in infos {
            let random = &mut Random::new(seed, hash(info.name));
            info.init.fill(info.shape, random, &mut block[info.range()]);
        }
        Self { infos, block }
    }

    /// What the parameters are.
    pub fn infos(&self) -> &'static [ParamInfo] {
        self.infos
    }

    /// All parameters in order of declaration: name and values.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'static str, ArrayViewD<'_, E>)> {
        self.infos.iter().map(|info| (info.name, self.view(info)))
    }

    /// A parameter's values.
    pub fn get(&self, name: &str) -> Option<ArrayViewD<'_, E>> {
        self.infos.iter().find(|info| info.name == name).map(|info| self.view(info))
    }

    /// Gives a parameter other values.
    ///
    /// # Errors
    /// No such parameter, or values of another shape.
    pub fn set(&mut self, name: &str, values: ArrayViewD<'_, E>) -> Result<()> {
        let Some(info) = self.infos.iter().find(|info| info.name == name) else {
            let known = self.infos.iter().map(|info| info.name.to_owned()).collect();
            return Err(Error::UnknownParameter { name: name.to_owned(), known });
        };
        if values.shape() != info.shape {
            let (expected, found) = (info.shape.to_vec(), values.shape().to_vec());
            return Err(Error::ParameterShape { name: name.to_owned(), expected, found });
        }
        for (to, from) in self.block[info.range()].iter_mut().zip(values) {
            *to = *from;
        }
        Ok(())
    }

    /// The block that holds them all.
    pub fn block(&self) -> &[E] {
        &self.block
    }

    /// The block that holds them all.
    pub fn block_mut(&mut self) -> &mut [E] {
        &mut self.block
    }

    /// Gives those that train the values of another block of the same layout.
    pub fn set_trainable(&mut self, block: &[E]) {
        for info in self.infos.iter().filter(|info| info.trainable) {
            self.block[info.range()].copy_from_slice(&block[info.range()]);
        }
    }

    /// The block's first element.
    pub fn as_ptr(&self) -> *const E {
        self.block.as_ptr()
    }

    /// The block's first element, to write.
    pub fn as_mut_ptr(&mut self) -> *mut E {
        self.block.as_mut_ptr()
    }

    fn view(&self, info: &ParamInfo) -> ArrayViewD<'_, E> {
        ArrayViewD::from_shape(IxDyn(info.shape), &self.block[info.range()])
            .expect("the range has as many elements as the shape")
    }
}

/// `load` and `save` of a generated model: its macro can't see which features this crate is built with.
/// (Without the `fn`, a private type's visibility would not match.)
#[cfg(feature = "safetensors")]
#[doc(hidden)]
#[macro_export]
macro_rules! weight_files {
    ($visibility:vis fn) => {
        /// Parameters from a safetensors file.
        ///
        /// # Errors
        /// If the file cannot be read, or its names, shapes or element type are not this network's.
        $visibility fn load(path: impl AsRef<::std::path::Path>) -> $crate::Result<Self> {
            Ok(Self { params: $crate::Params::load(Self::INFOS, Self::LEN, path)? })
        }

        /// Takes from a safetensors file what has a parameter's name, shape and element type, leaves the rest as it is,
        /// and says what it did.
        ///
        /// # Errors
        /// If the file cannot be read or is no safetensors file.
        $visibility fn load_matching(
            &mut self,
            path: impl AsRef<::std::path::Path>,
        ) -> $crate::Result<$crate::params::Matched> {
            self.params.load_matching(path)
        }

        /// Writes the parameters to a safetensors file, in their public layout.
        ///
        /// # Errors
        /// If the file cannot be written.
        $visibility fn save(&self, path: impl AsRef<::std::path::Path>) -> $crate::Result<()> {
            self.params.save(path)
        }
    };
}

/// Without the feature there is neither.
#[cfg(not(feature = "safetensors"))]
#[doc(hidden)]
#[macro_export]
macro_rules! weight_files {
    ($visibility:vis fn) => {};
}

/// FNV-1a (G. Fowler, L. Noll, K.-P. Vo).
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayD;

    use super::*;

    const fn info(name: &'static str, shape: &'static [usize], offset: usize, init: Init) -> ParamInfo {
        ParamInfo { name, shape, offset, init, trainable: true }
    }

    static INFOS: [ParamInfo; 3] = [
        info("a.weight", &[2, 3], 0, Init::GlorotUniform),
        info("a.bias", &[3], 16, Init::Ones),
        info("scale", &[], 32, Init::Constant(0.5)),
    ];
    static FEWER: [ParamInfo; 1] = [info("a.weight", &[2, 3], 8, Init::GlorotUniform)];

    #[test]
    fn values_by_name_and_in_order() {
        let mut params = Params::<f32>::new(&INFOS, 48, 1);
        let names: Vec<_> = params.iter().map(|(name, values)| (name, values.shape().to_vec())).collect();
        assert_eq!(names, [("a.weight", vec![2, 3]), ("a.bias", vec![3]), ("scale", vec![])]);
        let scale = ArrayD::from_elem(vec![], 2.0);
        params.set("scale", scale.view()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(params.get("scale"), Some(scale.view()));
        assert_eq!(params.block()[32], 2.0);
        assert_eq!(params.block()[6..16], [0.0; 10]);
        // Also where the values lie in another order.
        let columns = ArrayD::from_shape_fn(vec![3, 2], |index| (index[0] * 2 + index[1]) as f32);
        assert!(params.set("a.weight", columns.t()).is_ok());
        assert_eq!(params.block()[..6], [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let mut params = Params::<f64>::new(&INFOS, 48, 1);
        let values = ArrayD::zeros(vec![3, 2]);
        let message = |result: Result<()>| result.err().map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(
            message(params.set("b.weight", values.view())),
            "there is no parameter `b.weight`; there are `a.weight`, `a.bias`, `scale`"
        );
        assert_eq!(message(params.set("a.weight", values.view())), "`a.weight` has shape [2, 3], not [3, 2]");
        assert!(params.get("b").is_none());
    }

    #[test]
    fn random_numbers_depend_on_seed_and_name_alone() {
        let params = |infos, seed| Params::<f32>::new(infos, 48, seed);
        assert_eq!(params(&INFOS, 7).get("a.weight"), params(&FEWER, 7).get("a.weight"));
        assert_ne!(params(&INFOS, 7).get("a.weight"), params(&INFOS, 8).get("a.weight"));
    }
}

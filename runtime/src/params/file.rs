//! Parameters in files: safetensors, names as in the network, public layouts.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use safetensors::tensor::{Dtype, SafeTensors, View, serialize};

use super::{Element, ParamInfo, Params};
use crate::{Error, Result};

/// A parameter as safetensors wants to see it.
struct Tensor<'a, E> {
    shape: &'a [usize],
    values: &'a [E],
}

impl<E: Element> View for Tensor<'_, E> {
    fn dtype(&self) -> Dtype {
        dtype::<E>()
    }

    fn shape(&self) -> &[usize] {
        self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let mut bytes = Vec::with_capacity(self.data_len());
        for &value in self.values {
            value.write_le(&mut bytes);
        }
        Cow::Owned(bytes)
    }

    fn data_len(&self) -> usize {
        self.values.len() * E::BYTES
    }
}

fn dtype<E: Element>() -> Dtype {
    if E::BYTES == 8 { Dtype::F64 } else { Dtype::F32 }
}

impl<E: Element> Params<E> {
    /// Writes a safetensors file. What was there before stays whole until the new file is complete.
    ///
    /// # Errors
    /// The operating system's, with the path.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let bytes = self.to_bytes().map_err(|error| error.in_file(path))?;
        replace(path, &bytes).map_err(|error| Error::from(error).in_file(path))
    }

    /// Reads a safetensors file that has exactly these parameters.
    ///
    /// # Errors
    /// Names the file and what in it is other than the network's: names, shapes, element type.
    pub fn load(infos: &'static [ParamInfo], len: usize, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|error| Error::from(error).in_file(path))?;
        Self::from_bytes(infos, len, &bytes).map_err(|error| error.in_file(path))
    }

    /// The contents of a safetensors file.
    ///
    /// # Errors
    /// If names and shapes are more than the format's header may hold.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let tensors = self.infos.iter().map(|info| {
            let values = &self.block[info.range()];
            (info.name, Tensor { shape: info.shape, values })
        });
        serialize(tensors, None).map_err(not_safetensors)
    }

    /// From the contents of a safetensors file.
    ///
    /// # Errors
    /// As for `load`.
    pub fn from_bytes(infos: &'static [ParamInfo], len: usize, bytes: &[u8]) -> Result<Self> {
        let tensors = SafeTensors::deserialize(bytes).map_err(not_safetensors)?;
        check_names(infos, &tensors.names())?;
        let mut params = Self { infos, block: crate::AlignedVec::new(len) };
        for info in infos {
            let tensor = tensors.tensor(info.name).map_err(not_safetensors)?;
            if tensor.shape() != info.shape {
                let (expected, found) = (info.shape.to_vec(), tensor.shape().to_vec());
                return Err(Error::ParameterShape { name: info.name.to_owned(), expected, found });
            }
            if tensor.dtype() != dtype::<E>() {
                let found = tensor.dtype().to_string().to_lowercase();
                return Err(Error::ParameterType { name: info.name.to_owned(), expected: E::NAME.to_owned(), found });
            }
            let values = tensor.data().chunks_exact(E::BYTES).map(E::read_le);
            for (to, from) in params.block[info.range()].iter_mut().zip(values) {
                *to = from;
            }
        }
        Ok(params)
    }
}

fn not_safetensors(error: impl ToString) -> Error {
    Error::NotSafetensors { reason: error.to_string() }
}

fn check_names(infos: &[ParamInfo], found: &[&str]) -> Result<()> {
    let missing: Vec<String> =
        infos.iter().map(|info| info.name).filter(|name| !found.contains(name)).map(str::to_owned).collect();
    let mut unexpected: Vec<String> = found
        .iter()
        .filter(|name| !infos.iter().any(|info| info.name == **name))
        .map(|name| (*name).to_owned())
        .collect();
    unexpected.sort_unstable();
    if missing.is_empty() && unexpected.is_empty() {
        return Ok(());
    }
    Err(Error::ParameterNames { missing, unexpected })
}

/// Writes beside the file and renames over it, so that no reader and no crash sees half of it.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    // Through a link to the file behind it, which a rename would otherwise replace by a file.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"));
    };
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}-{}.tmp", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    let beside = path.with_file_name(beside);
    let written = File::create_new(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let renamed = written.and_then(|()| fs::rename(&beside, &path));
    if renamed.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&beside);
    }
    renamed
}

#[cfg(test)]
mod tests {
    use super::super::Init;
    use super::*;
    use crate::directory::Directory;

    static INFOS: [ParamInfo; 2] = [info("a.weight", &[2, 3], 0), info("a.bias", &[3], 16)];
    static OTHER_NAMES: [ParamInfo; 2] = [info("a.weight", &[2, 3], 0), info("b.bias", &[3], 16)];
    static OTHER_SHAPE: [ParamInfo; 2] = [info("a.weight", &[3, 2], 0), info("a.bias", &[3], 16)];

    const fn info(name: &'static str, shape: &'static [usize], offset: usize) -> ParamInfo {
        ParamInfo { name, shape, offset, init: Init::Normal(0.0, 1.0), trainable: true }
    }

    fn round_trip<E: Element>(directory: &Directory) {
        let path = directory.0.join(E::NAME);
        let params = Params::<E>::new(&INFOS, 32, 5);
        for _ in 0..2 {
            assert!(params.save(&path).is_ok());
        }
        let loaded = Params::<E>::load(&INFOS, 32, &path).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(loaded.block(), params.block());
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let directory = Directory::new("params-round-trip");
        round_trip::<f32>(&directory);
        round_trip::<f64>(&directory);
        let files = fs::read_dir(&directory.0).map(Iterator::count);
        assert_eq!(files.ok(), Some(2), "a temporary file was left behind");
    }

    fn message<T>(result: Result<T>) -> String {
        result.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn what_is_wrong_is_named() {
        let bytes = Params::<f32>::new(&INFOS, 32, 5).to_bytes().unwrap_or_default();
        let load = |infos, bytes: &[u8]| message(Params::<f32>::from_bytes(infos, 32, bytes));
        assert_eq!(
            load(&OTHER_NAMES, &bytes),
            "the parameters are not this network's: missing `b.bias` unexpected `a.bias`"
        );
        assert_eq!(load(&OTHER_SHAPE, &bytes), "`a.weight` has shape [3, 2], not [2, 3]");
        assert_eq!(
            message(Params::<f64>::from_bytes(&INFOS, 32, &bytes)),
            "`a.weight` has elements of type f64, not f32"
        );
        for end in 0..bytes.len() {
            assert!(load(&INFOS, &bytes[..end]).starts_with("not a safetensors file: "), "{end} bytes");
        }
    }

    #[test]
    fn paths_are_named() {
        let directory = Directory::new("params-paths");
        let path = directory.0.join("none").join("model.safetensors");
        let params = Params::<f32>::new(&INFOS, 32, 5);
        for text in [message(params.save(&path)), message(Params::<f32>::load(&INFOS, 32, &path))] {
            assert!(text.starts_with(&format!("{}: ", path.display())), "{text}");
        }
        assert!(!message(params.save(&directory.0)).is_empty());
        assert_eq!(fs::read_dir(&directory.0).map(Iterator::count).ok(), Some(0));
    }
}

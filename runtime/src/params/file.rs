//! Parameters in files: safetensors, names as in the network, public layouts.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use safetensors::tensor::{Dtype, SafeTensors, TensorView, View, serialize};

use super::{Element, Matched, ParamInfo, Params};
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
        self.save_with(path, None)
    }

    /// Writes a safetensors file with something more than the parameters.
    pub(crate) fn save_with(&self, path: impl AsRef<Path>, extra: Option<&Extra<'_, E>>) -> Result<()> {
        let path = path.as_ref();
        let bytes = self.bytes_with(extra).map_err(|error| error.in_file(path))?;
        replace(path, &bytes).map_err(|error| Error::from(error).in_file(path))
    }

    /// Reads a safetensors file that has exactly these parameters: a weight file or a checkpoint.
    ///
    /// # Errors
    /// Names the file and what in it is other than the network's: names, shapes, element type, length.
    pub fn load(infos: &'static [ParamInfo], len: usize, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Contents::read(path)?.params(infos, len).map_err(|error| error.in_file(path))
    }

    /// Takes from a safetensors file what has a parameter's name, shape and element type, and leaves the rest as it is.
    ///
    /// # Errors
    /// If the file cannot be read or is no safetensors file.
    pub fn load_matching(&mut self, path: impl AsRef<Path>) -> Result<Matched> {
        let path = path.as_ref();
        let contents = Contents::read(path)?;
        self.take_matching(&contents).map_err(|error| error.in_file(path))
    }

    fn take_matching(&mut self, contents: &Contents) -> Result<Matched> {
        let tensors = contents.tensors()?;
        let mut matched = Matched::default();
        for info in self.infos {
            let name = info.name.to_owned();
            let Ok(tensor) = tensors.tensor(info.name) else {
                matched.missing.push(name);
                continue;
            };
            match fill(info, &tensor, &mut self.block[info.range()]) {
                Ok(()) => matched.taken.push(name),
                Err(error) => matched.refused.push(error),
            }
        }
        let known = |name: &&str| self.infos.iter().any(|info| info.name == *name) || is_extra(name);
        matched.unused = tensors.names().into_iter().filter(|name| !known(name)).map(str::to_owned).collect();
        matched.unused.sort_unstable();
        Ok(matched)
    }

    /// The contents of a safetensors file.
    ///
    /// # Errors
    /// If names and shapes are more than the format's header may hold.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.bytes_with(None)
    }

    fn bytes_with(&self, extra: Option<&Extra<'_, E>>) -> Result<Vec<u8>> {
        let shapes = extra.map(|extra| [extra.values.len()]);
        let more =
            extra.zip(shapes.as_ref()).map(|(extra, shape)| (extra.name, Tensor { shape, values: extra.values }));
        let tensors = self.infos.iter().map(|info| {
            let values = &self.block[info.range()];
            (info.name, Tensor { shape: info.shape, values })
        });
        let metadata = extra.map(|extra| [(extra.metadata.0.to_owned(), extra.metadata.1.to_owned())].into());
        serialize(tensors.chain(more), metadata).map_err(not_safetensors)
    }

    /// From the contents of a safetensors file.
    ///
    /// # Errors
    /// As for `load`.
    pub fn from_bytes(infos: &'static [ParamInfo], len: usize, bytes: &[u8]) -> Result<Self> {
        Self::from_tensors(infos, len, &deserialize(bytes)?)
    }

    fn from_tensors(infos: &'static [ParamInfo], len: usize, tensors: &SafeTensors<'_>) -> Result<Self> {
        check_names(infos, &tensors.names())?;
        let mut params = Self { infos, block: crate::AlignedVec::new(len) };
        for info in infos {
            let tensor = tensors.tensor(info.name).map_err(not_safetensors)?;
            fill(info, &tensor, &mut params.block[info.range()])?;
        }
        Ok(params)
    }
}

/// Reads a parameter's values, if shape and type are its.
fn fill<E: Element>(info: &ParamInfo, tensor: &TensorView<'_>, to: &mut [E]) -> Result<()> {
    if tensor.shape() != info.shape {
        let (expected, found) = (info.shape.to_vec(), tensor.shape().to_vec());
        return Err(Error::ParameterShape { name: info.name.to_owned(), expected, found });
    }
    let values = values::<E>(info.name, tensor)?;
    for (to, from) in to.iter_mut().zip(values) {
        *to = from;
    }
    Ok(())
}

fn values<'a, E: Element>(name: &str, tensor: &'a TensorView<'_>) -> Result<impl Iterator<Item = E> + 'a> {
    if tensor.dtype() != dtype::<E>() {
        let found = tensor.dtype().to_string().to_lowercase();
        return Err(Error::ParameterType { name: name.to_owned(), expected: E::NAME.to_owned(), found });
    }
    Ok(tensor.data().chunks_exact(E::BYTES).map(E::read_le))
}

/// What a file has beside parameters.
pub(crate) struct Extra<'a, E> {
    /// A tensor's name, with a colon.
    pub(crate) name: &'a str,
    /// Its values.
    pub(crate) values: &'a [E],
    /// An entry of the file's metadata.
    pub(crate) metadata: (&'a str, &'a str),
}

/// A tensor that is no parameter.
fn is_extra(name: &str) -> bool {
    name.starts_with("kiln:")
}

/// A file that has been read.
pub(crate) struct Contents(Vec<u8>);

impl Contents {
    /// Reads a file; errors name it.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        fs::read(path).map(Self).map_err(|error| Error::from(error).in_file(path))
    }

    fn tensors(&self) -> Result<SafeTensors<'_>> {
        deserialize(&self.0)
    }

    /// The parameters, which must be exactly these.
    pub(crate) fn params<E: Element>(&self, infos: &'static [ParamInfo], len: usize) -> Result<Params<E>> {
        Params::from_tensors(infos, len, &self.tensors()?)
    }

    /// An entry of the metadata.
    pub(crate) fn metadata(&self, key: &str) -> Result<Option<String>> {
        self.tensors()?;
        let (_, metadata) = SafeTensors::read_metadata(&self.0).map_err(not_safetensors)?;
        Ok(metadata.metadata().as_ref().and_then(|entries| entries.get(key).cloned()))
    }

    /// A tensor that is no parameter.
    pub(crate) fn extra<E: Element>(&self, name: &str) -> Result<Vec<E>> {
        let tensors = self.tensors()?;
        let tensor = tensors.tensor(name).map_err(not_safetensors)?;
        Ok(values(name, &tensor)?.collect())
    }
}

/// Reads a file's header; of one that is too short or too long, says by how much.
fn deserialize(bytes: &[u8]) -> Result<SafeTensors<'_>> {
    SafeTensors::deserialize(bytes).map_err(|error| match announced(bytes) {
        Some(expected) if expected != bytes.len() as u64 => Error::FileLength { expected, found: bytes.len() as u64 },
        _ => not_safetensors(error),
    })
}

/// How many bytes a file's header announces: 8, then the header, then up to the last tensor's end. Nothing where there
/// is no such header.
fn announced(bytes: &[u8]) -> Option<u64> {
    // The format's own limit; a larger number is no length.
    const LONGEST: u64 = 100_000_000;
    let length = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?);
    if length > LONGEST || bytes.get(8).is_some_and(|&first| first != b'{') {
        return None;
    }
    let Some(header) = bytes.get(8..8 + length as usize) else { return Some(8 + length) };
    let text = std::str::from_utf8(header).ok()?;
    let ends = text.split("\"data_offsets\"").skip(1).filter_map(|rest| {
        let (_, rest) = rest.split_once(',')?;
        rest.split(']').next()?.trim().parse::<u64>().ok()
    });
    Some(8 + length + ends.max().unwrap_or(0))
}

fn not_safetensors(error: impl ToString) -> Error {
    Error::NotSafetensors { reason: error.to_string() }
}

fn check_names(infos: &[ParamInfo], found: &[&str]) -> Result<()> {
    let missing: Vec<String> =
        infos.iter().map(|info| info.name).filter(|name| !found.contains(name)).map(str::to_owned).collect();
    let mut unexpected: Vec<String> = found
        .iter()
        .filter(|name| !is_extra(name) && !infos.iter().any(|info| info.name == **name))
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
            let found = load(&INFOS, &bytes[..end]);
            let prefix =
                if end < 8 { "not a safetensors file: " } else { "truncated or damaged: the header announces " };
            assert!(found.starts_with(prefix), "{end} bytes: {found}");
        }
    }

    #[test]
    fn files_of_another_length_are_measured() {
        let mut bytes = Params::<f32>::new(&INFOS, 32, 5).to_bytes().unwrap_or_default();
        let (load, whole) = (|bytes: &[u8]| message(Params::<f32>::from_bytes(&INFOS, 32, bytes)), bytes.len());
        bytes.push(0);
        let expected = format!("the header announces {whole} bytes, but the file has {}", whole + 1);
        assert_eq!(load(&bytes), format!("truncated or damaged: {expected}"));
        assert!(load(&bytes[..whole - 3]).ends_with(&format!("{whole} bytes, but the file has {}", whole - 3)));
    }

    #[test]
    fn what_matches_is_taken() {
        let directory = Directory::new("params-matching");
        let path = directory.0.join("model");
        let source = Params::<f32>::new(&INFOS, 32, 5);
        assert!(source.save(&path).is_ok());
        let mut other = Params::<f32>::new(&OTHER_NAMES, 32, 6);
        let matched = other.load_matching(&path).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(matched.to_string(), "took `a.weight`; missing `b.bias`; unused `a.bias`");
        assert_eq!(other.get("a.weight"), source.get("a.weight"));
        let mut other = Params::<f32>::new(&OTHER_SHAPE, 32, 6);
        let before = other.get("a.weight").map(|values| values.to_owned());
        let matched = other.load_matching(&path).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(matched.to_string(), "took `a.bias`; refused: `a.weight` has shape [3, 2], not [2, 3]");
        assert_eq!(other.get("a.weight").map(|values| values.to_owned()), before);
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

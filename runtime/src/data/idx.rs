//! IDX files, gzipped or not: the format of the MNIST database (Y. LeCun, C. Cortes, C. Burges).

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::{Error, Result};

/// Grey images, all of one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// How many.
    pub count: usize,
    /// Pixels down and across.
    pub size: [usize; 2],
    /// `count` images, row by row; 255 is ink.
    pub pixels: Vec<u8>,
}

/// The first four bytes: unsigned bytes (8) along three axes, and along one.
const IMAGES: u32 = 0x0803;
const LABELS: u32 = 0x0801;

/// Reads an IDX file of images.
///
/// # Errors
/// Names the file, and what was expected and found: wrong magic number, truncated, too long.
pub fn read_images(path: impl AsRef<Path>) -> Result<Images> {
    read(path.as_ref(), |source| {
        let ([count, height, width], pixels) = parse(source, "images", IMAGES)?;
        Ok(Images { count, size: [height, width], pixels })
    })
}

/// Reads an IDX file of labels, each below `classes`.
///
/// # Errors
/// As [`read_images`], and the first label that is too large.
pub fn read_labels(path: impl AsRef<Path>, classes: u32) -> Result<Vec<u32>> {
    read(path.as_ref(), |source| {
        let ([_], labels) = parse(source, "labels", LABELS)?;
        if let Some(position) = labels.iter().position(|&label| u32::from(label) >= classes) {
            return Err(Error::LabelOutOfRange { position, found: labels[position].into(), classes });
        }
        Ok(labels.into_iter().map(u32::from).collect())
    })
}

/// Opens a file, unpacks it if its first bytes say that it is gzipped, and names it in errors.
fn read<T>(path: &Path, parse: impl FnOnce(&mut dyn Read) -> Result<T>) -> Result<T> {
    let open = || {
        let mut file = BufReader::new(File::open(path)?);
        let gzipped = file.fill_buf()?.starts_with(&[0x1f, 0x8b]);
        Ok::<_, io::Error>((file, gzipped))
    };
    open()
        .map_err(Error::from)
        .and_then(|(mut file, gzipped)| if gzipped { parse(&mut MultiGzDecoder::new(file)) } else { parse(&mut file) })
        .map_err(|error| error.in_file(path))
}

/// The lengths of the axes, and the bytes.
fn parse<const AXES: usize>(source: &mut dyn Read, what: &'static str, magic: u32) -> Result<([usize; AXES], Vec<u8>)> {
    let bytes = 4 * (AXES + 1);
    let header = read_at_most(source, bytes as u64)?;
    let words: Vec<u32> =
        header.chunks_exact(4).map(|word| word.iter().fold(0, |all, &byte| all << 8 | u32::from(byte))).collect();
    match words.first() {
        Some(&found) if found != magic => return Err(Error::Magic { what, expected: magic, found }),
        _ if header.len() < bytes => return Err(Error::TruncatedHeader { expected: bytes, found: header.len() }),
        _ => {}
    }
    let axes: [usize; AXES] = std::array::from_fn(|axis| words[axis + 1] as usize);
    let expected = axes.iter().fold(1_u64, |all, &axis| all.saturating_mul(axis as u64));
    // The header may announce anything, so memory grows with what is really there.
    let data = read_at_most(source, expected.saturating_add(1))?;
    match (data.len() as u64).cmp(&expected) {
        std::cmp::Ordering::Less => Err(Error::Truncated { expected, found: data.len() as u64 }),
        std::cmp::Ordering::Greater => Err(Error::TooLong { expected }),
        std::cmp::Ordering::Equal => Ok((axes, data)),
    }
}

/// Reads up to a limit, less where the file ends, be it in the middle of a gzip member.
fn read_at_most(source: &mut dyn Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut data = Vec::new();
    match source.take(limit).read_to_end(&mut data) {
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => Err(error),
        _ => Ok(data),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;
    use std::io::Write;
    use std::path::PathBuf;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::directory::Directory;

    pub(in super::super) fn write(directory: &Directory, name: &str, bytes: &[u8]) -> PathBuf {
        let path = directory.0.join(name);
        fs::write(&path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path
    }

    pub(in super::super) fn idx(axes: &[u32], data: impl IntoIterator<Item = u8>) -> Vec<u8> {
        let header = [0x0800 + axes.len() as u32];
        header.iter().chain(axes).flat_map(|word| word.to_be_bytes()).chain(data).collect()
    }

    pub(in super::super) fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default()
    }

    fn message<T>(result: Result<T>, path: &Path) -> String {
        let text = result.err().map(|error| error.to_string()).unwrap_or_default();
        text.strip_prefix(&format!("{}: ", path.display())).map(str::to_owned).unwrap_or(text)
    }

    #[test]
    fn gzipped_or_not() {
        let directory = Directory::new("idx");
        let images = idx(&[2, 2, 3], 0..12);
        let labels = idx(&[4], [3, 0, 9, 1]);
        let expected = Images { count: 2, size: [2, 3], pixels: (0..12).collect() };
        for (name, images, labels) in [("plain", images.clone(), labels.clone()), ("gz", gzip(&images), gzip(&labels))]
        {
            let path = write(&directory, name, &images);
            assert_eq!(read_images(&path).ok(), Some(expected.clone()), "{name}");
            let path = write(&directory, name, &labels);
            assert_eq!(read_labels(&path, 10).ok(), Some(vec![3, 0, 9, 1]), "{name}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let directory = Directory::new("idx-errors");
        let images = |bytes: &[u8]| {
            let path = write(&directory, "images", bytes);
            message(read_images(&path), &path)
        };
        let labels = |bytes: &[u8]| {
            let path = write(&directory, "labels", bytes);
            message(read_labels(&path, 10), &path)
        };
        let whole = idx(&[2, 2, 3], 0..12);
        assert_eq!(images(&idx(&[1], [0])), "not an IDX file of images: it starts with 0x00000801, not 0x00000803");
        assert_eq!(labels(&whole), "not an IDX file of labels: it starts with 0x00000803, not 0x00000801");
        assert_eq!(images(b""), "truncated: the header takes 16 bytes, but the file has only 0");
        assert_eq!(images(&whole[..15]), "truncated: the header takes 16 bytes, but the file has only 15");
        assert_eq!(images(&whole[..27]), "truncated: 12 bytes should follow the header, but only 11 do");
        assert_eq!(images(&[&whole[..], &[0]].concat()), "more than the 12 bytes that the header announces");
        let huge = idx(&[u32::MAX; 3], [0]);
        assert!(images(&huge).starts_with("truncated: "), "{}", images(&huge));
        let packed = gzip(&whole);
        assert!(images(&packed[..packed.len() - 12]).starts_with("truncated: "));
        assert_eq!(labels(&idx(&[2], [9, 10])), "label 10 at position 1, but there are only 10 classes, from 0");
        let missing = directory.0.join("missing");
        assert!(read_images(&missing).is_err_and(|error| error.to_string().contains("missing: ")));
    }
}

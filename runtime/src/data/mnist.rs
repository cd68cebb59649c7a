//! The MNIST database of handwritten digits (Y. LeCun, C. Cortes, C. Burges), or any other of its form.

use std::path::{Path, PathBuf};

use super::{Dataset, read_images, read_labels};
use crate::{Error, Result};

/// Images of 28×28 pixels between 0 and 1, and their digits.
#[derive(Clone, Debug)]
pub struct Mnist {
    /// To train on.
    pub train: Dataset,
    /// To test on.
    pub test: Dataset,
}

const SIZE: [usize; 2] = [28, 28];

/// Reads the files of MNIST in a directory, gzipped or not.
///
/// With all four files the train files train and the t10k files test. Where only the t10k files are, their first four
/// fifths train (8,000 images) and the others test (2,000).
///
/// # Errors
/// Names the file, and what was expected and found in it, or the files that are missing.
pub fn mnist(directory: impl AsRef<Path>) -> Result<Mnist> {
    let directory = directory.as_ref();
    let train = find(directory, "train")?;
    let test = find(directory, "t10k")?;
    match (train, test) {
        (Some(train), Some(test)) => Ok(Mnist { train: read(train)?, test: read(test)? }),
        (None, Some(files)) => {
            let all = read(files)?;
            let rows = all.rows() / 5 * 4;
            all.split(rows).map(|(train, test)| Mnist { train, test })
        }
        (_, None) => Err(Error::NoData { expected: names("t10k").to_vec() }.in_file(directory)),
    }
}

/// The paths of a pair of files, `None` where neither is there.
fn find(directory: &Path, set: &str) -> Result<Option<[PathBuf; 2]>> {
    let names = names(set);
    let [images, labels] = names.each_ref().map(|name| {
        let plain = directory.join(name);
        let packed = directory.join(format!("{name}.gz"));
        [plain, packed].into_iter().find(|path| path.is_file())
    });
    match (images, labels) {
        (Some(images), Some(labels)) => Ok(Some([images, labels])),
        (None, None) => Ok(None),
        (images, _) => {
            let [of_images, of_labels] = names;
            let missing = if images.is_some() { of_labels } else { of_images };
            Err(Error::NoData { expected: vec![missing] }.in_file(directory))
        }
    }
}

fn names(set: &str) -> [String; 2] {
    [format!("{set}-images-idx3-ubyte"), format!("{set}-labels-idx1-ubyte")]
}

fn read([images_path, labels_path]: [PathBuf; 2]) -> Result<Dataset> {
    let images = read_images(&images_path)?;
    if images.size != SIZE {
        return Err(Error::ImageSize { expected: SIZE, found: images.size }.in_file(images_path));
    }
    let labels = read_labels(&labels_path, 10)?;
    let x = images.pixels.iter().map(|&pixel| f32::from(pixel) / 255.0).collect();
    Dataset::new(SIZE[0] * SIZE[1], x, labels).map_err(|error| error.in_file(labels_path))
}

#[cfg(test)]
mod tests {
    use super::super::idx::tests::{gzip, idx, write};
    use super::*;
    use crate::directory::Directory;

    fn images(count: u32, size: u32) -> Vec<u8> {
        idx(&[count, size, size], (0..count).flat_map(|image| vec![image as u8; (size * size) as usize]))
    }

    fn labels(count: u32) -> Vec<u8> {
        idx(&[count], (0..count).map(|label| label as u8 % 10))
    }

    fn message(directory: &Directory) -> String {
        let text = mnist(&directory.0).err().map(|error| error.to_string()).unwrap_or_default();
        text.replace(&directory.0.display().to_string(), "DIR").replace(std::path::MAIN_SEPARATOR, "/")
    }

    #[test]
    fn a_part_or_all_of_it() {
        let directory = Directory::new("mnist");
        write(&directory, "t10k-images-idx3-ubyte.gz", &gzip(&images(10, 28)));
        write(&directory, "t10k-labels-idx1-ubyte", &labels(10));
        let part = mnist(&directory.0).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((part.train.rows(), part.test.rows()), (8, 2));
        assert_eq!(part.test.labels(), [8, 9]);
        assert_eq!(part.test.x()[..784], [8.0 / 255.0; 784]);
        write(&directory, "train-images-idx3-ubyte", &images(20, 28));
        write(&directory, "train-labels-idx1-ubyte.gz", &gzip(&labels(20)));
        let all = mnist(&directory.0).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((all.train.rows(), all.test.rows()), (20, 10));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let directory = Directory::new("mnist-errors");
        assert_eq!(
            message(&directory),
            "DIR: no `t10k-images-idx3-ubyte`, `t10k-labels-idx1-ubyte` here, with or without .gz"
        );
        write(&directory, "t10k-images-idx3-ubyte", &images(10, 28));
        assert_eq!(message(&directory), "DIR: no `t10k-labels-idx1-ubyte` here, with or without .gz");
        write(&directory, "t10k-labels-idx1-ubyte", &labels(9));
        assert_eq!(message(&directory), "DIR/t10k-labels-idx1-ubyte: 10 examples, but 9 labels");
        write(&directory, "t10k-images-idx3-ubyte", &images(10, 27));
        assert_eq!(
            message(&directory),
            "DIR/t10k-images-idx3-ubyte: images of [27, 27] pixels, but [28, 28] are expected"
        );
    }
}

//! Parameters in files, as generated networks read and write them.

use std::fs;
use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use kiln::network;

network! {
    Net<batch = 2> {
        let image = input([6, 6, 2]);
        let features = image.conv2d(4, kernel = (3, 2), groups = 2).batch_norm().relu().flatten();
        let scale = param([80], init = ones);
        output(dense(features * scale, 3, name = "head"));
    }
}

network! {
    Wider<batch = 2> {
        let image = input([6, 6, 2]);
        let features = image.conv2d(4, kernel = (3, 2), groups = 2).batch_norm().relu().flatten();
        let scale = param([80], init = ones);
        output(dense(features * scale, 4, name = "head"));
    }
}

network! {
    Double<batch = 2, dtype = f64> {
        let image = input([6, 6, 2]);
        let features = image.conv2d(4, kernel = (3, 2), groups = 2).batch_norm().relu().flatten();
        let scale = param([80], init = ones);
        output(dense(features * scale, 3, name = "head"));
    }
}

network! {
    Other<batch = 2> {
        let image = input([80]);
        output(dense(image, 3, name = "head") + dense(image, 3, name = "more", bias = false));
    }
}

/// A directory that goes when the test ends.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("kiln-tests-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a temporary directory");
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The error of loading a network's file, without the directory.
    fn error<T>(&self, result: kiln::Result<T>) -> String {
        let error = result.err().expect("an error").to_string();
        error.replace(&format!("{}{}", self.0.display(), std::path::MAIN_SEPARATOR), "")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The description at the start of a safetensors file.
fn header(path: &Path) -> String {
    let bytes = fs::read(path).expect("the file");
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
    String::from_utf8(bytes[8..8 + length].to_vec()).expect("text")
}

#[test]
fn what_is_saved_is_loaded() {
    let directory = Directory::new("round-trip");
    let path = directory.file("net.safetensors");
    let net = Net::new(3);
    net.save(&path).expect("a file");
    let loaded = Net::load(&path).expect("the same network's file");
    let bits = |net: &Net| -> Vec<(&'static str, Vec<usize>, Vec<u32>)> {
        let one = |(name, values): (&'static str, kiln::ndarray::ArrayViewD<'_, f32>)| {
            (name, values.shape().to_vec(), values.iter().map(|x| x.to_bits()).collect())
        };
        net.parameters().map(one).collect()
    };
    assert_eq!(bits(&loaded), bits(&net));
    assert_ne!(bits(&loaded), bits(&Net::new(4)));
    let names: Vec<_> = bits(&net).into_iter().map(|(name, shape, _)| (name, shape)).collect();
    let expected = [
        ("features.0.weight", vec![3, 2, 1, 4]),
        ("features.0.bias", vec![4]),
        ("features.1.gamma", vec![4]),
        ("features.1.beta", vec![4]),
        ("features.1.moving_mean", vec![4]),
        ("features.1.moving_variance", vec![4]),
        ("scale", vec![80]),
        ("head.weight", vec![80, 3]),
        ("head.bias", vec![3]),
    ];
    assert_eq!(names, expected);
    let header = header(&path);
    for (name, shape) in expected {
        let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
        let entry = format!("\"{name}\":{{\"dtype\":\"F32\",\"shape\":[{}]", shape.join(","));
        assert!(header.contains(&entry), "{entry} in {header}");
    }
    // Over what is there, and beside nothing else.
    Net::new(5).save(&path).expect("a file");
    assert_eq!(bits(&Net::load(&path).expect("a file")), bits(&Net::new(5)));
    assert_eq!(fs::read_dir(&directory.0).expect("the directory").count(), 1);
}

#[test]
fn other_files_are_refused() {
    let directory = Directory::new("refused");
    let path = directory.file("m.safetensors");
    Other::new(1).save(&path).expect("a file");
    assert_snapshot!(directory.error(Net::load(&path)), @"m.safetensors: the parameters are not this network's: missing `features.0.weight`, `features.0.bias`, `features.1.gamma`, `features.1.beta`, `features.1.moving_mean`, `features.1.moving_variance`, `scale` unexpected `more.weight`");
    Wider::new(1).save(&path).expect("a file");
    assert_snapshot!(directory.error(Net::load(&path)), @"m.safetensors: `head.weight` has shape [80, 3], not [80, 4]");
    Double::new(1).save(&path).expect("a file");
    assert_snapshot!(directory.error(Net::load(&path)), @"m.safetensors: `features.0.weight` has elements of type f32, not f64");
    Net::new(1).save(&path).expect("a file");
    assert_snapshot!(directory.error(Double::load(&path)), @"m.safetensors: `features.0.weight` has elements of type f64, not f32");
    let whole = fs::read(&path).expect("the file");
    fs::write(&path, &whole[..whole.len() - 1]).expect("a file");
    assert_snapshot!(directory.error(Net::load(&path)), @"m.safetensors: truncated or damaged: the header announces 2132 bytes, but the file has 2131");
    fs::write(&path, &whole[..20]).expect("a file");
    assert_snapshot!(directory.error(Net::load(&path)), @"m.safetensors: truncated or damaged: the header announces 664 bytes, but the file has 20");
    fs::write(&path, "weights: all of them\n").expect("a file");
    assert_snapshot!(directory.error(Net::load(&path)), @"m.safetensors: not a safetensors file: header too large");
    fs::write(&path, "").expect("a file");
    assert_snapshot!(directory.error(Net::load(&path)), @"m.safetensors: not a safetensors file: header too small");
    assert!(directory.error(Net::load(directory.file("none"))).starts_with("none: "));
    assert!(directory.error(Net::load(&directory.0)).contains("refused"));
    assert!(directory.error(Net::new(1).save(directory.file("none").join("m"))).contains("none"));
}

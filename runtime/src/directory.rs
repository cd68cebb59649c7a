//! A place for the files of a test.

use std::fs;
use std::path::PathBuf;

/// A fresh directory, removed at the end.
pub(crate) struct Directory(pub(crate) PathBuf);

impl Directory {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("kiln-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What is left of it harms no other test.
        let _ = fs::remove_dir_all(&self.0);
    }
}

//! Comma-separated values: some numbers and a class per line.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::Path;

use super::Dataset;
use crate::{Error, Result};

/// What a CSV file holds: on every line `features` numbers, then a class below `classes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Csv {
    /// Numbers of a line.
    pub features: usize,
    /// How many classes there are.
    pub classes: u32,
    /// Whether the first line names the columns.
    pub header: bool,
}

impl Csv {
    /// Reads a file.
    ///
    /// # Errors
    /// Names the file, the line, and what is wrong with it.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Dataset> {
        let path = path.as_ref();
        let file = File::open(path).map_err(Error::from);
        file.and_then(|file| self.parse_from(BufReader::new(file))).map_err(|error| error.in_file(path))
    }

    /// Reads a text.
    ///
    /// # Errors
    /// Names the line and what is wrong with it.
    pub fn parse(&self, text: &str) -> Result<Dataset> {
        self.parse_from(text.as_bytes())
    }

    fn parse_from(&self, source: impl BufRead) -> Result<Dataset> {
        let (mut x, mut labels) = (Vec::new(), Vec::new());
        for (line, text) in (1..).zip(source.lines()) {
            let text = text.map_err(|error| match error.kind() {
                ErrorKind::InvalidData => Error::Line { line, reason: "not UTF-8 text".to_owned() },
                _ => Error::Io(error),
            })?;
            if text.trim().is_empty() || (self.header && line == 1) {
                continue;
            }
            labels.push(self.row(&text, &mut x).map_err(|reason| Error::Line { line, reason })?);
        }
        if labels.is_empty() {
            return Err(Error::Line { line: 1, reason: "the data has no rows".to_owned() });
        }
        Dataset::new(self.features, x, labels)
    }

    /// Appends a line's numbers and gives its class.
    fn row(&self, text: &str, x: &mut Vec<f32>) -> Result<u32, String> {
        // Numbers need no quotes, but some programs put them.
        let mut fields = text.split(',').map(|field| field.trim().trim_matches('"'));
        let (features, columns) = (self.features, fields.clone().count());
        if columns != features + 1 {
            return Err(format!("{columns} columns, but {features} numbers and a class are expected"));
        }
        for (column, field) in fields.by_ref().enumerate().take(features) {
            match field.parse::<f32>() {
                Ok(number) if number.is_finite() => x.push(number),
                _ => return Err(format!("column {}: `{field}` is not a finite number", column + 1)),
            }
        }
        let field = fields.next().unwrap_or_default();
        let class: u32 = field.parse().map_err(|_| format!("column {columns}: `{field}` is not a class"))?;
        if class >= self.classes {
            return Err(format!("column {columns}: class {class}, but there are only {}, from 0", self.classes));
        }
        Ok(class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: Csv = Csv { features: 2, classes: 3, header: false };

    fn message(csv: Csv, text: &str) -> String {
        csv.parse(text).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn numbers_and_classes() {
        let expected = Dataset::new(2, vec![1.0, 2.5, -3e2, 4.0], vec![0, 2]).ok();
        assert_eq!(CSV.parse("1, 2.5,0\n-3e2,\"4\",2\n").ok(), expected);
        assert_eq!(Csv { header: true, ..CSV }.parse("a,b,class\r\n1,2.5,0\r\n\r\n-3e2,4,2").ok(), expected);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        assert_eq!(message(CSV, "1,2,0\n1,2\n"), "line 2: 2 columns, but 2 numbers and a class are expected");
        assert_eq!(message(CSV, "1,2,0\n\n1,2,0,0\n"), "line 3: 4 columns, but 2 numbers and a class are expected");
        assert_eq!(message(CSV, "1,2,0\n1,x,0\n"), "line 2: column 2: `x` is not a finite number");
        assert_eq!(message(CSV, "NaN,2,0\n"), "line 1: column 1: `NaN` is not a finite number");
        assert_eq!(message(CSV, "1,2,-1\n"), "line 1: column 3: `-1` is not a class");
        assert_eq!(message(CSV, "1,2,3\n"), "line 1: column 3: class 3, but there are only 3, from 0");
        assert_eq!(message(CSV, ""), "line 1: the data has no rows");
        let latin1: &[u8] = b"1,2,0\n1,\xe9,0\n";
        let error = CSV.parse_from(latin1).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("line 2: not UTF-8 text"));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = CSV.read("no/such/file.csv").err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.starts_with("no/such/file.csv: "), "{error}");
    }
}

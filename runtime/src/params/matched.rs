//! What was taken from another network's file.

use std::fmt;

use crate::Error;

/// What `load_matching` did, by the parameters' names.
#[derive(Debug, Default)]
pub struct Matched {
    /// Parameters whose values are the file's now.
    pub taken: Vec<String>,
    /// Parameters that the file has not.
    pub missing: Vec<String>,
    /// Parameters that the file has in another shape or type.
    pub refused: Vec<Error>,
    /// What the file has and the network has not.
    pub unused: Vec<String>,
}

impl fmt::Display for Matched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let taken = if self.taken.is_empty() { "nothing".to_owned() } else { names(&self.taken) };
        write!(f, "took {taken}")?;
        for (title, names) in [("missing", names(&self.missing)), ("unused", names(&self.unused))] {
            if !names.is_empty() {
                write!(f, "; {title} {names}")?;
            }
        }
        if !self.refused.is_empty() {
            let reasons: Vec<String> = self.refused.iter().map(ToString::to_string).collect();
            write!(f, "; refused: {}", reasons.join(", "))?;
        }
        Ok(())
    }
}

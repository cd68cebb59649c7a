//! Errors in the user's terms. Every stage reports here; all of a build are shown at once.

use proc_macro2::{Span, TokenStream};

/// One mistake, on the smallest token that is wrong.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// Where.
    pub span: Span,
    /// What was expected and what was found.
    pub message: String,
    /// How it came about, one line each.
    pub notes: Vec<String>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error without notes.
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), notes: Vec::new(), help: None }
    }

    /// With one more note.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// With a help line.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The message as rustc is to show it, notes and help below.
    pub fn text(&self) -> String {
        let mut text = self.message.clone();
        for note in &self.notes {
            text += "\n  = note: ";
            text += note;
        }
        if let Some(help) = &self.help {
            text += "\n  = help: ";
            text += help;
        }
        text
    }
}

/// Collects every mistake of a build.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    errors: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds a mistake.
    pub fn push(&mut self, error: Diagnostic) {
        self.errors.push(error);
    }

    /// Whether anything went wrong.
    pub fn any(&self) -> bool {
        !self.errors.is_empty()
    }

    /// In the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.errors.iter()
    }

    /// `compile_error!`s, one for each.
    pub fn to_tokens(&self) -> TokenStream {
        self.errors.iter().map(|error| syn::Error::new(error.span, error.text()).to_compile_error()).collect()
    }
}

/// The name in `known` that `name` was probably meant to be.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Edits (insert, delete, replace, swap neighbours) between two words.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            table[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replace = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut best = replace.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(table[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    table[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_are_near_or_absent() {
        let known = ["conv2d", "dense", "dropout", "relu"];
        assert_eq!(did_you_mean("conv2", known), Some("conv2d"));
        assert_eq!(did_you_mean("desne", known), Some("dense"));
        assert_eq!(did_you_mean("attention", known), None);
    }
}

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

    /// The message as rustc is to show it, notes and help below. rustc indents them by the width of
    /// `error: `, so they stand where its own notes do.
    pub fn text(&self) -> String {
        let mut text = self.message.clone();
        for line in self.below() {
            text += "\n";
            text += &line;
        }
        text
    }

    /// Notes and help.
    fn below(&self) -> impl Iterator<Item = String> {
        let notes = self.notes.iter().map(|note| format!("= note: {note}"));
        notes.chain(self.help.iter().map(|help| format!("= help: {help}")))
    }

    /// The message with the line of source that it is about, in rustc's layout. `file` is what the
    /// tokens were read from, `source` its content.
    pub fn render(&self, file: &str, source: &str) -> String {
        let (start, end) = (self.span.start(), self.span.end());
        let line = source.lines().nth(start.line.saturating_sub(1)).unwrap_or_default();
        let last = if end.line == start.line { end.column } else { line.chars().count() };
        let marks = "^".repeat(last.saturating_sub(start.column).max(1));
        // Tabs stay tabs, so that the marks stand below their columns.
        let indent: String = line.chars().take(start.column).map(|c| if c == '\t' { c } else { ' ' }).collect();
        let number = start.line.to_string();
        let margin = " ".repeat(number.len());
        let mut out = format!("error: {}\n", self.message);
        out += &format!("{margin}--> {file}:{number}:{}\n", start.column + 1);
        out += &format!("{margin} |\n{number} | {line}\n{margin} | {indent}{marks}\n");
        for line in self.below() {
            out += &format!("{margin} {line}\n");
        }
        out
    }
}

/// Where a span starts, `src/main.rs:8`; `line 8` in text that is no file, `None` where nothing is known.
pub fn location(span: Span) -> Option<String> {
    let (file, line) = (span.file(), span.start().line);
    match (file.is_empty() || file.starts_with('<'), line) {
        (_, 0) => None,
        (true, line) => Some(format!("line {line}")),
        (false, line) => Some(format!("{file}:{line}")),
    }
}

/// Collects every mistake of a build.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    errors: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds a mistake. One that is found again, in another use of the same block, is the same mistake.
    pub fn push(&mut self, error: Diagnostic) {
        let known = |other: &Diagnostic| other.message == error.message && place(other.span) == place(error.span);
        if !self.errors.iter().any(known) {
            self.errors.push(error);
        }
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
        let error = |error: &Diagnostic| syn::Error::new(error.span, error.text()).to_compile_error();
        self.in_source_order().into_iter().map(error).collect()
    }

    /// All with their lines of source; see [`Diagnostic::render`].
    pub fn render(&self, file: &str, source: &str) -> String {
        let rendered: Vec<String> = self.in_source_order().iter().map(|error| error.render(file, source)).collect();
        rendered.join("\n")
    }

    /// The stages find mistakes in orders of their own; a user reads from top to bottom.
    fn in_source_order(&self) -> Vec<&Diagnostic> {
        let mut errors: Vec<&Diagnostic> = self.errors.iter().collect();
        errors.sort_by_key(|error| place(error.span));
        errors
    }
}

/// Compares as the source does.
fn place(span: Span) -> (String, usize, usize, usize, usize) {
    let (start, end) = (span.start(), span.end());
    (span.file(), start.line, start.column, end.line, end.column)
}

/// The name in `known` that `name` was probably meant to be: few edits away, whatever its case.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    let limit = (length / 3).max(1);
    known
        .into_iter()
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= limit)
        .map(|candidate| {
            (distance(&name.to_lowercase(), &candidate.to_lowercase()), distance(name, candidate), candidate)
        })
        // Names of one letter are all one edit apart.
        .filter(|(distance, _, candidate)| *distance <= limit && *distance < length.min(candidate.chars().count()))
        .min()
        .map(|(_, _, candidate)| candidate)
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
        assert_eq!(did_you_mean("Conv2D", known), Some("conv2d"));
        assert_eq!(did_you_mean("attention", known), None);
        assert_eq!(did_you_mean("a", ["b", "c"]), None);
        assert_eq!(did_you_mean("rl", ["lr", "momentum"]), Some("lr"));
    }

    #[test]
    fn an_error_is_shown_in_the_layout_of_rustc() {
        let source = "let a = 1;\nlet name = f(\"ä\", wrong);\n";
        let tokens: Vec<_> = source.parse::<TokenStream>().unwrap().into_iter().collect();
        let wrong = source.find("wrong").and_then(|_| match tokens.get(9) {
            Some(proc_macro2::TokenTree::Group(group)) => group.stream().into_iter().nth(2),
            _ => None,
        });
        let error = Diagnostic::new(wrong.unwrap().span(), "`wrong` is unknown")
            .note("short")
            .note(format!("image [28, 28]  {}", location(tokens[0].span()).unwrap()))
            .help("did you mean `long`?");
        let expected = "\
error: `wrong` is unknown
 --> net.kiln:2:19
  |
2 | let name = f(\"ä\", wrong);
  |                   ^^^^^
  = note: short
  = note: image [28, 28]  line 1
  = help: did you mean `long`?
";
        assert_eq!(error.render("net.kiln", source), expected);
        let text = "`wrong` is unknown\n= note: short\n= note: image [28, 28]  line 1";
        assert!(error.text().starts_with(text));
    }

    #[test]
    fn mistakes_come_once_and_in_order() {
        let tokens: Vec<_> = "a b".parse::<TokenStream>().unwrap().into_iter().collect();
        let mut errors = Diagnostics::default();
        errors.push(Diagnostic::new(tokens[1].span(), "second"));
        errors.push(Diagnostic::new(tokens[0].span(), "first"));
        errors.push(Diagnostic::new(tokens[1].span(), "second"));
        let shown = errors.render("f", "a b");
        assert!(shown.find("first") < shown.find("second"));
        assert_eq!(errors.iter().count(), 2);
    }
}

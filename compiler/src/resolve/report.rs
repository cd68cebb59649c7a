//! Mistakes: each once, with where blocks were called and how shapes came about.

use proc_macro2::Span;

use super::Resolver;
use super::value::{Eval, Poisoned};
use crate::diag::{Diagnostic, did_you_mean, location};
use crate::ir::NodeId;

impl Resolver<'_> {
    /// Reports a mistake.
    pub(crate) fn error(&mut self, mut error: Diagnostic) -> Poisoned {
        // A block's or loop's tokens are evaluated again and again: the first mistake at a token stands for all.
        let repeated = !self.active.is_empty() || self.loops > 0;
        let place = format!("{:?}", error.span);
        let key = if repeated { place } else { format!("{place} {}", error.message) };
        if self.reported.insert(key) {
            for call in self.active.iter().rev() {
                let place = location(call.span).map(|place| format!(" at {place}")).unwrap_or_default();
                error = error.note(format!("in the block `{}`, called{place}", call.block.decl.name));
            }
            self.errors.push(error);
        }
        Poisoned::reported()
    }

    /// Reports something that is missing, unless a statement could not be read: what is missing may stand there.
    pub(super) fn missing(&mut self, error: Diagnostic) -> Poisoned {
        if self.read { self.error(error) } else { Poisoned::reported() }
    }

    /// Reports a mistake that needs no notes.
    pub(crate) fn fail<T>(&mut self, span: Span, message: impl Into<String>) -> Eval<T> {
        Err(self.error(Diagnostic::new(span, message)))
    }

    /// Reports a mistake in shapes, with how each of them came about.
    pub(crate) fn shape_error<T>(
        &mut self,
        span: Span,
        message: impl Into<String>,
        nodes: &[NodeId],
        help: Option<String>,
    ) -> Eval<T> {
        let mut error = Diagnostic::new(span, message);
        for &node in nodes {
            error.notes.extend(self.history.notes(&self.net.graph, node, span));
        }
        error.help = help;
        Err(self.error(error))
    }

    /// A mistake of the compiler's own, which no tokens should be able to cause.
    pub(crate) fn bug<T>(&mut self, span: Span, what: &str) -> Eval<T> {
        self.fail(span, format!("kiln's own mistake, please report it: {what}"))
    }

    /// An unknown name, with what it was probably meant to be.
    pub(super) fn unknown<'k>(
        &mut self,
        span: Span,
        name: &str,
        what: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) -> Poisoned {
        let error = Diagnostic::new(span, format!("{what} `{name}` is not known"));
        if let Some(near) = did_you_mean(name, known) {
            self.error(error.help(format!("did you mean `{near}`?")))
        } else if is_constant(name) {
            self.missing(error.help(format!(
                "a `const` outside of `network!` can't be seen from here: write `const {name}: usize = …;` in the \
                 body, or `{name} = …` between the `<…>` of the header"
            )))
        } else {
            self.missing(error)
        }
    }
}

/// `UPPER_CASE`
fn is_constant(name: &str) -> bool {
    name.chars().any(char::is_uppercase) && !name.chars().any(char::is_lowercase)
}

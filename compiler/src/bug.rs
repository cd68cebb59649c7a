//! Panics of the compiler, which are never the user's fault.

use std::any::Any;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

use proc_macro2::Span;

use crate::diag::{Diagnostic, Diagnostics};

/// Runs a stage; a panic in it becomes an error that asks for a report. Inside rustc the panic itself
/// prints nothing (rustc's own hook sees to that); outside, its message and place go to the standard
/// error as usual, for whoever works on the compiler.
pub(crate) fn catch<T>(
    span: Span,
    errors: &mut Diagnostics,
    stage: impl FnOnce(&mut Diagnostics) -> Option<T>,
) -> Option<T> {
    // Errors that were pushed before the panic are whole; nothing else outlives it.
    match catch_unwind(AssertUnwindSafe(|| stage(errors))) {
        Ok(value) => value,
        Err(panic) => {
            errors.push(report(span, &*panic));
            None
        }
    }
}

/// A stage's own word that it contradicts itself, as the same error.
pub(crate) fn found<T, E: Display>(result: Result<T, E>, errors: &mut Diagnostics) -> Option<T> {
    result.map_err(|message| errors.push(diagnostic(Span::call_site(), &message.to_string()))).ok()
}

fn report(span: Span, panic: &(dyn Any + Send)) -> Diagnostic {
    let message = panic.downcast_ref::<String>().map(String::as_str);
    diagnostic(span, message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message"))
}

fn diagnostic(span: Span, message: &str) -> Diagnostic {
    Diagnostic::new(span, "this is a bug in kiln, not in your network")
        .note(message)
        .help("please report it, with the network as it stands here")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_beside_the_others() {
        let mut errors = Diagnostics::default();
        let value: Option<()> = catch(Span::call_site(), &mut errors, |errors| {
            errors.push(Diagnostic::new(Span::call_site(), "found before"));
            panic!("index {} out of range", 3)
        });
        assert!(value.is_none());
        let texts: Vec<String> = errors.iter().map(Diagnostic::text).collect();
        assert_eq!(texts[0], "found before");
        assert_eq!(
            texts[1],
            "this is a bug in kiln, not in your network\n\
             = note: index 3 out of range\n\
             = help: please report it, with the network as it stands here"
        );
    }

    #[test]
    fn values_pass_through() {
        assert_eq!(catch(Span::call_site(), &mut Diagnostics::default(), |_| Some(3)), Some(3));
    }
}

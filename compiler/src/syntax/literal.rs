//! Numbers, strings and booleans.

use syn::Lit;

use super::ast::ExprKind;
use crate::diag::{Diagnostic, Diagnostics};

/// The value of a literal.
pub(super) fn lower(lit: &Lit, errors: &mut Diagnostics) -> ExprKind {
    let error = match lit {
        Lit::Int(int) if !int.suffix().is_empty() => suffix(lit, int.base10_digits(), int.suffix()),
        Lit::Int(int) => match int.base10_parse() {
            Ok(value) => return ExprKind::Int(value),
            Err(_) => Diagnostic::new(int.span(), "this number is too large").note("integers have 64 bits"),
        },
        Lit::Float(float) if !float.suffix().is_empty() => suffix(lit, float.base10_digits(), float.suffix()),
        Lit::Float(float) => match float.base10_parse::<f64>() {
            Ok(value) if value.is_finite() => return ExprKind::Float(value),
            _ => Diagnostic::new(float.span(), "this number is too large").note("the largest is about 1.8e308"),
        },
        Lit::Bool(bool) => return ExprKind::Bool(bool.value),
        Lit::Str(str) => return ExprKind::Str(str.value()),
        Lit::Char(char) => Diagnostic::new(char.span(), "a network has no characters").help("strings stand in `\"…\"`"),
        other => Diagnostic::new(other.span(), "expected a number, a string, `true` or `false`"),
    };
    errors.push(error);
    ExprKind::Invalid
}

/// `1.0f32`: the type is the network's.
fn suffix(lit: &Lit, digits: &str, suffix: &str) -> Diagnostic {
    let error = Diagnostic::new(lit.span(), format!("numbers have no suffix here, found `{suffix}`"));
    match suffix {
        "f64" => error.help(format!("write `{digits}`; `dtype = f64` in the header sets the type of all values")),
        _ => error.help(format!("write `{digits}`")),
    }
}

//! Tokens to the syntax tree. The header is read token by token, the body is Rust statements read by
//! `syn`, and what the language has no use for is refused in the user's terms.
//!
//! A mistake costs its own statement only: the next ones are still read, and names whose declaration
//! is broken are bound to [`ast::ExprKind::Invalid`], so that their uses raise no second error.

pub mod ast;
mod body;
mod expr;
#[cfg(test)]
mod fuzz;
mod header;
mod index;
pub mod limits;
mod literal;
mod refuse;
mod stmt;
#[cfg(test)]
mod tests;
mod tokens;

use proc_macro2::{Ident, TokenStream};

use crate::diag::Diagnostics;

/// What the generated type needs to exist in spite of errors.
#[derive(Clone, Debug)]
pub struct Skeleton {
    /// `pub`, `pub(crate)` or nothing.
    pub visibility: TokenStream,
    /// The type's name.
    pub name: Ident,
}

/// As much of a network as could be read.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// Present if the type's name could be read.
    pub skeleton: Option<Skeleton>,
    /// Present if there are a name and a body. Broken parts are left out or
    /// [`ast::ExprKind::Invalid`]; then there is an error for each.
    pub decl: Option<ast::NetworkDecl>,
}

/// Reads the tokens of a `network! { … }`.
pub fn parse(tokens: TokenStream, errors: &mut Diagnostics) -> Parsed {
    if limits::check(tokens.clone(), errors) {
        header::parse(index::tuples(tokens), errors)
    } else {
        Parsed { skeleton: header::skeleton(tokens), decl: None }
    }
}

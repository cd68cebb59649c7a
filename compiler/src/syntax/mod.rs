//! Tokens to the syntax tree. The header is read token by token, the body is Rust statements read by
//! `syn`, and what the language has no use for is refused in the user's terms.
//!
//! A mistake costs its own statement only: the next ones are still read, and names whose declaration
//! is broken are bound to [`ast::ExprKind::Invalid`], so that their uses raise no second error.

pub mod ast;
mod block;
mod body;
mod expr;
#[cfg(test)]
mod fuzz;
mod header;
mod index;
mod kind;
pub mod limits;
mod literal;
mod refuse;
mod shape;
mod skeleton;
mod stmt;
#[cfg(test)]
mod tests;
mod tokens;

pub use skeleton::{Skeleton, skeleton};

use proc_macro2::TokenStream;

use crate::diag::Diagnostics;

/// Reads the tokens of a `network! { … }` as far as they can be read. For what is left out, and for
/// each [`ast::ExprKind::Invalid`], there is an error.
pub fn parse(tokens: TokenStream, errors: &mut Diagnostics) -> Option<ast::NetworkDecl> {
    if !limits::check(tokens.clone(), errors) {
        return None;
    }
    header::parse(index::tuples(tokens), errors)
}

//! What a value is called, and which call in the source it comes from.

use std::ops::Deref;
use std::rc::Rc;

use proc_macro2::Span;

/// A call in the source, by its number in [`Network::origins`](super::Network).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OriginId(pub usize);

/// A `let`, a layer's call or a block's call: what is made in it belongs together for people. Each call of a block and
/// each round of a loop has its own.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The one around it.
    pub parent: Option<OriginId>,
    /// The name of the `let` or the block, or the layer with its settings: `dense(128)`.
    pub title: String,
    /// For a layer, its number in [`Network::layers`](super::Network), if it has a line there.
    pub layer: Option<usize>,
    /// The tokens that it is named by.
    pub span: Span,
}

/// The user's name of a value, `hidden`. Derived values inherit it, and with it where they come from.
#[derive(Clone, Debug)]
pub struct Name {
    text: Rc<str>,
    origin: Option<OriginId>,
}

impl Name {
    /// A name that was given in a call.
    pub fn new(text: Rc<str>, origin: Option<OriginId>) -> Self {
        Self { text, origin }
    }

    /// The innermost call that the value comes from.
    pub fn origin(&self) -> Option<OriginId> {
        self.origin
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self { text: text.into(), origin: None }
    }
}

//! Which call in the source values come from, for reports.

use proc_macro2::Span;

use super::Resolver;
use crate::ir::{Origin, OriginId};

/// What is to be restored when a call is over.
pub(super) struct Entered {
    outer: Option<OriginId>,
    nodes: usize,
}

impl Resolver<'_> {
    /// What is made from here on comes from this `let`, layer or block.
    pub(super) fn enter_origin(&mut self, title: String, span: Span) -> Entered {
        let origins = &mut self.net.origins;
        origins.push(Origin { parent: self.origin, title, layer: None, span });
        let entered = Entered { outer: self.origin, nodes: self.net.graph.len() };
        self.origin = Some(OriginId(origins.len() - 1));
        entered
    }

    /// The call is over. One that made nothing is forgotten.
    pub(super) fn leave_origin(&mut self, entered: Entered) {
        let last = self.net.origins.len().checked_sub(1).map(OriginId);
        if self.origin == last && self.net.graph.len() == entered.nodes {
            self.net.origins.pop();
        }
        self.origin = entered.outer;
    }
}

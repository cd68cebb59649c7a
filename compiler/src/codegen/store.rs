//! Where a kernel's values are stored: at the element that it computes, in rows that may lie apart, or side by side.

use proc_macro2::TokenStream;
use quote::quote;

use super::body::{Body, int};
use super::locate::locate;
use crate::fuse::Level;
use crate::ir::NodeId;

impl Body<'_> {
    /// Where a value's element of the current row and column is.
    fn own_place(&mut self, node: NodeId) -> (TokenStream, TokenStream) {
        let pointer = self.pointer(node);
        let place = self.place_of(self.cx.graph().ty(node));
        let cols = match place {
            Level::Row => 1,
            Level::Full => self.columns(),
        };
        let row = if place == Level::Row && locate(self.cx, node).pitch.is_none() {
            quote!(row)
        } else {
            self.row_start(node, cols)
        };
        match place {
            Level::Row => (quote!(#pointer.add(#row)), quote!(1)),
            Level::Full => (quote!(#pointer.add(#row + col)), quote!(n)),
        }
    }

    /// The first of a value's `cols` elements in the current row.
    fn row_start(&self, node: NodeId, cols: usize) -> TokenStream {
        let lead: usize = self.domain.dims[..self.domain.dims.len() - self.suffix].iter().product();
        let cols = int(cols);
        match (locate(self.cx, node).pitch, lead) {
            (None, _) => quote!(row * #cols),
            (Some(pitch), 1) => {
                let pitch = int(pitch);
                quote!(row * #pitch)
            }
            (Some(pitch), lead) => {
                let (pitch, lead) = (int(pitch), int(lead));
                quote!(row / #lead * #pitch + row % #lead * #cols)
            }
        }
    }

    /// The statements that compute and store values of one vector.
    pub(super) fn epilogue(&mut self, writes: &[NodeId]) -> Vec<TokenStream> {
        for &node in writes {
            self.value(node, Level::Full);
        }
        for &node in writes {
            self.store(node);
        }
        self.next_sweep()
    }

    /// Stores a value that has a name.
    pub(super) fn store(&mut self, node: NodeId) {
        if self.cx.program.needs.joined.contains(&node) {
            self.store_parts(node);
            return;
        }
        let place = self.place_of(self.cx.graph().ty(node));
        let value = self.value(node, place);
        let (at, n) = self.own_place(node);
        self.scope(place).lines.push(quote!(s.store_n(#at, #value, #n);));
    }

    /// Stores parts of one width side by side.
    fn store_parts(&mut self, node: NodeId) {
        let parts: Vec<TokenStream> = self.graph().inputs(node).into_iter().map(|part| self.operand(part)).collect();
        let pointer = self.pointer(node);
        let cols = self.columns();
        let row = self.row_start(node, cols.saturating_mul(parts.len()));
        for (place, part) in parts.into_iter().enumerate() {
            let offset = (place > 0).then(|| {
                let offset = int(place * cols);
                quote!(+ #offset)
            });
            self.full.lines.push(quote!(s.store_n(#pointer.add(#row + col #offset), #part, n);));
        }
    }
}

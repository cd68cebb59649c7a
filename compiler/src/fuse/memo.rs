//! What has been found out about nodes once and is asked for many times.

use std::cell::RefCell;
use std::rc::Rc;

use crate::ir::NodeId;

/// A value for each node, computed when it is first asked for. It remembers nothing before it is switched on: what it
/// holds is true as long as neither the graph nor what is known of it changes.
#[derive(Clone, Debug)]
pub(super) struct Memo<T> {
    on: bool,
    known: RefCell<Vec<Option<Rc<T>>>>,
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self { on: false, known: RefCell::default() }
    }
}

impl<T> Memo<T> {
    /// Remembers from now on.
    pub(super) fn switch_on(&mut self) {
        self.on = true;
    }

    /// The value of a node.
    pub(super) fn get(&self, node: NodeId, find: impl FnOnce() -> T) -> Rc<T> {
        if !self.on {
            return Rc::new(find());
        }
        if let Some(Some(known)) = self.known.borrow().get(node.index()) {
            return known.clone();
        }
        let found = Rc::new(find());
        let mut known = self.known.borrow_mut();
        if known.len() <= node.index() {
            known.resize(node.index() + 1, None);
        }
        known[node.index()] = Some(found.clone());
        found
    }
}

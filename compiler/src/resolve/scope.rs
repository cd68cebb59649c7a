//! Names and what they stand for.

use std::collections::BTreeMap;

use super::value::Value;

/// What a name stands for.
#[derive(Clone, Debug)]
pub(super) struct Binding {
    /// The value.
    pub(super) value: Value,
    /// Whether it was declared by `let mut`.
    pub(super) mutable: bool,
    /// Constants and blocks: what a block sees of the scopes around it, as in Rust.
    pub(super) item: bool,
}

/// The outcome of looking a name up.
pub(super) enum Found<'s> {
    /// It stands for this.
    Binding(&'s Binding),
    /// There is one, but a block's body does not see it.
    Hidden,
    /// Nobody has heard of it.
    Unknown,
}

#[derive(Debug, Default)]
struct Scope {
    names: BTreeMap<String, Binding>,
    /// A block's body: how many of the outermost scopes it sees, and of them the items only.
    barrier: Option<usize>,
    /// A closure's body: it sees what is around it, and changes nothing there.
    sealed: bool,
}

/// The open scopes, innermost last.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    open: Vec<Scope>,
}

impl Scopes {
    /// Opens a scope; a block's body says how many scopes were open where the block stands.
    pub(super) fn push(&mut self, barrier: Option<usize>) {
        self.open.push(Scope { names: BTreeMap::new(), barrier, sealed: false });
    }

    /// Opens a closure's scope.
    pub(super) fn push_sealed(&mut self) {
        self.open.push(Scope { names: BTreeMap::new(), barrier: None, sealed: true });
    }

    /// Closes the innermost scope.
    pub(super) fn pop(&mut self) {
        self.open.pop();
    }

    /// How many are open.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Binds a name in the innermost scope.
    pub(super) fn bind(&mut self, name: &str, binding: Binding) {
        if let Some(scope) = self.open.last_mut() {
            scope.names.insert(name.to_string(), binding);
        }
    }

    /// Binds a name for the whole network.
    pub(super) fn bind_outermost(&mut self, name: &str, binding: Binding) {
        if let Some(scope) = self.open.first_mut() {
            scope.names.insert(name.to_string(), binding);
        }
    }

    /// What a name stands for here.
    pub(super) fn find(&self, name: &str) -> Found<'_> {
        let mut hidden = false;
        for (scope, items_only) in self.visible() {
            match scope.names.get(name) {
                Some(binding) if binding.item || !items_only => return Found::Binding(binding),
                Some(_) => hidden = true,
                None => {}
            }
        }
        // A caller's names lie behind the barrier altogether; they are as hidden as those around the block.
        if hidden || self.open.iter().any(|scope| scope.names.contains_key(name)) {
            Found::Hidden
        } else {
            Found::Unknown
        }
    }

    /// The binding of a variable that an assignment may change.
    pub(super) fn find_mut(&mut self, name: &str) -> Option<&mut Binding> {
        let start = self.open.iter().rposition(|scope| scope.barrier.is_some() || scope.sealed).unwrap_or(0);
        self.open.get_mut(start..)?.iter_mut().rev().find_map(|scope| scope.names.get_mut(name))
    }

    /// Every name that can be used here.
    pub(super) fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for (scope, items_only) in self.visible() {
            names.extend(
                scope.names.iter().filter(|(_, binding)| binding.item || !items_only).map(|(name, _)| name.as_str()),
            );
        }
        names
    }

    /// The scopes seen from the innermost one, each with whether only its items are.
    fn visible(&self) -> impl Iterator<Item = (&Scope, bool)> {
        let mut next = self.open.len();
        let mut items_only = false;
        std::iter::from_fn(move || {
            let index = next.checked_sub(1)?;
            let scope = self.open.get(index)?;
            let seen = items_only;
            next = index;
            if let Some(barrier) = scope.barrier {
                next = next.min(barrier);
                items_only = true;
            }
            Some((scope, seen))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(value: i64, item: bool) -> Binding {
        Binding { value: Value::Int(value), mutable: true, item }
    }

    fn is(scopes: &Scopes, name: &str, expected: i64) -> bool {
        matches!(scopes.find(name), Found::Binding(Binding { value: Value::Int(value), .. }) if *value == expected)
    }

    #[test]
    fn inner_names_shadow_outer_ones_until_their_scope_closes() {
        let mut scopes = Scopes::default();
        scopes.push(None);
        scopes.bind("a", binding(1, false));
        scopes.push(None);
        scopes.bind("a", binding(2, false));
        assert!(is(&scopes, "a", 2));
        scopes.pop();
        assert!(is(&scopes, "a", 1));
        assert!(matches!(scopes.find("b"), Found::Unknown));
    }

    #[test]
    fn a_block_sees_the_items_around_it_and_nothing_of_its_caller() {
        let mut scopes = Scopes::default();
        scopes.push(None);
        scopes.bind("ITEM", binding(1, true));
        scopes.bind("local", binding(2, false));
        scopes.push(None);
        scopes.bind("CALLER", binding(3, true));
        scopes.push(Some(1));
        scopes.bind("own", binding(4, false));
        assert!(is(&scopes, "ITEM", 1) && is(&scopes, "own", 4));
        assert!(matches!(scopes.find("local"), Found::Hidden));
        assert!(matches!(scopes.find("CALLER"), Found::Hidden));
        assert!(scopes.find_mut("local").is_none());
        assert_eq!(scopes.names(), ["own", "ITEM"]);
    }
}

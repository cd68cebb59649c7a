//! Where a stored value is, for a step of a loop too: the expression of its first element, and how far apart its rows
//! are.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::body::{Context, Within, int};
use super::module::element;
use super::names::ident;
use crate::fuse;
use crate::ir::{NodeId, Type};
use crate::ops::{Op, Scan};
use crate::plan::Place;

/// A stored value's place.
pub(super) struct Located {
    /// A name for people.
    pub name: String,
    /// The pointer to its first element.
    pub pointer: TokenStream,
    /// Elements from one row of the batch to the next, where that is not its own length: the part of one step of
    /// something larger.
    pub pitch: Option<usize>,
}

/// The variable of the step of a loop, by how many loops are around it.
pub(super) fn step_name(depth: usize) -> String {
    match depth {
        0 => "t".to_string(),
        depth => format!("t_{}", depth + 1),
    }
}

/// Where a value of the function, or of a loop's body, is.
pub(super) fn locate(cx: Context<'_>, node: NodeId) -> Located {
    let graph = cx.graph();
    let ty = graph.ty(node);
    let rust = element(ty.dtype);
    let user = graph.node(node).name.clone();
    let op = graph.op(node).rules().name();
    let produced = user.map_or_else(|| op.to_string(), |user| format!("{user}_{op}"));
    let plain = |name: Option<String>, pointer: TokenStream| Located {
        name: name.unwrap_or_else(|| produced.clone()),
        pointer,
        pitch: None,
    };
    let found = match (cx.plan.places.get(&node), cx.within) {
        (Some(Place::Input(index)), _) => {
            let name = cx.program.function.inputs.get(*index).map(|input| input.name.to_string());
            let index = int(*index);
            Some(plain(name, quote!(m.input::<#rust>(#index))))
        }
        (Some(Place::Param(param)), _) => {
            let name = cx.network.params.get(param.0).map(|param| param.name.clone());
            let offset = int(cx.layout.param(*param));
            Some(plain(name, quote!(m.param(#offset))))
        }
        (Some(Place::State(param, slot)), _) => {
            let name = cx.network.params.get(param.0).map(|param| format!("{}_slot_{slot}", param.name));
            let offset = int(cx.layout.state(*param, *slot));
            Some(plain(name, quote!(m.state(#offset))))
        }
        (Some(Place::Arena(offset)), _) => Some(plain(None, arena(cx, &rust, *offset))),
        (Some(Place::Operand(index)), Some(around)) => around.operand(*index, ty),
        (Some(Place::Carried(state)), Some(around)) => match around.result(*state) {
            Some(result) => Some(locate(around.cx, result)),
            None => cx.plan.states.get(state).map(|&offset| plain(None, arena(cx, &rust, offset))),
        },
        (Some(Place::Emitted(output)), Some(around)) => around.emitted(*output, ty),
        (None | Some(Place::Operand(_) | Place::Carried(_) | Place::Emitted(_)), _) => None,
    };
    found.unwrap_or_else(|| plain(None, quote!(::core::compile_error!("kiln's bug: a value without a place"))))
}

/// So many bytes into the arena, or into the part of it that belongs to the loop.
fn arena(cx: Context<'_>, rust: &Ident, offset: usize) -> TokenStream {
    let offset = int(cx.workspace() + offset);
    quote!(m.arena::<#rust>(#offset))
}

impl Context<'_> {
    /// How many loops are around.
    pub(super) fn depth(&self) -> usize {
        self.within.map_or(0, |around| around.cx.depth() + 1)
    }

    /// The first byte of the arena that offsets count from.
    fn workspace(&self) -> usize {
        let Some(around) = self.within else { return 0 };
        let own = match around.cx.plan.places.get(&around.node) {
            Some(Place::Arena(offset)) => *offset,
            _ => 0,
        };
        around.cx.workspace() + own
    }
}

impl Within<'_> {
    /// The loop.
    pub(super) fn scan(&self) -> Option<&Scan> {
        match self.cx.graph().op(self.node) {
            Op::Scan(scan) => Some(scan),
            _ => None,
        }
    }

    /// The value outside that holds result number `index`, if anybody wants it.
    pub(super) fn result(&self, index: usize) -> Option<NodeId> {
        let graph = self.cx.graph();
        self.kernel.writes.iter().copied().find(|&take| fuse::index(graph, take) == Some(index))
    }

    /// An operand, or of a sequence the part of this step.
    fn operand(&self, index: usize, step: &Type) -> Option<Located> {
        let graph = self.cx.graph();
        let operand = graph.inputs(self.node).get(index).copied()?;
        let outside = locate(self.cx, self.cx.program.needs.storage(graph, operand));
        if index >= self.scan()?.sequences {
            return Some(outside);
        }
        Some(self.part(outside, graph.ty(operand), step))
    }

    fn emitted(&self, output: usize, step: &Type) -> Option<Located> {
        let stacked = self.result(self.scan()?.states + output)?;
        Some(self.part(locate(self.cx, stacked), self.cx.graph().ty(stacked), step))
    }

    /// The part of this step of a stacked value.
    fn part(&self, whole: Located, stacked: &Type, step: &Type) -> Located {
        let (t, elements) = (ident(&step_name(self.cx.depth())), int(step.elements()));
        let Located { name, pointer, pitch } = whole;
        let pitch = stacked.batched.then(|| pitch.unwrap_or_else(|| stacked.elements()));
        Located { name, pointer: quote!(#pointer.add(#t * #elements)), pitch }
    }
}

/// The pitch of a value, its own length where its rows follow each other.
pub(super) fn pitch(cx: Context<'_>, node: NodeId) -> usize {
    locate(cx, node).pitch.unwrap_or_else(|| cx.graph().ty(node).elements())
}

//! The intermediate representation: typed values in a graph of primitives.

mod graph;
mod name;
mod network;
mod print;
mod types;
pub mod verify;

pub use graph::{Graph, Node, NodeId, ParamId, Root, RootKind};
pub use name::{Name, Origin, OriginId};
pub use network::{
    Chosen, Clip, Constraint, Explain, Explanation, Function, Init, InputDecl, InputKind, LayerRow, Method, Network,
    Optimizer, ParamDecl, ParamSettings, Rule,
};
pub use types::{DType, Type, shape};

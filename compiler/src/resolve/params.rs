//! Parameters: made once, named at the end, reused by the calls of a shared block.

use std::collections::BTreeSet;

use proc_macro2::Span;

use super::Resolver;
use super::naming::{FrameId, MemberId};
use super::settings::LayerSettings;
use super::value::Eval;
use crate::diag::Diagnostic;
use crate::ir::{Init, LayerRow, NodeId, OriginId, ParamDecl, ParamId, Type, shape};
use crate::ops::Param;

/// A parameter that a layer asks for.
pub(crate) struct Request {
    /// `weight`; a parameter declared by hand has none.
    pub(crate) leaf: Option<&'static str>,
    /// Its axes.
    pub(crate) dims: Vec<usize>,
    /// How it starts.
    pub(crate) init: Init,
    /// Whether the optimiser changes it.
    pub(crate) trainable: bool,
}

/// Who asks for parameters: one call of a template.
#[derive(Debug)]
pub(crate) struct Owner {
    /// The template's name, for layers without a `let`.
    pub(crate) own: &'static str,
    /// `name = "…"`
    pub(crate) given: Option<String>,
    /// How its parameters train.
    pub(crate) settings: LayerSettings,
    /// Known once there is a parameter.
    pub(crate) member: Option<MemberId>,
    /// What it has got so far.
    pub(crate) params: Vec<ParamId>,
}

impl Owner {
    /// One that is given nothing.
    pub(super) fn of(own: &'static str) -> Self {
        Self { own, given: None, settings: LayerSettings::default(), member: None, params: Vec::new() }
    }
}

/// How a line of the summary is called.
#[derive(Debug)]
pub(super) enum RowName {
    Member(MemberId),
    Plain(FrameId, String),
}

/// What is known of parameters and layers until names are.
#[derive(Debug, Default)]
pub(super) struct Params {
    /// For each parameter its layer and its name in it.
    pub(super) names: Vec<(MemberId, Option<&'static str>)>,
    nodes: Vec<NodeId>,
    /// For each line of the summary.
    pub(super) rows: Vec<RowName>,
}

impl Params {
    /// A parameter's node.
    pub(super) fn node(&self, index: usize) -> Option<NodeId> {
        self.nodes.get(index).copied()
    }
}

/// One call of a shared block, and which of its parameters comes next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Replay {
    pub(super) shared: usize,
    pub(super) next: usize,
}

impl Resolver<'_> {
    /// The parameter that a layer asks for: a new one, or inside a later call of a shared block that of the first.
    pub(crate) fn parameter(&mut self, owner: &mut Owner, request: Request, span: Span) -> Eval<(ParamId, NodeId)> {
        let ty = Type::fixed(self.net.dtype, request.dims.clone());
        let complete = |replay: &Replay| self.shared.get(replay.shared).is_some_and(|shared| shared.complete);
        let source = self.replaying.iter().rposition(complete);
        let found = source.and_then(|level| self.replaying.get(level)).and_then(|replay| {
            self.shared.get(replay.shared).and_then(|shared| shared.params.get(replay.next)).copied()
        });
        let param = match (source, found) {
            (None, _) => self.fresh(owner, request, ty.clone(), span)?,
            (Some(_), Some(param)) => param,
            (Some(_), None) => {
                return self.fail(span, "this call of a shared block makes more parameters than the first call did");
            }
        };
        for level in (source.unwrap_or(0)..self.replaying.len()).rev() {
            let replay = &mut self.replaying[level];
            replay.next += 1;
            if let Some(shared) = self.shared.get_mut(replay.shared)
                && !shared.complete
            {
                shared.params.push(param);
            }
        }
        owner.params.push(param);
        let node = self.params.nodes[param.0];
        let have = self.ty(node);
        if have != ty {
            let message = format!(
                "this call of a shared block needs a parameter {}, but the first call made it {}",
                shape(&ty.dims),
                shape(&have.dims)
            );
            return self.fail(span, message);
        }
        Ok((param, node))
    }

    fn fresh(&mut self, owner: &mut Owner, request: Request, ty: Type, span: Span) -> Eval<ParamId> {
        let member = match owner.member {
            Some(member) => member,
            None => {
                let member = match (&owner.given, &self.group) {
                    (Some(name), _) => self.naming.named(self.frame, name),
                    (None, Some(group)) => self.naming.member(self.frame, group, self.loops > 0),
                    (None, None) => self.naming.member(self.frame, owner.own, self.loops > 0),
                };
                owner.member = Some(member);
                member
            }
        };
        let wrong = match request.init {
            Init::Identity(_) if request.dims.len() != 2 => Some(("identity", "two axes")),
            Init::Orthogonal(_) if request.dims.len() < 2 => Some(("orthogonal", "two axes at least")),
            _ => None,
        };
        if let Some((name, axes)) = wrong {
            let message = format!("`{name}` starts parameters of {axes}, and this is {}", shape(&request.dims));
            return self.fail(span, message);
        }
        let param = ParamId(self.net.params.len());
        let node = self.node(Param { index: param, ty: ty.clone() }, &[], span)?;
        let settings = owner.settings.of(&request);
        let trainable = request.trainable && !self.frozen && !owner.settings.frozen;
        let Request { init, leaf, .. } = request;
        self.net.params.push(ParamDecl { name: String::new(), ty, init, trainable, settings, span });
        self.params.names.push((member, leaf));
        self.params.nodes.push(node);
        Ok(param)
    }

    /// One more line of the summary, for what comes from `origin`.
    pub(super) fn row(&mut self, owner: Owner, kind: String, node: NodeId, origin: Option<OriginId>) {
        let complete = |replay: &Replay| self.shared.get(replay.shared).is_some_and(|shared| shared.complete);
        if self.replaying.iter().any(complete) {
            return;
        }
        let name = match (owner.member, owner.given) {
            (Some(member), _) => RowName::Member(member),
            (None, Some(name)) => RowName::Plain(self.frame, name),
            (None, None) => RowName::Plain(self.frame, self.group.as_deref().unwrap_or(owner.own).to_string()),
        };
        let ty = self.ty(node);
        self.params.rows.push(name);
        if let Some(origin) = origin.and_then(|origin| self.net.origins.get_mut(origin.0)) {
            origin.layer = Some(self.net.layers.len());
        }
        self.net.layers.push(LayerRow { name: String::new(), kind, ty, params: owner.params });
    }

    /// Takes lines of the summary back, from number `from` on, if none of them has parameters.
    pub(super) fn forget_rows(&mut self, from: usize) {
        if self.net.layers.iter().skip(from).all(|row| row.params.is_empty()) {
            self.net.layers.truncate(from);
            self.params.rows.truncate(from);
            for origin in &mut self.net.origins {
                origin.layer = origin.layer.filter(|&layer| layer < from);
            }
        }
    }

    /// Everything is known: the names.
    pub(super) fn name_params(&mut self) {
        let mut clashing = None;
        let mut taken = BTreeSet::new();
        for index in 0..self.net.params.len() {
            let (member, leaf) = self.params.names[index];
            let base = self.naming.name(member);
            let name = leaf.map_or_else(|| base.clone(), |leaf| format!("{base}.{leaf}"));
            if !taken.insert(name.clone()) && clashing != Some(member) {
                clashing = Some(member);
                self.error(
                    Diagnostic::new(
                        self.net.params[index].span,
                        format!("a second parameter would be called `{name}`"),
                    )
                    .help("give one of the two layers another name: `name = \"…\"`"),
                );
            }
            self.net.params[index].name = name;
        }
        for (row, name) in self.net.layers.iter_mut().zip(&self.params.rows) {
            row.name = match name {
                RowName::Member(member) => self.naming.name(*member),
                RowName::Plain(frame, name) => self.naming.inside(*frame, name),
            };
        }
    }

    /// The nearest `let`, for messages.
    pub(crate) fn label(&self) -> Option<String> {
        self.label.as_deref().map(str::to_string)
    }
}

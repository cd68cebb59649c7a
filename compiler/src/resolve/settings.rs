//! How a layer's parameters train: the keywords that every layer takes, and the penalties that they put into the loss.

use proc_macro2::{Ident, Span};

use super::Resolver;
use super::arguments::Arg;
use super::call::{Call, Source};
use super::convert::Wanted;
use super::params::Request;
use super::value::{Block, Eval};
use crate::diag::Diagnostic;
use crate::ir::{Constraint, NodeId, ParamSettings};
use crate::layers::{Kind, SETTINGS};
use crate::ops::{Abs, Add, Mul, Reduce, ReduceKind};
use crate::syntax::ast::Expr;

/// What a call says of its parameters.
#[derive(Clone, Debug, Default)]
pub(crate) struct LayerSettings {
    /// `trainable = false`
    pub(crate) frozen: bool,
    /// For weights; other parameters take a part of it.
    weights: ParamSettings,
    /// The first keyword, for the layer that has no parameters.
    pub(super) given: Option<(String, Span)>,
}

impl LayerSettings {
    /// Those of one of the layer's parameters. Penalties and constraints are about weights, as Keras's
    /// `kernel_regularizer` and `kernel_constraint`.
    pub(super) fn of(&self, request: &Request) -> ParamSettings {
        let weight = request.leaf.is_none_or(|leaf| leaf.ends_with("weight") && leaf != "recurrent_weight");
        match (request.trainable, weight) {
            (true, true) => self.weights,
            (true, false) => ParamSettings { l1: 0.0, l2: 0.0, constraint: None, ..self.weights },
            // A statistic is nothing that trains.
            (false, _) => ParamSettings::default(),
        }
    }
}

impl Resolver<'_> {
    /// Takes a keyword that every layer has; `None` if it is none of them.
    pub(super) fn layer_setting(
        &mut self,
        of: &str,
        settings: &mut LayerSettings,
        key: &Ident,
        value: &Expr,
    ) -> Option<Eval<()>> {
        let word = key.to_string();
        let param = SETTINGS.iter().find(|param| param.name == word)?;
        settings.given.get_or_insert((word.clone(), key.span()));
        Some(self.take_setting(of, settings, &word, param.kind, value))
    }

    fn take_setting(
        &mut self,
        of: &str,
        settings: &mut LayerSettings,
        word: &str,
        kind: Kind,
        value: &Expr,
    ) -> Eval<()> {
        let wanted = Wanted { param: word.to_string(), of: of.to_string() };
        let arg = self.convert(&wanted, kind, Source::Expr(value))?;
        let weights = &mut settings.weights;
        let constraint = match (word, arg) {
            ("trainable", Arg::Flag(trainable)) => {
                settings.frozen = !trainable;
                return Ok(());
            }
            ("max_norm", Arg::Float(bound)) => Constraint::MaxNorm(bound),
            ("unit_norm", Arg::Flag(true)) => Constraint::UnitNorm,
            ("non_negative", Arg::Flag(true)) => Constraint::NonNegative,
            (_, Arg::Float(number)) if number < 0.0 => {
                return self.fail(value.span, format!("{wanted} can't be negative, but is {number:?}"));
            }
            (_, Arg::Float(number)) => {
                match word {
                    "lr_scale" => weights.lr_scale = number,
                    "weight_decay" => weights.weight_decay = Some(number),
                    "l1" => weights.l1 = number,
                    _ => weights.l2 = number,
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        if weights.constraint.is_some() {
            return self.fail(value.span, format!("`{of}` has a constraint already: a parameter is held to one"));
        }
        weights.constraint = Some(constraint);
        Ok(())
    }

    /// `f(x, trainable = false)`: whether what the block makes is frozen. A parameter of the block's own of that
    /// name is meant first.
    pub(super) fn block_frozen(&mut self, block: &Block, call: &Call<'_>) -> Eval<bool> {
        let Some((_, value)) = call.named.iter().find(|(key, _)| is_frozen_keyword(block, key)) else {
            return Ok(false);
        };
        let wanted = Wanted { param: "trainable".to_string(), of: block.decl.name.to_string() };
        let arg = self.convert(&wanted, Kind::Flag, Source::Expr(value))?;
        Ok(matches!(arg, Arg::Flag(false)))
    }

    /// Adds the penalties of all trainable parameters to the loss, as Keras's regularizers.
    pub(super) fn penalties(&mut self) {
        let Some(mut loss) = self.net.loss else { return };
        for index in 0..self.net.params.len() {
            let (Some(decl), Some(node)) = (self.net.params.get(index), self.params.node(index)) else { continue };
            let (ParamSettings { l1, l2, .. }, span, trainable) = (decl.settings, decl.span, decl.trainable);
            if trainable && (l1 != 0.0 || l2 != 0.0) {
                match self.penalised(loss, node, [l1, l2], span) {
                    Ok(sum) => loss = sum,
                    Err(_) => return,
                }
            }
        }
        self.net.loss = Some(loss);
    }

    /// loss + l1 * sum |p| + l2 * sum p².
    fn penalised(&mut self, mut loss: NodeId, param: NodeId, [l1, l2]: [f64; 2], span: Span) -> Eval<NodeId> {
        for (factor, squared) in [(l1, false), (l2, true)] {
            if factor == 0.0 {
                continue;
            }
            let size = match squared {
                true => self.node(Mul, &[param, param], span)?,
                false => self.node(Abs, &[param], span)?,
            };
            let axes: Vec<usize> = (0..self.dims(size).len()).collect();
            let sum = match axes.is_empty() {
                true => size,
                false => self.node(Reduce { kind: ReduceKind::Sum, axes, batch: false }, &[size], span)?,
            };
            let factor = self.scalar(factor, span)?;
            let penalty = self.node(Mul, &[sum, factor], span)?;
            loss = self.node(Add, &[loss, penalty], span)?;
        }
        Ok(loss)
    }

    /// A layer without parameters has nothing to set.
    pub(super) fn refuse_settings(&mut self, of: &str, settings: &LayerSettings) -> Eval<()> {
        match &settings.given {
            Some((word, span)) => {
                let message = format!("`{of}` has no parameters here that `{word}` could be about");
                Err(self.error(Diagnostic::new(*span, message)))
            }
            None => Ok(()),
        }
    }
}

/// Whether a keyword of a block's call freezes the block.
pub(super) fn is_frozen_keyword(block: &Block, key: &Ident) -> bool {
    key == "trainable" && !block.decl.params.iter().any(|(name, _)| name == key)
}

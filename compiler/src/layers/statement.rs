//! Statements whose arguments are values: `loss`, `optimizer`, `memory`.

use super::template::{Kind, Parameter, Template};
use super::{Arg, Bound, Builder, loss};
use crate::resolve::{Eval, Value};

pub(super) const TEMPLATES: &[Template] = &[
    Template {
        name: "loss",
        aliases: &[],
        docs: "The number that training lowers: a loss, or one number per row, of which it is the mean.",
        params: &[Parameter::required("value", Kind::Tensor, "The number.")],
        layer: false,
        build: set_loss,
    },
    Template {
        name: "optimizer",
        aliases: &[],
        docs: "How training lowers the loss.",
        params: &[Parameter::required("optimizer", Kind::Optimizer, "With its settings.")],
        layer: false,
        build: set_optimizer,
    },
    Template {
        name: "gradients",
        aliases: &[],
        docs: "Gives the trainer a method `gradients`: those of a batch's loss by name, without an update.",
        params: &[],
        layer: false,
        build: set_gradients,
    },
    Template {
        name: "memory",
        aliases: &[],
        docs: "A bound for the bytes of a step's values; past it the build fails.",
        params: &[Parameter::required("max", Kind::Bytes, "The bound.")],
        layer: false,
        build: set_memory,
    },
];

fn set_loss(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    b.resolver.top_level("loss", b.span)?;
    if b.resolver.net.loss.is_some() {
        return b.fail_help(b.span, "a second `loss`".into(), "a network has one: add them, `loss(a + b);`");
    }
    let value = b.tensor(args, "value")?;
    let ty = b.ty(value);
    if !ty.dims.is_empty() {
        let message = format!("a loss is one number for each row, and this is {}", ty.shape());
        let help = "mean(…) makes one number of it".to_string();
        return b.shape_error(args.span("value"), message, &[value], Some(help));
    }
    let value = if ty.batched { loss::total_mean(b, value)? } else { value };
    b.resolver.net.loss = Some(value);
    Ok(Value::Unit)
}

fn set_optimizer(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    b.resolver.top_level("optimizer", b.span)?;
    let Arg::Optimizer(optimizer) = args.get("optimizer") else { return b.missing(args, "optimizer") };
    if b.resolver.net.optimizer.is_some() {
        return b.fail("a second `optimizer`: a network has one");
    }
    b.resolver.net.optimizer = Some(*optimizer);
    Ok(Value::Unit)
}

fn set_memory(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    b.resolver.top_level("memory", b.span)?;
    let Arg::Bytes(bytes) = args.get("max") else { return b.missing(args, "max") };
    if b.resolver.net.memory_max.is_some() {
        return b.fail("a second `memory`: a network has one");
    }
    b.resolver.net.memory_max = Some((*bytes, args.span("max")));
    Ok(Value::Unit)
}

fn set_gradients(b: &mut Builder<'_, '_>, _: &Bound) -> Eval<Value> {
    b.resolver.top_level("gradients", b.span)?;
    if b.resolver.net.gradients.replace(b.span).is_some() {
        return b.fail("a second `gradients`");
    }
    Ok(Value::Unit)
}

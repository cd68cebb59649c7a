//! The facts as JSON. The page reads the same text.

use super::facts::{
    Buffer, Facts, Function, Group, Input, Kernel, Layer, Loop, Memory, Neighbour, Node, Parameter, Pass, Program,
};
use super::json::Json;
use crate::cost::Cost;

/// The version of the layout, for programs that read it.
const VERSION: usize = 1;

/// `[for each row, besides]`
fn cost(cost: Cost) -> Json {
    Json::List(vec![cost.row.into(), cost.fixed.into()])
}

fn numbers(numbers: &[usize]) -> Json {
    Json::list(numbers, |&number| number.into())
}

impl From<&Facts> for Json {
    fn from(facts: &Facts) -> Self {
        let constant =
            |&(name, value): &(&str, u64)| Self::Object(vec![("name", name.into()), ("value", value.into())]);
        let (profile, problem) = match &facts.profile {
            Some(Ok(profile)) => (profile.into(), Self::Null),
            Some(Err(problem)) => (Self::Null, problem.into()),
            None => (Self::Null, Self::Null),
        };
        Self::Object(vec![
            ("report", VERSION.into()),
            ("kiln", env!("CARGO_PKG_VERSION").into()),
            ("name", (&facts.name).into()),
            ("line", Self::maybe(facts.line.as_ref())),
            ("batch", facts.batch.into()),
            ("dtype", facts.dtype.into()),
            ("inputs", Self::list(&facts.inputs, input)),
            ("layers", Self::list(&facts.layers, layer)),
            ("parameters", Self::list(&facts.parameters, parameter)),
            ("constants", Self::list(&facts.constants, constant)),
            (
                "machine",
                Self::Object(vec![("gflops", facts.machine.gflops.into()), ("memory", facts.machine.memory.into())]),
            ),
            ("functions", Self::list(&facts.functions, function)),
            ("profile", profile),
            ("profile_problem", problem),
        ])
    }
}

fn input(input: &Input) -> Json {
    Json::Object(vec![
        ("name", (&input.name).into()),
        ("classes", Json::maybe(input.classes)),
        ("type", (&input.ty).into()),
    ])
}

fn layer(layer: &Layer) -> Json {
    Json::Object(vec![
        ("name", (&layer.name).into()),
        ("kind", (&layer.kind).into()),
        ("type", (&layer.ty).into()),
        ("parameters", layer.parameters.into()),
    ])
}

fn parameter(parameter: &Parameter) -> Json {
    Json::Object(vec![
        ("name", (&parameter.name).into()),
        ("type", (&parameter.ty).into()),
        ("elements", parameter.elements.into()),
        ("trainable", parameter.trainable.into()),
    ])
}

fn function(function: &Function) -> Json {
    Json::Object(vec![
        ("name", (&function.name).into()),
        ("program", program(&function.program)),
        ("passes", Json::list(&function.passes, pass)),
    ])
}

fn pass(pass: &Pass) -> Json {
    Json::Object(vec![
        ("name", pass.name.into()),
        ("before", pass.before.into()),
        ("after", pass.after.into()),
        ("changed", pass.changed.into()),
        ("micros", pass.micros.into()),
    ])
}

fn program(program: &Program) -> Json {
    Json::Object(vec![
        ("flops", cost(program.flops)),
        ("scalars", cost(program.scalars)),
        ("groups", Json::list(&program.groups, group)),
        ("nodes", Json::list(&program.nodes, node)),
        ("kernels", Json::list(&program.kernels, kernel)),
        ("neighbours", Json::list(&program.neighbours, neighbour)),
        ("memory", memory(&program.memory)),
        ("loops", Json::list(&program.loops, looped)),
    ])
}

fn group(group: &Group) -> Json {
    Json::Object(vec![
        ("parent", Json::maybe(group.parent)),
        ("title", (&group.title).into()),
        ("layer", Json::maybe(group.layer.as_ref())),
        ("line", Json::maybe(group.line.as_ref())),
    ])
}

fn node(node: &Node) -> Json {
    Json::Object(vec![
        ("op", node.op.into()),
        ("settings", (&node.settings).into()),
        ("name", Json::maybe(node.name.as_ref())),
        ("type", (&node.ty).into()),
        ("inputs", numbers(&node.inputs)),
        ("group", node.group.into()),
        ("phase", node.phase.name().into()),
        ("role", node.role.name().into()),
        ("kernel", Json::maybe(node.kernel)),
        ("flops", cost(node.flops)),
        ("bytes", cost(node.bytes)),
        ("place", Json::maybe(node.place.as_ref())),
        ("line", Json::maybe(node.line.as_ref())),
    ])
}

fn kernel(kernel: &Kernel) -> Json {
    Json::Object(vec![
        ("name", (&kernel.name).into()),
        ("kind", kernel.kind.into()),
        ("domain", (&kernel.domain).into()),
        ("group", kernel.group.into()),
        ("phase", kernel.phase.name().into()),
        ("nodes", numbers(&kernel.nodes)),
        ("reads", numbers(&kernel.reads)),
        ("writes", numbers(&kernel.writes)),
        ("flops", cost(kernel.flops)),
        ("bytes", cost(kernel.bytes)),
        ("barrier", kernel.barrier.into()),
        ("body", Json::maybe(kernel.body)),
        ("lines", Json::list(&kernel.lines, |line| line.into())),
    ])
}

fn neighbour(pair: &Neighbour) -> Json {
    Json::Object(vec![("from", pair.from.into()), ("to", pair.to.into()), ("why", Json::maybe(pair.why.as_ref()))])
}

fn memory(memory: &Memory) -> Json {
    Json::Object(vec![
        ("arena", memory.arena.into()),
        ("bound", memory.bound.into()),
        ("peak", memory.peak.into()),
        ("buffers", Json::list(&memory.buffers, buffer)),
    ])
}

fn buffer(buffer: &Buffer) -> Json {
    Json::Object(vec![
        ("name", (&buffer.name).into()),
        ("values", numbers(&buffer.values)),
        ("from", buffer.from.into()),
        ("to", buffer.to.into()),
        ("offset", buffer.offset.into()),
        ("size", buffer.size.into()),
    ])
}

fn looped(inner: &Loop) -> Json {
    Json::Object(vec![
        ("kernel", inner.kernel.into()),
        ("steps", inner.steps.into()),
        ("reverse", inner.reverse.into()),
        ("program", program(&inner.program)),
    ])
}

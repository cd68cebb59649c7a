//! Data that the user hands over: `input`, `target`, `class`, `classes`, `tokens`, `weight`.

use super::template::{Fallback, Kind, Parameter, Template};
use super::{Arg, Bound, Builder};
use crate::ir::{DType, InputDecl, InputKind, Type, shape};
use crate::ops::Input;
use crate::resolve::{Effect, Eval, Trace, Value};

const SHAPE: Parameter = Parameter::required("shape", Kind::Shape, "The axes of one row.");
const CLASSES: Parameter = Parameter::required("classes", Kind::Size, "Indices are below it.");

pub(super) const TEMPLATES: &[Template] = &[
    Template {
        name: "input",
        aliases: &[],
        docs: "Floats that the network computes with.",
        params: &[SHAPE],
        layer: false,
        build: |b, args| declare(b, args, |_| InputKind::Dense),
    },
    Template {
        name: "target",
        aliases: &[],
        docs: "Floats that a loss compares with.",
        params: &[SHAPE],
        layer: false,
        build: |b, args| declare(b, args, |_| InputKind::Target),
    },
    Template {
        name: "class",
        aliases: &[],
        docs: "One class index for each row.",
        params: &[CLASSES],
        layer: false,
        build: |b, args| declare(b, args, InputKind::Class),
    },
    Template {
        name: "classes",
        aliases: &[],
        docs: "Class indices for each row, one per step.",
        params: &[SHAPE, CLASSES],
        layer: false,
        build: |b, args| declare(b, args, InputKind::Classes),
    },
    Template {
        name: "tokens",
        aliases: &[],
        docs: "Indices into a vocabulary.",
        params: &[SHAPE, Parameter::required("vocabulary", Kind::Size, "Indices are below it.")],
        layer: false,
        build: |b, args| declare(b, args, InputKind::Tokens),
    },
    Template {
        name: "weight",
        aliases: &[],
        docs: "A sample weight for each row, or for each of its steps; a loss multiplies with it.",
        params: &[Parameter::optional("shape", Kind::Shape, Fallback::Absent, "The steps' axes; none if left out.")],
        layer: false,
        build: |b, args| declare(b, args, |_| InputKind::Weight),
    },
];

fn declare(b: &mut Builder<'_, '_>, args: &Bound, kind: fn(usize) -> InputKind) -> Eval<Value> {
    let what = args.template();
    let Some(name) = b.declaring.take() else {
        let message = format!("`{what}` needs a `let` of its own: its name is the argument's");
        return b.fail_help(b.span, message, &format!("write `let name = {what}(…);` and use `name`"));
    };
    b.resolver.top_level(what, b.span)?;
    // A size is at most 2^30, so that every index is a u32.
    let count = match what {
        "class" | "classes" => b.size(args, "classes")?,
        "tokens" => b.size(args, "vocabulary")?,
        _ => 0,
    };
    let kind = kind(count);
    let dims = match (what, args.get("shape")) {
        ("class", _) | ("weight", Arg::Absent) => Vec::new(),
        _ => b.shape(args, "shape")?,
    };
    if let Some(other) = b.resolver.net.inputs.iter().find(|other| other.name == name) {
        let message = format!("a second input is called `{}`: both become arguments", other.name);
        return b.resolver.fail(name.span(), message);
    }
    let dtype = if kind.classes().is_some() { DType::U32 } else { b.resolver.net.dtype };
    let ty = Type::batched(dtype, dims);
    let node = b.node(Input { index: b.resolver.net.inputs.len(), ty: ty.clone() }, &[])?;
    let text = match kind.classes() {
        Some(count) => format!("{name}  {} below {count}", shape(&ty.dims)),
        None => format!("{name}  {}", shape(&ty.dims)),
    };
    b.resolver.net.inputs.push(InputDecl { name, kind, ty });
    b.story = Some((Trace::Source(text), Effect::Other));
    Ok(Value::Tensor(node))
}

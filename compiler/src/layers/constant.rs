//! Tensors that come from no input: parameters by hand, constants, one-hot vectors.

use super::template::{Fallback, Kind, Parameter, Template};
use super::{Bound, Builder};
use crate::ir::{Type, shape};
use crate::ops::OneHot;
use crate::resolve::{Effect, Eval, Request, Trace, Value};

const SHAPE: Parameter = Parameter::required("shape", Kind::Shape, "Its axes.");

pub(super) const TEMPLATES: &[Template] = &[
    Template {
        name: "param",
        aliases: &[],
        docs: "A parameter declared by hand, named after its `let`. It has no batch.",
        params: &[
            SHAPE,
            Parameter::optional("init", Kind::Init, Fallback::Word("glorot_uniform"), "How it starts."),
            Parameter::optional("trainable", Kind::Flag, Fallback::Flag(true), "Whether the optimizer changes it."),
        ],
        layer: true,
        build: param,
    },
    Template {
        name: "zeros",
        aliases: &[],
        docs: "All 0, without a batch.",
        params: &[SHAPE],
        layer: false,
        build: |b, args| full(b, args, 0.0),
    },
    Template {
        name: "ones",
        aliases: &[],
        docs: "All 1, without a batch.",
        params: &[SHAPE],
        layer: false,
        build: |b, args| full(b, args, 1.0),
    },
    Template {
        name: "full",
        aliases: &[],
        docs: "All the same number, without a batch.",
        params: &[SHAPE, Parameter::required("value", Kind::Number, "The number.")],
        layer: false,
        build: |b, args| {
            let value = b.number(args, "value")?;
            full(b, args, value)
        },
    },
    Template {
        name: "one_hot",
        aliases: &[],
        docs: "For each index a vector with 1 at its place and 0 elsewhere.",
        params: &[
            Parameter::required("index", Kind::Indices, "Class indices or tokens."),
            Parameter::optional("classes", Kind::Size, Fallback::Absent, "The vector's extent; known for inputs."),
        ],
        layer: true,
        build: one_hot,
    },
];

fn param(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (dims, init) = (b.shape(args, "shape")?, b.init(args, "init")?);
    let trainable = b.flag(args, "trainable")?;
    let label = b.resolver.label().unwrap_or_else(|| "param".into());
    b.story = Some((Trace::Source(format!("{label}  {}", shape(&dims))), Effect::Other));
    let request = Request { leaf: None, dims, init, trainable };
    let (_, node) = b.resolver.parameter(&mut b.owner, request, b.span)?;
    Ok(Value::Tensor(node))
}

fn full(b: &mut Builder<'_, '_>, args: &Bound, value: f64) -> Eval<Value> {
    let dims = b.shape(args, "shape")?;
    let ty = Type::fixed(b.resolver.net.dtype, dims);
    b.resolver.filled(value, &ty, b.span).map(Value::Tensor)
}

fn one_hot(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let index = b.tensor(args, "index")?;
    let known = classes(b, index);
    let classes = match (args.get("classes"), known) {
        (super::Arg::Int(_), known) => {
            let classes = b.size(args, "classes")?;
            if let Some(known) = known.filter(|&known| known > classes) {
                let message = format!("`classes` of `one_hot` is {classes}, but the indices go up to {}", known - 1);
                return b.fail_at(args, "classes", message);
            }
            classes
        }
        (_, Some(known)) => known,
        _ => return b.fail("`one_hot` needs `classes` here"),
    };
    let dtype = b.resolver.net.dtype;
    let dims = [b.dims(index), vec![classes]].concat();
    b.fits(args, "classes", &dims)?;
    b.node(OneHot { classes, dtype }, &[index]).map(Value::Tensor)
}

/// How many classes there are: those of an input, or the places of an `argmax`.
pub(super) fn classes(b: &Builder<'_, '_>, index: crate::ir::NodeId) -> Option<usize> {
    b.resolver.classes(index)
}

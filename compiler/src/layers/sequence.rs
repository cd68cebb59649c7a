//! Convolution and pooling over sequences [steps, channels]: as over images of height 1. Axes in front count sequences.

use super::template::{Fallback, Kind, Parameter, Template};
use super::window::{self, Window};
use super::{Arg, Bound, Builder};
use crate::ir::{NodeId, shape};
use crate::ops::{AvgPool2d, Conv2d, MaxPool2d, ReduceKind};
use crate::resolve::{Eval, Padding, Value};

/// A position inside the window is saved as a byte.
const MAX_CELLS: usize = 256;

const SEQUENCE: Parameter = Parameter::required("x", Kind::Tensor, "The sequence.");
const PAD: Parameter = Parameter::optional(
    "pad",
    Kind::Padding,
    Fallback::Word("valid"),
    "Cells around the sequence: valid, same, 1 or (0, 1).",
)
.known_as(&["padding"]);

const WINDOW: &[Parameter] = &[
    SEQUENCE,
    Parameter::optional("size", Kind::Size, Fallback::Int(2), "The window's steps.").known_as(&[
        "pool_size",
        "kernel",
        "kernel_size",
    ]),
    Parameter::optional(
        "stride",
        Kind::Size,
        Fallback::Absent,
        "Steps from one window to the next; its size if left out.",
    )
    .known_as(&["strides"]),
    PAD,
];

const GLOBAL: &[Parameter] = &[
    SEQUENCE,
    Parameter::optional("keepdims", Kind::Flag, Fallback::Flag(false), "Whether the axis stays, with extent 1."),
];

const fn layer(
    name: &'static str,
    docs: &'static str,
    params: &'static [Parameter],
    build: fn(&mut Builder<'_, '_>, &Bound) -> Eval<Value>,
) -> Template {
    Template { name, aliases: &[], docs, params, layer: true, build }
}

pub(super) const TEMPLATES: &[Template] = &[
    layer(
        "conv1d",
        "A convolution over a sequence [steps, channels]; weight [kernel, channels / groups, filters], as Keras's \
         Conv1D.",
        &[
            SEQUENCE,
            Parameter::required("filters", Kind::Size, "The channels of the result."),
            Parameter::required("kernel", Kind::Size, "The window's steps.").known_as(&["kernel_size", "size"]),
            Parameter::optional("stride", Kind::Size, Fallback::Int(1), "Steps from one window to the next.")
                .known_as(&["strides"]),
            PAD,
            Parameter::optional("dilation", Kind::Size, Fallback::Int(1), "Steps between the window's cells.")
                .known_as(&["dilation_rate"]),
            Parameter::optional("groups", Kind::Size, Fallback::Int(1), "Parts that the channels are split into."),
            Parameter::optional(
                "causal",
                Kind::Flag,
                Fallback::Flag(false),
                "Zeros in front alone, so that no step sees a later one: Keras's padding causal.",
            ),
            Parameter::optional("bias", Kind::Flag, Fallback::Flag(true), "Whether a bias is added.")
                .known_as(&["use_bias"]),
            Parameter::optional("init", Kind::Init, Fallback::Word("glorot_uniform"), "How the weight starts.")
                .known_as(&["kernel_initializer"]),
            Parameter::optional("bias_init", Kind::Init, Fallback::Word("zeros"), "How the bias starts.")
                .known_as(&["bias_initializer"]),
        ],
        conv1d,
    ),
    Template {
        name: "last",
        aliases: &[],
        docs: "The last part along the first axis; of a loop's states, the one that it ended with, whichever way it \
               went.",
        params: &[SEQUENCE],
        layer: false,
        build: |b, args| {
            let x = b.tensor(args, "x")?;
            b.resolver.last_step(x, b.span).map(Value::Tensor)
        },
    },
    layer("max_pool1d", "The largest value of each window, as Keras's MaxPooling1D.", WINDOW, |b, args| {
        pool(b, args, true)
    }),
    layer("avg_pool1d", "The mean of each window, as Keras's AveragePooling1D.", WINDOW, |b, args| {
        pool(b, args, false)
    }),
    layer("global_max_pool1d", "The largest value of each channel.", GLOBAL, |b, args| {
        let x = b.tensor(args, "x")?;
        sequence(b, args, x)?;
        let keep = b.flag(args, "keepdims")?;
        let steps = b.dims(x).len().saturating_sub(2);
        b.reduce(ReduceKind::Max, x, &[steps], keep).map(Value::Tensor)
    }),
    layer("global_avg_pool1d", "The mean of each channel.", GLOBAL, |b, args| {
        let x = b.tensor(args, "x")?;
        sequence(b, args, x)?;
        let keep = b.flag(args, "keepdims")?;
        let steps = b.dims(x).len().saturating_sub(2);
        b.mean(x, &[steps], keep).map(Value::Tensor)
    }),
];

/// Steps and channels.
pub(super) fn sequence(b: &mut Builder<'_, '_>, args: &Bound, x: NodeId) -> Eval<[usize; 2]> {
    let dims = b.dims(x);
    match *dims.as_slice() {
        [.., steps, channels] => Ok([steps, channels]),
        _ => {
            let message =
                format!("`{}` needs a sequence [steps, channels], and this is {}", args.template(), shape(&dims));
            let help = match dims.as_slice() {
                [steps] => Some(format!("reshape([{steps}, 1]) makes one channel of it")),
                _ => None,
            };
            b.shape_error(b.span, message, &[x], help)
        }
    }
}

/// Cells before and after a sequence.
pub(super) fn ends(b: &mut Builder<'_, '_>, args: &Bound, name: &str) -> Eval<Option<[usize; 2]>> {
    match b.padding(args, name)? {
        Padding::Explicit([[low, also_low], [high, also_high]]) if low == also_low && high == also_high => {
            Ok(Some([low, high]))
        }
        Padding::Explicit(_) => {
            b.fail_at(args, name, format!("`{name}` of a sequence is a number or a pair: 1 or (0, 1)"))
        }
        Padding::Valid | Padding::Same => Ok(None),
    }
}

/// The sequence as an image, and its padding.
pub(super) fn image(
    b: &mut Builder<'_, '_>,
    args: &Bound,
    x: NodeId,
    window: &Window,
    size: &str,
) -> Eval<(NodeId, [[usize; 2]; 2])> {
    let padding = match ends(b, args, "pad")? {
        Some(ends) => Padding::Explicit([[0, 0], ends]),
        None => b.padding(args, "pad")?,
    };
    padded(b, args, x, window, size, padding)
}

/// The sequence as an image, and this padding in cells.
fn padded(
    b: &mut Builder<'_, '_>,
    args: &Bound,
    x: NodeId,
    window: &Window,
    size: &str,
    padding: Padding,
) -> Eval<(NodeId, [[usize; 2]; 2])> {
    let [steps, channels] = sequence(b, args, x)?;
    let mut dims = b.dims(x);
    dims.truncate(dims.len().saturating_sub(2));
    dims.extend([1, steps, channels]);
    let image = b.reshape(x, &dims)?;
    let pad = window::pad(b, args, image, window, padding, size)?;
    Ok((image, pad))
}

/// The image of height 1 as a sequence again.
pub(super) fn flat(b: &mut Builder<'_, '_>, image: NodeId) -> Eval<NodeId> {
    let mut dims = b.dims(image);
    if let Some(height) = dims.len().checked_sub(3) {
        dims.remove(height);
    }
    b.reshape(image, &dims)
}

fn conv1d(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let x = b.tensor(args, "x")?;
    let [_, channels] = sequence(b, args, x)?;
    let (filters, groups) = (b.size(args, "filters")?, b.size(args, "groups")?);
    if !channels.is_multiple_of(groups) {
        let message = format!("{channels} channels of {} can't be split into {groups} groups", shape(&b.dims(x)));
        return b.shape_error(args.span("groups"), message, &[x], None);
    }
    if !filters.is_multiple_of(groups) {
        return b.fail_at(args, "groups", format!("{filters} filters can't be split into {groups} groups"));
    }
    let kernel = b.size(args, "kernel")?;
    let (stride, dilation) = ([1, b.size(args, "stride")?], [1, b.size(args, "dilation")?]);
    let window = Window { size: [1, kernel], stride, dilation };
    let (image, pad) = if b.flag(args, "causal")? {
        if b.padding(args, "pad")? != Padding::Valid {
            return b.fail_at(args, "pad", "a causal convolution has its own padding: leave `pad` out");
        }
        let front = (kernel - 1).saturating_mul(dilation[1]);
        padded(b, args, x, &window, "kernel", Padding::Explicit([[0, 0], [front, 0]]))?
    } else {
        image(b, args, x, &window, "kernel")?
    };
    let (init, bias_init) = (b.init(args, "init")?, b.init(args, "bias_init")?);
    let inputs = channels / groups;
    b.fits(args, "filters", &[kernel, inputs, filters])?;
    let weight = b.param("weight", &[kernel, inputs, filters], init)?;
    let weight = b.reshape(weight, &[1, kernel, inputs, filters])?;
    let conv = b.node(Conv2d { stride, pad, dilation, groups }, &[image, weight])?;
    let mut result = flat(b, conv)?;
    if b.flag(args, "bias")? {
        let bias = b.param("bias", &[filters], bias_init)?;
        result = b.add(result, bias)?;
    }
    Ok(Value::Tensor(result))
}

fn pool(b: &mut Builder<'_, '_>, args: &Bound, max: bool) -> Eval<Value> {
    let x = b.tensor(args, "x")?;
    sequence(b, args, x)?;
    let steps = b.size(args, "size")?;
    let stride = match args.get("stride") {
        Arg::Absent => steps,
        _ => b.size(args, "stride")?,
    };
    if max && steps > MAX_CELLS {
        let message = format!("a window of {steps} steps is too large: at most {MAX_CELLS}");
        return b.fail_at(args, "size", message);
    }
    let (size, stride) = ([1, steps], [1, stride]);
    let (image, pad) = image(b, args, x, &Window { size, stride, dilation: [1, 1] }, "size")?;
    if pad[1].iter().any(|&cells| cells >= steps) {
        return b.fail_at(args, "pad", "the padding must be smaller than the window: some would hold nothing else");
    }
    let result = match max {
        true => b.node(MaxPool2d { size, stride, pad }, &[image])?,
        false => b.node(AvgPool2d { size, stride, pad }, &[image])?,
    };
    flat(b, result).map(Value::Tensor)
}

//! Convolutions of sequences whose channels are apart from each other: as over images of height 1.

use super::sequence::{flat, image, sequence};
use super::template::{Fallback, Kind, Parameter, Template};
use super::window::Window;
use super::{Bound, Builder};
use crate::ir::{Init, NodeId};
use crate::ops::Conv2d;
use crate::resolve::{Eval, Value};

const SEQUENCE: Parameter = Parameter::required("x", Kind::Tensor, "The sequence.");
const KERNEL: Parameter =
    Parameter::required("kernel", Kind::Size, "The window's steps.").known_as(&["kernel_size", "size"]);
const STRIDE: Parameter =
    Parameter::optional("stride", Kind::Size, Fallback::Int(1), "Steps from one window to the next.")
        .known_as(&["strides"]);
const PAD: Parameter = Parameter::optional(
    "pad",
    Kind::Padding,
    Fallback::Word("valid"),
    "Cells around the sequence: valid, same, 1 or (0, 1).",
)
.known_as(&["padding"]);
const MULTIPLIER: Parameter =
    Parameter::optional("depth_multiplier", Kind::Size, Fallback::Int(1), "Results of each channel.");
const DILATION: Parameter =
    Parameter::optional("dilation", Kind::Size, Fallback::Int(1), "Steps between the window's cells.")
        .known_as(&["dilation_rate"]);
const BIAS: Parameter =
    Parameter::optional("bias", Kind::Flag, Fallback::Flag(true), "Whether a bias is added.").known_as(&["use_bias"]);
const BIAS_INIT: Parameter =
    Parameter::optional("bias_init", Kind::Init, Fallback::Word("zeros"), "How the bias starts.")
        .known_as(&["bias_initializer"]);

const fn init(name: &'static str, docs: &'static str, known: &'static [&'static str]) -> Parameter {
    Parameter::optional(name, Kind::Init, Fallback::Word("glorot_uniform"), docs).known_as(known)
}

pub(super) const TEMPLATES: &[Template] = &[
    Template {
        name: "depthwise_conv1d",
        aliases: &[],
        docs: "A convolution of each channel by itself; weight [kernel, channels, depth_multiplier], as Keras's \
               DepthwiseConv1D.",
        params: &[
            SEQUENCE,
            KERNEL,
            STRIDE,
            PAD,
            MULTIPLIER,
            DILATION,
            BIAS,
            init("init", "How the weight starts.", &["depthwise_initializer"]),
            BIAS_INIT,
        ],
        layer: true,
        build: |b, args| {
            let start = b.init(args, "init")?;
            let result = depthwise(b, args, "weight", start)?;
            finish(b, args, result)
        },
    },
    Template {
        name: "separable_conv1d",
        aliases: &[],
        docs: "A convolution of each channel by itself, then one of single steps over all channels (Chollet, 2017); \
               depthwise_weight [kernel, channels, depth_multiplier], pointwise_weight [1, channels · \
               depth_multiplier, filters], as Keras's SeparableConv1D.",
        params: &[
            SEQUENCE,
            Parameter::required("filters", Kind::Size, "The channels of the result."),
            KERNEL,
            STRIDE,
            PAD,
            DILATION,
            MULTIPLIER,
            BIAS,
            init("depthwise_init", "How depthwise_weight starts.", &["depthwise_initializer"]),
            init("pointwise_init", "How pointwise_weight starts.", &["pointwise_initializer"]),
            BIAS_INIT,
        ],
        layer: true,
        build: separable,
    },
];

/// The convolution of each channel, still an image of height 1.
fn depthwise(b: &mut Builder<'_, '_>, args: &Bound, leaf: &'static str, init: Init) -> Eval<NodeId> {
    let x = b.tensor(args, "x")?;
    let [_, channels] = sequence(b, args, x)?;
    let (kernel, multiplier) = (b.size(args, "kernel")?, b.size(args, "depth_multiplier")?);
    let window =
        Window { size: [1, kernel], stride: [1, b.size(args, "stride")?], dilation: [1, b.size(args, "dilation")?] };
    let (image, pad) = image(b, args, x, &window, "kernel")?;
    b.fits(args, "depth_multiplier", &[kernel, channels, multiplier])?;
    let weight = b.param(leaf, &[kernel, channels, multiplier], init)?;
    // A group is a channel, and its filters stand next to each other: the same order.
    let weight = b.reshape(weight, &[1, kernel, 1, channels * multiplier])?;
    let conv = Conv2d { stride: window.stride, pad, dilation: window.dilation, groups: channels };
    b.node(conv, &[image, weight])
}

fn separable(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (first, second) = (b.init(args, "depthwise_init")?, b.init(args, "pointwise_init")?);
    let middle = depthwise(b, args, "depthwise_weight", first)?;
    let filters = b.size(args, "filters")?;
    let channels = b.dims(middle).last().copied().unwrap_or(1);
    b.fits(args, "filters", &[channels, filters])?;
    let weight = b.param("pointwise_weight", &[1, channels, filters], second)?;
    let weight = b.reshape(weight, &[1, 1, channels, filters])?;
    let conv = Conv2d { stride: [1, 1], pad: [[0; 2]; 2], dilation: [1, 1], groups: 1 };
    let result = b.node(conv, &[middle, weight])?;
    finish(b, args, result)
}

/// The image as a sequence, with its bias.
fn finish(b: &mut Builder<'_, '_>, args: &Bound, image: NodeId) -> Eval<Value> {
    let result = flat(b, image)?;
    if !b.flag(args, "bias")? {
        return Ok(Value::Tensor(result));
    }
    let init = b.init(args, "bias_init")?;
    let channels = b.dims(result).last().copied().unwrap_or(1);
    let bias = b.param("bias", &[channels], init)?;
    b.add(result, bias).map(Value::Tensor)
}

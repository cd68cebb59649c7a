//! Convolutions whose channels are apart from each other.

use super::template::{Fallback, Kind, Parameter, Template};
use super::window::{self, Window};
use super::{Bound, Builder};
use crate::ir::{Init, NodeId};
use crate::ops::Conv2d;
use crate::resolve::{Eval, Value};

const IMAGE: Parameter = Parameter::required("x", Kind::Tensor, "The image.");
const KERNEL: Parameter =
    Parameter::required("kernel", Kind::Pair, "The window's height and width.").known_as(&["kernel_size", "size"]);
const STRIDE: Parameter =
    Parameter::optional("stride", Kind::Pair, Fallback::Int(1), "Cells from one window to the next.")
        .known_as(&["strides"]);
const PAD: Parameter = Parameter::optional("pad", Kind::Padding, Fallback::Word("valid"), "Zeros around the image.")
    .known_as(&["padding"]);
const MULTIPLIER: Parameter =
    Parameter::optional("depth_multiplier", Kind::Size, Fallback::Int(1), "Results of each channel.");
const DILATION: Parameter =
    Parameter::optional("dilation", Kind::Pair, Fallback::Int(1), "Cells between the window's cells.")
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
        name: "depthwise_conv2d",
        aliases: &[],
        docs: "A convolution of each channel by itself; weight [kh, kw, channels, depth_multiplier], as Keras's \
               DepthwiseConv2D.",
        params: &[
            IMAGE,
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
            bias(b, args, result)
        },
    },
    Template {
        name: "separable_conv2d",
        aliases: &[],
        docs: "A convolution of each channel by itself, then one of single cells over all channels (Chollet, 2017); \
               depthwise_weight [kh, kw, channels, depth_multiplier], pointwise_weight [1, 1, channels · \
               depth_multiplier, filters], as Keras's SeparableConv2D.",
        params: &[
            IMAGE,
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

fn depthwise(b: &mut Builder<'_, '_>, args: &Bound, leaf: &'static str, init: Init) -> Eval<NodeId> {
    let x = b.tensor(args, "x")?;
    let [_, _, channels] = window::image(b, args, x)?;
    let window =
        Window { size: b.pair(args, "kernel")?, stride: b.pair(args, "stride")?, dilation: b.pair(args, "dilation")? };
    let padding = b.padding(args, "pad")?;
    let pad = window::pad(b, args, x, &window, padding, "kernel")?;
    let conv = Conv2d { stride: window.stride, pad, dilation: window.dilation, groups: channels };
    let multiplier = b.size(args, "depth_multiplier")?;
    let [height, width] = window.size;
    b.fits(args, "depth_multiplier", &[height, width, channels, multiplier])?;
    let weight = b.param(leaf, &[height, width, channels, multiplier], init)?;
    // A group is a channel, and its filters stand next to each other: the same order.
    let weight = b.reshape(weight, &[height, width, 1, channels * multiplier])?;
    b.node(conv, &[x, weight])
}

fn separable(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (first, second) = (b.init(args, "depthwise_init")?, b.init(args, "pointwise_init")?);
    let middle = depthwise(b, args, "depthwise_weight", first)?;
    let filters = b.size(args, "filters")?;
    let channels = b.dims(middle).last().copied().unwrap_or(1);
    b.fits(args, "filters", &[channels, filters])?;
    let weight = b.param("pointwise_weight", &[1, 1, channels, filters], second)?;
    let conv = Conv2d { stride: [1, 1], pad: [[0; 2]; 2], dilation: [1, 1], groups: 1 };
    let result = b.node(conv, &[middle, weight])?;
    bias(b, args, result)
}

fn bias(b: &mut Builder<'_, '_>, args: &Bound, x: NodeId) -> Eval<Value> {
    if !b.flag(args, "bias")? {
        return Ok(Value::Tensor(x));
    }
    let init = b.init(args, "bias_init")?;
    let channels = b.dims(x).last().copied().unwrap_or(1);
    let bias = b.param("bias", &[channels], init)?;
    b.add(x, bias).map(Value::Tensor)
}

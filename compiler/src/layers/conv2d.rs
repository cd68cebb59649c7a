//! `conv2d`

use super::template::{Fallback, Kind, Parameter, Template};
use super::window::{self, Window};
use super::{Bound, Builder};
use crate::ir::shape;
use crate::ops::Conv2d;
use crate::resolve::{Eval, Padding, Value};

pub(super) const TEMPLATES: &[Template] = &[Template {
    name: "conv2d",
    aliases: &[],
    docs: "A convolution over an image [height, width, channels]; weight [kh, kw, channels / groups, filters], as \
           Keras's Conv2D.",
    params: &[
        Parameter::required("x", Kind::Tensor, "The image."),
        Parameter::required("filters", Kind::Size, "The channels of the result."),
        Parameter::required("kernel", Kind::Pair, "The window's height and width.").known_as(&["kernel_size", "size"]),
        Parameter::optional("stride", Kind::Pair, Fallback::Int(1), "Cells from one window to the next.")
            .known_as(&["strides"]),
        Parameter::optional("pad", Kind::Padding, Fallback::Word("valid"), "Zeros around the image.")
            .known_as(&["padding"]),
        Parameter::optional("dilation", Kind::Pair, Fallback::Int(1), "Cells between the window's cells.")
            .known_as(&["dilation_rate"]),
        Parameter::optional("groups", Kind::Size, Fallback::Int(1), "Parts that the channels are split into."),
        Parameter::optional("bias", Kind::Flag, Fallback::Flag(true), "Whether a bias is added.")
            .known_as(&["use_bias"]),
        Parameter::optional("init", Kind::Init, Fallback::Word("glorot_uniform"), "How the weight starts.")
            .known_as(&["kernel_initializer"]),
        Parameter::optional("bias_init", Kind::Init, Fallback::Word("zeros"), "How the bias starts.")
            .known_as(&["bias_initializer"]),
    ],
    layer: true,
    build,
}];

fn build(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let x = b.tensor(args, "x")?;
    let [_, _, channels] = window::image(b, args, x)?;
    let (filters, groups) = (b.size(args, "filters")?, b.size(args, "groups")?);
    if !channels.is_multiple_of(groups) {
        let message = format!("{channels} channels of {} can't be split into {groups} groups", shape(&b.dims(x)));
        return b.shape_error(args.span("groups"), message, &[x], None);
    }
    if !filters.is_multiple_of(groups) {
        return b.fail_at(args, "groups", format!("{filters} filters can't be split into {groups} groups"));
    }
    let window =
        Window { size: b.pair(args, "kernel")?, stride: b.pair(args, "stride")?, dilation: b.pair(args, "dilation")? };
    let padding = b.padding(args, "pad")?;
    let pad = window::pad(b, args, x, &window, padding, "kernel")?;
    let conv = Conv2d { stride: window.stride, pad, dilation: window.dilation, groups };
    let (init, bias_init) = (b.init(args, "init")?, b.init(args, "bias_init")?);
    let [height, width] = window.size;
    let dims = [height, width, channels / groups, filters];
    b.fits(args, "filters", &dims)?;
    let weight = b.param("weight", &dims, init)?;
    let mut result = b.node(conv, &[x, weight])?;
    if b.flag(args, "bias")? {
        let bias = b.param("bias", &[filters], bias_init)?;
        result = b.add(result, bias)?;
    }
    let mut settings = format!("conv2d k={}", window::pair(window.size));
    if window.stride != [1, 1] {
        settings += &format!(" stride={}", window::pair(window.stride));
    }
    match padding {
        Padding::Valid => {}
        Padding::Same => settings += " pad=same",
        Padding::Explicit([[top, bottom], [left, right]]) if top == bottom && left == right => {
            settings += &format!(" pad={}", window::pair([top, left]));
        }
        Padding::Explicit([[top, bottom], [left, right]]) => {
            settings += &format!(" pad=(({top}, {bottom}), ({left}, {right}))");
        }
    }
    window::tell(b, &settings, x, result, &window, (padding, pad), true);
    Ok(Value::Tensor(result))
}

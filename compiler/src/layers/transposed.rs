//! Transposed convolutions: convolutions' input gradients, for making images larger.

use super::sequence::{ends, sequence};
use super::template::{Fallback, Kind, Parameter, Template};
use super::{Arg, Bound, Builder, window};
use crate::ir::{NodeId, shape};
use crate::ops::window::Padding as Resolved;
use crate::ops::{Conv2d, Conv2dInputGrad};
use crate::resolve::{Eval, Padding, Value};

const PAD: Parameter = Parameter::optional(
    "pad",
    Kind::Padding,
    Fallback::Word("valid"),
    "What the convolution of the result would be padded with: cells that go.",
)
.known_as(&["padding"]);
const BIAS: Parameter =
    Parameter::optional("bias", Kind::Flag, Fallback::Flag(true), "Whether a bias is added.").known_as(&["use_bias"]);
const INIT: Parameter =
    Parameter::optional("init", Kind::Init, Fallback::Word("glorot_uniform"), "How the weight starts.")
        .known_as(&["kernel_initializer"]);
const BIAS_INIT: Parameter =
    Parameter::optional("bias_init", Kind::Init, Fallback::Word("zeros"), "How the bias starts.")
        .known_as(&["bias_initializer"]);
const FILTERS: Parameter = Parameter::required("filters", Kind::Size, "The channels of the result.");

pub(super) const TEMPLATES: &[Template] = &[
    Template {
        name: "conv2d_transpose",
        aliases: &[],
        docs: "A transposed convolution over an image [height, width, channels] (Dumoulin and Visin, 2016): with \
               stride s the image becomes s times as large; weight [kh, kw, filters, channels], as Keras's \
               Conv2DTranspose.",
        params: &[
            Parameter::required("x", Kind::Tensor, "The image."),
            FILTERS,
            Parameter::required("kernel", Kind::Pair, "The window's height and width.")
                .known_as(&["kernel_size", "size"]),
            Parameter::optional("stride", Kind::Pair, Fallback::Int(1), "Cells from one window to the next.")
                .known_as(&["strides"]),
            PAD,
            Parameter::optional(
                "output_padding",
                Kind::PerAxis,
                Fallback::Absent,
                "Cells that the result has at the high sides beyond its windows, [height, width]; Keras's choice if \
                 left out.",
            ),
            Parameter::optional("dilation", Kind::Pair, Fallback::Int(1), "Cells between the window's cells.")
                .known_as(&["dilation_rate"]),
            BIAS,
            INIT,
            BIAS_INIT,
        ],
        layer: true,
        build: conv2d_transpose,
    },
    Template {
        name: "conv1d_transpose",
        aliases: &[],
        docs: "A transposed convolution over a sequence [steps, channels]; weight [kernel, filters, channels], as \
               Keras's Conv1DTranspose.",
        params: &[
            Parameter::required("x", Kind::Tensor, "The sequence."),
            FILTERS,
            Parameter::required("kernel", Kind::Size, "The window's steps.").known_as(&["kernel_size", "size"]),
            Parameter::optional("stride", Kind::Size, Fallback::Int(1), "Steps from one window to the next.")
                .known_as(&["strides"]),
            PAD,
            Parameter::optional(
                "output_padding",
                Kind::PerAxis,
                Fallback::Absent,
                "Steps that the result has at its end beyond its windows; Keras's choice if left out.",
            ),
            Parameter::optional("dilation", Kind::Size, Fallback::Int(1), "Steps between the window's cells.")
                .known_as(&["dilation_rate"]),
            BIAS,
            INIT,
            BIAS_INIT,
        ],
        layer: true,
        build: conv1d_transpose,
    },
];

/// A transposed convolution's settings.
struct Settings {
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    padding: Padding,
    extra: [Option<usize>; 2],
}

fn conv2d_transpose(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let x = b.tensor(args, "x")?;
    let [_, _, channels] = window::image(b, args, x)?;
    let settings = Settings {
        kernel: b.pair(args, "kernel")?,
        stride: b.pair(args, "stride")?,
        dilation: b.pair(args, "dilation")?,
        padding: b.padding(args, "pad")?,
        extra: match extra(b, args)?.as_slice() {
            [] => [None; 2],
            [both] => [Some(*both); 2],
            [height, width] => [Some(*height), Some(*width)],
            _ => return b.fail_at(args, "output_padding", "`output_padding` is a number, or [height, width]"),
        },
    };
    let filters = b.size(args, "filters")?;
    let dims = [settings.kernel[0], settings.kernel[1], filters, channels];
    b.fits(args, "filters", &dims)?;
    let init = b.init(args, "init")?;
    let weight = b.param("weight", &dims, init)?;
    let result = transposed(b, args, x, weight, &settings)?;
    bias(b, args, result, filters)
}

fn conv1d_transpose(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let x = b.tensor(args, "x")?;
    let [steps, channels] = sequence(b, args, x)?;
    let padding = match ends(b, args, "pad")? {
        Some(ends) => Padding::Explicit([[0, 0], ends]),
        None => b.padding(args, "pad")?,
    };
    let along = match extra(b, args)?.as_slice() {
        [] => None,
        [steps] => Some(*steps),
        _ => return b.fail_at(args, "output_padding", "`output_padding` of a sequence is one number"),
    };
    let kernel = b.size(args, "kernel")?;
    let settings = Settings {
        kernel: [1, kernel],
        stride: [1, b.size(args, "stride")?],
        dilation: [1, b.size(args, "dilation")?],
        padding,
        extra: [None, along],
    };
    let filters = b.size(args, "filters")?;
    b.fits(args, "filters", &[kernel, filters, channels])?;
    let init = b.init(args, "init")?;
    let weight = b.param("weight", &[kernel, filters, channels], init)?;
    let weight = b.reshape(weight, &[1, kernel, filters, channels])?;
    let mut dims = b.dims(x);
    dims.truncate(dims.len().saturating_sub(2));
    let lead = dims.len();
    dims.extend([1, steps, channels]);
    let image = b.reshape(x, &dims)?;
    let result = transposed(b, args, image, weight, &settings)?;
    let mut dims = b.dims(result);
    dims.remove(lead);
    let result = b.reshape(result, &dims)?;
    bias(b, args, result, filters)
}

/// The cells beyond the windows, as given.
fn extra(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Vec<usize>> {
    let Arg::Ints(values) = args.get("output_padding") else { return Ok(Vec::new()) };
    let mut cells = Vec::new();
    for &(value, span) in values {
        match usize::try_from(value) {
            Ok(value) => cells.push(value),
            Err(_) => return b.resolver.fail(span, format!("`output_padding` is {value}: it must be at least 0")),
        }
    }
    Ok(cells)
}

/// The image whose convolution has the shape of x, without bias. Sizes are those of Keras on TensorFlow.
fn transposed(b: &mut Builder<'_, '_>, args: &Bound, x: NodeId, weight: NodeId, settings: &Settings) -> Eval<NodeId> {
    let [height, width, _] = window::image(b, args, x)?;
    let Settings { kernel, stride, dilation, padding, extra } = *settings;
    let mut output = [0; 2];
    for (axis, &size) in [height, width].iter().enumerate() {
        let span = (kernel[axis] - 1).saturating_mul(dilation[axis]).saturating_add(1);
        let windows = (size - 1).saturating_mul(stride[axis]);
        if let Some(more) = extra[axis].filter(|&more| more >= stride[axis]) {
            let message = format!("`output_padding` of {more} is not below the stride, {}", stride[axis]);
            return b.fail_at(args, "output_padding", message);
        }
        let extent = match (padding, extra[axis]) {
            (Padding::Same, None) => Some(size.saturating_mul(stride[axis])),
            (Padding::Same, Some(more)) => Some(windows.saturating_add(span % 2).saturating_add(more)),
            (Padding::Valid, None) => Some(windows.saturating_add(span.max(stride[axis]))),
            (Padding::Valid, Some(more)) => Some(windows.saturating_add(span).saturating_add(more)),
            (Padding::Explicit(pad), more) => {
                let [low, high] = pad[axis];
                let whole = windows.saturating_add(span).saturating_add(more.unwrap_or_default());
                whole.checked_sub(low.saturating_add(high))
            }
        };
        match extent {
            Some(extent @ 1..) => output[axis] = extent,
            _ => {
                let message = format!("the padding leaves nothing of {}", shape(&b.dims(x)));
                return b.shape_error(args.span("pad"), message, &[x], None);
            }
        }
    }
    b.fits(args, "stride", &output)?;
    let pad = match padding {
        Padding::Valid => Ok([[0; 2]; 2]),
        Padding::Same => Resolved::Same.resolve(output, kernel, stride, dilation),
        Padding::Explicit(pad) => Ok(pad),
    };
    let conv = match pad {
        Ok(pad) => Conv2d { stride, pad, dilation, groups: 1 },
        Err(message) => return b.fail(message),
    };
    // A result that is not as large as its windows say belongs to another image.
    if conv.output(output, kernel) != Ok([height, width]) {
        let message = format!("no result of {} has a convolution of these settings", shape(&b.dims(x)));
        return b.shape_error(args.span("output_padding"), message, &[x], None);
    }
    b.node(Conv2dInputGrad { conv, input: output }, &[x, weight])
}

fn bias(b: &mut Builder<'_, '_>, args: &Bound, x: NodeId, filters: usize) -> Eval<Value> {
    if !b.flag(args, "bias")? {
        return Ok(Value::Tensor(x));
    }
    let init = b.init(args, "bias_init")?;
    let bias = b.param("bias", &[filters], init)?;
    b.add(x, bias).map(Value::Tensor)
}

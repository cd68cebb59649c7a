//! Pooling over windows, and over whole images.

use super::template::{Fallback, Kind, Parameter, Template};
use super::window::{self, Window};
use super::{Arg, Bound, Builder};
use crate::ops::{AvgPool2d, MaxPool2d, ReduceKind};
use crate::resolve::{Eval, Padding, Value};

/// A position inside the window is saved as a byte.
const MAX_CELLS: usize = 256;

const IMAGE: Parameter = Parameter::required("x", Kind::Tensor, "The image.");

const WINDOW: &[Parameter] = &[
    IMAGE,
    Parameter::optional("size", Kind::Pair, Fallback::Int(2), "The window's height and width.").known_as(&[
        "pool_size",
        "kernel",
        "kernel_size",
    ]),
    Parameter::optional(
        "stride",
        Kind::Pair,
        Fallback::Absent,
        "Cells from one window to the next; its size if left out.",
    )
    .known_as(&["strides"]),
    Parameter::optional("pad", Kind::Padding, Fallback::Word("valid"), "Cells around the image; they don't count.")
        .known_as(&["padding"]),
];

const GLOBAL: &[Parameter] = &[
    IMAGE,
    Parameter::optional("keepdims", Kind::Flag, Fallback::Flag(false), "Whether both axes stay, with extent 1."),
];

pub(super) const TEMPLATES: &[Template] = &[
    Template {
        name: "max_pool2d",
        aliases: &[],
        docs: "The largest value of each window, as Keras's MaxPooling2D.",
        params: WINDOW,
        layer: true,
        build: |b, args| pool(b, args, true),
    },
    Template {
        name: "avg_pool2d",
        aliases: &[],
        docs: "The mean of each window, as Keras's AveragePooling2D.",
        params: WINDOW,
        layer: true,
        build: |b, args| pool(b, args, false),
    },
    Template {
        name: "global_max_pool2d",
        aliases: &[],
        docs: "The largest value of each channel.",
        params: GLOBAL,
        layer: true,
        build: |b, args| global(b, args, true),
    },
    Template {
        name: "global_avg_pool2d",
        aliases: &[],
        docs: "The mean of each channel.",
        params: GLOBAL,
        layer: true,
        build: |b, args| global(b, args, false),
    },
];

fn pool(b: &mut Builder<'_, '_>, args: &Bound, max: bool) -> Eval<Value> {
    let x = b.tensor(args, "x")?;
    window::image(b, args, x)?;
    let size = b.pair(args, "size")?;
    let stride = match args.get("stride") {
        Arg::Pair(stride) => *stride,
        _ => size,
    };
    if max && size[0].saturating_mul(size[1]) > MAX_CELLS {
        let message = format!("a window of {}×{} cells is too large: at most {MAX_CELLS} cells", size[0], size[1]);
        return b.fail_at(args, "size", message);
    }
    let window = Window { size, stride, dilation: [1, 1] };
    let padding = b.padding(args, "pad")?;
    let pad = window::pad(b, args, x, &window, padding, "size")?;
    for axis in 0..2 {
        if pad[axis].iter().any(|&cells| cells >= size[axis]) {
            return b.fail_at(args, "pad", "the padding must be smaller than the window: some would hold nothing else");
        }
    }
    let result = match max {
        true => b.node(MaxPool2d { size, stride, pad }, &[x])?,
        false => b.node(AvgPool2d { size, stride, pad }, &[x])?,
    };
    let mut settings = args.template().to_string();
    if stride != size {
        settings += &format!(" size={} stride={}", window::pair(size), window::pair(stride));
    }
    if padding == Padding::Same {
        settings += " pad=same";
    }
    window::tell(b, &settings, x, result, &window, (padding, pad), false);
    Ok(Value::Tensor(result))
}

fn global(b: &mut Builder<'_, '_>, args: &Bound, max: bool) -> Eval<Value> {
    let x = b.tensor(args, "x")?;
    window::image(b, args, x)?;
    let keep = b.flag(args, "keepdims")?;
    let height = b.dims(x).len().saturating_sub(3);
    let axes = [height, height + 1];
    let result = match max {
        true => b.reduce(ReduceKind::Max, x, &axes, keep)?,
        false => b.mean(x, &axes, keep)?,
    };
    Ok(Value::Tensor(result))
}

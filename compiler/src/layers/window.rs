//! What convolutions and pools share: windows over the height and the width of images.

use super::{Bound, Builder};
use crate::ir::{NodeId, shape};
use crate::resolve::{Effect, Eval, Padding, Trace};

/// A window that moves over an image.
pub(super) struct Window {
    pub(super) size: [usize; 2],
    pub(super) stride: [usize; 2],
    pub(super) dilation: [usize; 2],
}

/// Height, width and channels of an image; axes in front count images.
pub(super) fn image(b: &mut Builder<'_, '_>, args: &Bound, x: NodeId) -> Eval<[usize; 3]> {
    let dims = b.dims(x);
    match *dims.as_slice() {
        [.., height, width, channels] => Ok([height, width, channels]),
        _ => {
            let message =
                format!("`{}` needs an image [height, width, channels], and this is {}", args.template(), shape(&dims));
            let help = match dims.as_slice() {
                [height, width] => Some(format!("reshape([{height}, {width}, 1]) makes one channel of it")),
                [1] => None,
                [pixels] => {
                    let side = pixels.isqrt();
                    (side * side == *pixels).then(|| format!("reshape([{side}, {side}, 1]) makes an image of it"))
                }
                _ => None,
            };
            b.shape_error(b.span, message, &[x], help)
        }
    }
}

/// The padding in cells per axis, low and high. Keras's `same` gives the odd cell to the high side.
pub(super) fn pad(
    b: &mut Builder<'_, '_>,
    args: &Bound,
    x: NodeId,
    window: &Window,
    padding: Padding,
    size_name: &str,
) -> Eval<[[usize; 2]; 2]> {
    let dims = b.dims(x);
    let mut pad = [[0; 2]; 2];
    let lead = dims.len().saturating_sub(3);
    for (axis, &extent) in dims.iter().skip(lead).enumerate().take(2) {
        let span = (window.size[axis] - 1) * window.dilation[axis] + 1;
        match padding {
            Padding::Valid => {}
            Padding::Explicit(given) => pad[axis] = given[axis],
            Padding::Same => {
                let covered = (extent.div_ceil(window.stride[axis]) - 1) * window.stride[axis] + span;
                let total = covered.saturating_sub(extent);
                pad[axis] = [total / 2, total - total / 2];
            }
        }
        let padded = extent + pad[axis][0] + pad[axis][1];
        if span > padded {
            let side = if axis == 0 { "high" } else { "wide" };
            let dilated = if window.dilation[axis] > 1 { " with its dilation" } else { "" };
            let zeros = if padded > extent { " with its padding" } else { "" };
            let what = if size_name == "kernel" { "kernel" } else { "window" };
            let message = format!(
                "the {what} is {span} {side}{dilated}, but the image is only {padded}{zeros}: {}",
                shape(&dims)
            );
            let help = (padding == Padding::Valid).then(|| "pad = same keeps the image's size".to_string());
            return b.shape_error(args.span(size_name), message, &[x], help);
        }
    }
    Ok(pad)
}

/// Tells how the image's size changed: `conv2d k=3 pad=same 28→28`.
pub(super) fn tell(
    b: &mut Builder<'_, '_>,
    settings: &str,
    x: NodeId,
    result: NodeId,
    window: &Window,
    padding: (Padding, [[usize; 2]; 2]),
    conv: bool,
) {
    let (before, after) = (b.dims(x), b.dims(result));
    let extent = |dims: &[usize]| match dims {
        [.., height, width, _] if height == width => height.to_string(),
        [.., height, width, _] => format!("{height}×{width}"),
        _ => shape(dims),
    };
    let text = format!("{settings} {}→{}", extent(&before), extent(&after));
    let effect = Effect::Window {
        conv,
        channels: if conv { after.last().copied() } else { None },
        size: [0, 1].map(|axis: usize| (window.size[axis] - 1) * window.dilation[axis] + 1),
        stride: window.stride,
        pad: padding.1.map(|[low, high]| low + high),
        same: padding.0 == Padding::Same,
    };
    b.story = Some((Trace::Window(text), effect));
}

/// `3` or `(3, 5)`
pub(super) fn pair([height, width]: [usize; 2]) -> String {
    if height == width { height.to_string() } else { format!("({height}, {width})") }
}

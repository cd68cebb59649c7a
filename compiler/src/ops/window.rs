//! Windows that slide over an image: the arithmetic that convolutions, pools and their templates share.
//!
//! Output sizes and padding are Keras's: `valid` has none; with `same` there is one window per stride, and of the
//! padding that this takes the smaller half stands in front.

/// How much an image is padded before windows slide over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// None: every window lies inside.
    Valid,
    /// As much as gives `ceil(size / stride)` windows per axis.
    Same,
    /// Low and high of each axis.
    Explicit([[usize; 2]; 2]),
}

impl Padding {
    /// Low and high padding for both axes of an image.
    ///
    /// # Errors
    /// If a stride is 0 or the sizes overflow.
    pub fn resolve(
        self,
        image: [usize; 2],
        kernel: [usize; 2],
        stride: [usize; 2],
        dilation: [usize; 2],
    ) -> Result<[[usize; 2]; 2], String> {
        let [height, width] = [0, 1].map(|axis| same(image[axis], kernel[axis], stride[axis], dilation[axis]));
        match self {
            Self::Valid => Ok([[0; 2]; 2]),
            Self::Same => Ok([height?, width?]),
            Self::Explicit(pad) => Ok(pad),
        }
    }
}

/// Low and high padding of one axis that give `ceil(size / stride)` windows.
fn same(size: usize, kernel: usize, stride: usize, dilation: usize) -> Result<[usize; 2], String> {
    let span = span(kernel, dilation)?;
    if stride == 0 {
        return Err("a stride is at least 1, found 0".to_string());
    }
    let Some(before_last) = size.div_ceil(stride).checked_sub(1) else { return Ok([0; 2]) };
    // `before_last * stride < size`: this can't overflow.
    let needed = (before_last * stride).checked_add(span).ok_or_else(|| too_large(kernel, dilation))?;
    let total = needed.saturating_sub(size);
    Ok([total / 2, total - total / 2])
}

/// From the first to the last cell that a kernel touches, both included.
fn span(kernel: usize, dilation: usize) -> Result<usize, String> {
    if kernel == 0 || dilation == 0 {
        let what = if kernel == 0 { "window" } else { "dilation" };
        return Err(format!("a {what} is at least 1 along each axis, found 0"));
    }
    let cells = (kernel - 1).checked_mul(dilation).and_then(|cells| cells.checked_add(1));
    cells.ok_or_else(|| too_large(kernel, dilation))
}

fn too_large(kernel: usize, dilation: usize) -> String {
    format!("a window of {kernel} with dilation {dilation} is too large")
}

/// Windows along one axis of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Cells of the image.
    pub size: usize,
    /// Cells of a window.
    pub kernel: usize,
    /// From one window to the next.
    pub stride: usize,
    /// Cells added in front and behind.
    pub pad: [usize; 2],
    /// From one cell of a window to the next.
    pub dilation: usize,
}

impl Axis {
    /// How many windows there are: at least one. `axis` is how the user calls it, `height`.
    ///
    /// # Errors
    /// If not even one window fits, or a number is 0 or too large.
    pub fn windows(&self, axis: &str) -> Result<usize, String> {
        let Self { size, kernel, stride, pad: [low, high], dilation } = *self;
        let span = span(kernel, dilation)?;
        if stride == 0 {
            return Err(format!("a stride is at least 1, found 0 along the {axis}"));
        }
        let padded = size.checked_add(low).and_then(|size| size.checked_add(high));
        let Some(padded) = padded.filter(|&padded| isize::try_from(padded).is_ok()) else {
            return Err(format!("padding {low} + {high} of the {axis} is too large"));
        };
        if size == 0 || span > padded {
            let window = match dilation {
                1 => format!("a window of {kernel}"),
                _ => format!("a window of {kernel} with dilation {dilation}, so {span},"),
            };
            let image = match (low, high) {
                (0, 0) => format!("{size}"),
                _ => format!("{low} + {size} + {high} = {padded} with its padding"),
            };
            return Err(format!("{window} does not fit the {axis}, which is {image}"));
        }
        Ok((padded - span) / stride + 1)
    }

    /// As `windows`, where each must hold a cell of the image: a pool has no value for padding alone.
    ///
    /// # Errors
    /// Also if a window lies in padding only.
    pub fn pool_windows(&self, axis: &str) -> Result<usize, String> {
        let windows = self.windows(axis)?;
        let Self { size, kernel, stride, pad: [low, high], .. } = *self;
        // Windows move on: if one lies in front of the image so does the first, if behind so does the last.
        let (side, pad) = if low >= kernel {
            ("low", low)
        } else if (windows - 1) * stride >= size + low {
            ("high", high)
        } else {
            return Ok(windows);
        };
        Err(format!("a pool's window of {kernel} would lie in padding only: {side} padding {pad} along the {axis}"))
    }

    /// Window number `window`'s cells inside the image: (cell of the window, cell of the image), ascending.
    pub fn cells(&self, window: usize) -> impl Iterator<Item = (usize, usize)> {
        let Self { size, kernel, stride, pad: [low, _], dilation } = *self;
        (0..kernel).filter_map(move |cell| {
            let padded = window * stride + cell * dilation;
            padded.checked_sub(low).filter(|&image| image < size).map(|image| (cell, image))
        })
    }
}

/// A pool's windows along height and width.
pub(super) fn pool_axes(image: [usize; 2], size: [usize; 2], stride: [usize; 2], pad: [[usize; 2]; 2]) -> [Axis; 2] {
    [0, 1].map(|axis| Axis { size: image[axis], kernel: size[axis], stride: stride[axis], pad: pad[axis], dilation: 1 })
}

/// Height and width of a pool's result. `name` is the user's word for the pool.
pub(super) fn pool_output(name: &str, [vertical, horizontal]: [Axis; 2]) -> Result<[usize; 2], String> {
    let said = |error| format!("`{name}`: {error}");
    Ok([vertical.pool_windows("height").map_err(said)?, horizontal.pool_windows("width").map_err(said)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(size: usize, kernel: usize, stride: usize, pad: [usize; 2], dilation: usize) -> Axis {
        Axis { size, kernel, stride, pad, dilation }
    }

    #[test]
    fn same_padding_is_that_of_keras() {
        assert_eq!(same(28, 3, 1, 1), Ok([1, 1]));
        assert_eq!(same(28, 2, 1, 1), Ok([0, 1]));
        assert_eq!(same(7, 3, 2, 1), Ok([1, 1]));
        assert_eq!(same(8, 3, 2, 1), Ok([0, 1]));
        assert_eq!(same(5, 3, 1, 2), Ok([2, 2]));
        assert_eq!(same(5, 1, 3, 1), Ok([0, 0]));
        assert_eq!(same(usize::MAX, 3, 1, usize::MAX), Err(too_large(3, usize::MAX)));
        assert!(same(3, 3, 0, 1).is_err());
        let valid = Padding::Valid.resolve([5, 5], [3, 3], [1, 1], [1, 1]);
        assert_eq!(valid, Ok([[0, 0], [0, 0]]));
        let both = Padding::Same.resolve([5, 8], [3, 3], [1, 2], [1, 1]);
        assert_eq!(both, Ok([[1, 1], [0, 1]]));
    }

    #[test]
    fn same_gives_one_window_per_stride() {
        for size in 1..12 {
            for kernel in 1..6 {
                for stride in 1..5 {
                    for dilation in 1..4 {
                        let pad = same(size, kernel, stride, dilation).unwrap();
                        let windows = axis(size, kernel, stride, pad, dilation).windows("height");
                        assert_eq!(windows, Ok(size.div_ceil(stride)), "{size} {kernel} {stride} {dilation}");
                    }
                }
            }
        }
    }

    #[test]
    fn counts_and_cells() {
        let dilated = axis(5, 2, 2, [1, 0], 3);
        assert_eq!(dilated.windows("width"), Ok(2));
        assert_eq!(dilated.cells(0).collect::<Vec<_>>(), [(1, 2)]);
        assert_eq!(dilated.cells(1).collect::<Vec<_>>(), [(0, 1), (1, 4)]);
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let error = |axis: Axis| axis.windows("height").unwrap_err();
        assert_eq!(error(axis(3, 5, 1, [0, 0], 1)), "a window of 5 does not fit the height, which is 3");
        let padded = error(axis(3, 4, 1, [1, 2], 3));
        let expected = "a window of 4 with dilation 3, so 10, does not fit the height, which is 1 + 3 + 2 = 6 with its \
                        padding";
        assert_eq!(padded, expected);
        assert_eq!(error(axis(3, 1, 0, [0, 0], 1)), "a stride is at least 1, found 0 along the height");
        assert_eq!(error(axis(3, 0, 1, [0, 0], 1)), "a window is at least 1 along each axis, found 0");
        assert!(error(axis(usize::MAX, 1, 1, [1, 0], 1)).contains("too large"));
        assert!(error(axis(0, 1, 1, [2, 2], 1)).contains("does not fit"));
        let pool = |axis: Axis| axis.pool_windows("width");
        assert_eq!(pool(axis(4, 2, 2, [1, 1], 1)), Ok(3));
        let low = "a pool's window of 2 would lie in padding only: low padding 2 along the width";
        assert_eq!(pool(axis(4, 2, 2, [2, 0], 1)), Err(low.to_string()));
        assert!(pool(axis(4, 2, 2, [0, 2], 1)).unwrap_err().contains("high padding 2"));
        assert_eq!(pool(axis(4, 2, 3, [0, 2], 1)), Ok(2));
    }
}

//! Convolution of images.

use super::window::Axis;
use super::elementwise::operands;
use super::{Conv2dInputGrad, Conv2dWeightGrad, Lowering, Rules, check};
use crate::autodiff::Vjp;
use crate::ir::{NodeId, Type};

/// `(x, w)`: x `[H, W, C]` slid over by w `[kh, kw, C / groups, F]` gives `[OH, OW, F]`,
///
/// `y[oy, ox, f] = Σ x[oy·stride + ky·dilation − low, …, group(f)·C/groups + c] · w[ky, kx, c, f]`
///
/// over `ky`, `kx`, `c`, where cells outside the image count as 0 and `group(f) = f / (F / groups)`. As everywhere
/// in deep learning this is a cross-correlation: the kernel isn't flipped (Goodfellow et al., Deep Learning, 2016,
/// section 9.1). Layout and meaning of the settings are those of Keras's `Conv2D`; as there, x may have axes in front,
/// which count images: `[T, H, W, C]` gives `[T, OH, OW, F]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Conv2d {
    /// From one window to the next, vertically and horizontally.
    pub stride: [usize; 2],
    /// Zeros in front and behind, of each axis.
    pub pad: [[usize; 2]; 2],
    /// From one cell of a window to the next.
    pub dilation: [usize; 2],
    /// Channels and filters fall into as many groups, each convolved on its own.
    pub groups: usize,
}

impl Conv2d {
    /// The windows along height and width.
    pub fn axes(&self, image: [usize; 2], kernel: [usize; 2]) -> [Axis; 2] {
        [0, 1].map(|axis| Axis {
            size: image[axis],
            kernel: kernel[axis],
            stride: self.stride[axis],
            pad: self.pad[axis],
            dilation: self.dilation[axis],
        })
    }

    /// Height and width of the result.
    ///
    /// # Errors
    /// If the kernel doesn't fit.
    pub fn output(&self, image: [usize; 2], kernel: [usize; 2]) -> Result<[usize; 2], String> {
        let [vertical, horizontal] = self.axes(image, kernel);
        let said = |error| format!("`conv2d`: {error}");
        Ok([vertical.windows("height").map_err(said)?, horizontal.windows("width").map_err(said)?])
    }

    /// Channels of one group.
    pub(super) fn group_channels(&self, channels: usize, filters: usize) -> Result<usize, String> {
        if self.groups == 0 {
            return Err("`conv2d`: groups is at least 1, found 0".to_string());
        }
        for (count, what) in [(channels, "channels of the image"), (filters, "filters")] {
            if count == 0 || count % self.groups != 0 {
                return Err(format!("`conv2d`: {count} {what} can't be split into groups = {}", self.groups));
            }
        }
        Ok(channels / self.groups)
    }

    /// The settings, as printed.
    pub(super) fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("stride", format!("{:?}", self.stride)),
            ("pad", format!("{:?}", self.pad)),
            ("dilation", format!("{:?}", self.dilation)),
            ("groups", self.groups.to_string()),
        ]
    }

    /// The definition: every product as the flat places of its three parts in result, image and kernel.
    /// The gradients sum over the same products into another of the three.
    #[cfg(feature = "eval")]
    pub(super) fn products(
        &self,
        rows: usize,
        [height, width, channels]: [usize; 3],
        [kh, kw, filters]: [usize; 3],
        mut product: impl FnMut(usize, usize, usize),
    ) {
        let [vertical, horizontal] = self.axes([height, width], [kh, kw]);
        let (Ok(oh), Ok(ow)) = (vertical.windows("height"), horizontal.windows("width")) else { return };
        let (group_channels, group_filters) = (channels / self.groups, filters / self.groups);
        for row in 0..rows {
            for (oy, ox) in (0..oh).flat_map(|oy| (0..ow).map(move |ox| (oy, ox))) {
                let result = ((row * oh + oy) * ow + ox) * filters;
                for (ky, y) in vertical.cells(oy) {
                    for (kx, x) in horizontal.cells(ox) {
                        let image = ((row * height + y) * width + x) * channels;
                        for c in 0..group_channels {
                            let kernel = ((ky * kw + kx) * group_channels + c) * filters;
                            for f in 0..filters {
                                let channel = f / group_filters * group_channels + c;
                                product(result + f, image + channel, kernel + f);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The axes of a kernel: height, width, channels of a group, filters.
pub(super) fn kernel_axes(ty: &Type) -> Result<[usize; 4], String> {
    <[usize; 4]>::try_from(ty.dims.as_slice()).ok().filter(|_| !ty.batched).ok_or_else(|| {
        let found = if ty.batched { "one per row of the batch".to_string() } else { ty.shape() };
        format!("a kernel of `conv2d` is a parameter [height, width, channels, filters], found {found}")
    })
}

impl Rules for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        self.settings()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        check::floats("conv2d", inputs)?;
        let [x, w] = operands("conv2d", inputs)?;
        let [height, width, channels] = check::image("the image of `conv2d`", x)?;
        let [kh, kw, kernel_channels, filters] = kernel_axes(w)?;
        let expected = self.group_channels(channels, filters)?;
        if kernel_channels != expected {
            let groups = match self.groups {
                1 => String::new(),
                groups => format!(" in {groups} groups"),
            };
            let found = format!("expected {expected} channels in {}, found {kernel_channels}", w.shape());
            return Err(format!("`conv2d`: an image of {channels} channels{groups} does not match its kernel: {found}"));
        }
        let [oh, ow] = self.output([height, width], [kh, kw])?;
        Ok(check::with_image(x, [oh, ow, filters]))
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let (x, w, g) = (cx.input(0), cx.input(1), cx.grad());
        let (input, kernel) = (check::plane(&cx.ty(x).dims), cx.ty(w).clone().dims);
        let by_x = Conv2dInputGrad { conv: self.clone(), input };
        let by_w = Conv2dWeightGrad { conv: self.clone(), kernel: [kernel[0], kernel[1]] };
        vec![Some(cx.push(by_x, &[g, w])), Some(cx.push(by_w, &[x, g]))]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &crate::eval::Context<'_>, inputs: &[&crate::eval::Array]) -> crate::eval::Array {
        let (rows, image) = check::rows_and_image(inputs[0].shape());
        let kernel = inputs[1].shape();
        let [oh, ow] = self.output([image[0], image[1]], [kernel[0], kernel[1]]).unwrap_or_default();
        let (x, w) = (check::flat(inputs[0]), check::flat(inputs[1]));
        let mut y = vec![0.0; rows * oh * ow * kernel[3]];
        self.products(rows, image, [kernel[0], kernel[1], kernel[3]], |result, image, kernel| {
            y[result] += x[image] * w[kernel];
        });
        check::like_image(inputs[0].shape(), [oh, ow, kernel[3]], y)
    }

    fn lowering(&self) -> Lowering {
        Lowering::Product
    }

    fn flops(&self, inputs: &[&Type], output: &Type) -> u64 {
        let kernel = inputs.get(1).map_or(0, |w| w.dims.iter().take(3).product());
        check::count([2, output.elements(), kernel])
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::testing::{Case, Gradient, batched, error, eval, fixed};
    use super::super::window::Padding;
    use super::*;
    use crate::ir::DType::{F32, F64, U32};
    use crate::ops::Op;

    /// Settings, image and kernel.
    pub(in crate::ops) type Example = (Conv2d, [usize; 3], [usize; 4]);

    fn plain() -> Conv2d {
        Conv2d { stride: [1, 1], pad: [[0, 0], [0, 0]], dilation: [1, 1], groups: 1 }
    }

    fn same(image: [usize; 3], kernel: [usize; 4], stride: [usize; 2], dilation: [usize; 2], groups: usize) -> Example {
        let pad = Padding::Same.resolve([image[0], image[1]], [kernel[0], kernel[1]], stride, dilation);
        (Conv2d { stride, pad: pad.expect("it fits"), dilation, groups }, image, kernel)
    }

    /// Convolutions and what they fit: sizes 1 and primes, strides, dilation, groups, even kernels, padding.
    pub(in crate::ops) fn grid() -> Vec<Example> {
        let explicit = |pad, stride| Conv2d { stride, pad, ..plain() };
        vec![
            (plain(), [1, 1, 1], [1, 1, 1, 1]),
            (plain(), [5, 3, 2], [3, 2, 2, 3]),
            (plain(), [3, 3, 1], [3, 3, 1, 5]),
            (explicit([[0, 0], [0, 0]], [2, 3]), [7, 5, 1], [2, 2, 1, 2]),
            (explicit([[2, 0], [1, 3]], [1, 2]), [2, 3, 2], [3, 4, 2, 1]),
            (explicit([[3, 3], [0, 0]], [2, 1]), [1, 2, 1], [2, 1, 1, 2]),
            (Conv2d { dilation: [2, 3], ..plain() }, [5, 7, 1], [2, 2, 1, 2]),
            (Conv2d { groups: 2, ..plain() }, [3, 2, 4], [2, 2, 2, 6]),
            (Conv2d { groups: 3, ..plain() }, [2, 3, 3], [2, 1, 1, 3]),
            same([4, 5, 1], [2, 4, 1, 2], [1, 1], [1, 1], 1),
            same([5, 4, 2], [3, 2, 2, 1], [2, 2], [1, 1], 1),
            same([5, 3, 2], [2, 3, 1, 2], [1, 1], [2, 2], 2),
            same([3, 1, 4], [5, 5, 2, 2], [3, 1], [1, 1], 2),
        ]
    }

    /// What the operands of one of the three primitives are, given image, kernel and result.
    pub(in crate::ops) fn cases(of: impl Fn(Example, [Type; 3]) -> (Op, [Type; 2])) -> Gradient {
        let cases = grid().into_iter().flat_map(|(conv, image, kernel)| {
            let ([oh, ow], w) = (conv.output([image[0], image[1]], [kernel[0], kernel[1]]).expect("it fits"), kernel);
            let of = &of;
            [fixed([]), batched([]), batched([2]), fixed([3, 1])].map(|rows| {
                let images = |image: [usize; 3]| rows.with_dims([rows.dims.as_slice(), &image].concat());
                let types = [images(image), fixed(kernel), images([oh, ow, w[3]])];
                let (op, operands) = of((conv.clone(), image, kernel), types);
                Case::real(op, operands)
            })
        });
        Gradient::Checked(cases.collect())
    }

    pub(in crate::ops) fn gradient() -> Gradient {
        cases(|(conv, ..), [x, w, _]| (conv.into(), [x, w]))
    }

    #[test]
    fn gradients() {
        gradient().check();
    }

    fn infer(conv: &Conv2d, x: &[usize], w: &[usize]) -> Result<Vec<usize>, String> {
        conv.infer(&[&Type::batched(F32, x), &Type::fixed(F32, w)]).map(|ty| ty.dims)
    }

    #[test]
    fn shapes() {
        assert_eq!(infer(&plain(), &[28, 28, 1], &[3, 3, 1, 32]), Ok(vec![26, 26, 32]));
        let conv = Conv2d { stride: [2, 1], pad: [[0, 1], [2, 2]], dilation: [1, 2], groups: 2 };
        assert_eq!(infer(&conv, &[8, 5, 4], &[3, 3, 2, 6]), Ok(vec![4, 5, 6]));
        assert_eq!(
            infer(&plain(), &[784], &[3, 3, 1, 32]).unwrap_err(),
            "the image of `conv2d` is [height, width, channels], found [784]"
        );
        assert_eq!(infer(&plain(), &[7, 2, 28, 28, 1], &[3, 3, 1, 32]), Ok(vec![7, 2, 26, 26, 32]));
        assert_eq!(
            infer(&plain(), &[8, 8, 3], &[3, 3, 1, 2]).unwrap_err(),
            "`conv2d`: an image of 3 channels does not match its kernel: expected 3 channels in [3, 3, 1, 2], found 1"
        );
        assert_eq!(
            infer(&plain(), &[2, 8, 1], &[3, 3, 1, 2]).unwrap_err(),
            "`conv2d`: a window of 3 does not fit the height, which is 2"
        );
        let grouped = Conv2d { groups: 2, ..plain() };
        assert_eq!(
            infer(&grouped, &[8, 8, 3], &[3, 3, 1, 2]).unwrap_err(),
            "`conv2d`: 3 channels of the image can't be split into groups = 2"
        );
        assert_eq!(
            infer(&grouped, &[8, 8, 4], &[3, 3, 2, 3]).unwrap_err(),
            "`conv2d`: 3 filters can't be split into groups = 2"
        );
        let uneven = infer(&grouped, &[8, 8, 4], &[3, 3, 4, 2]).unwrap_err();
        assert!(uneven.contains("4 channels in 2 groups does not match its kernel: expected 2 channels"), "{uneven}");
    }

    #[test]
    fn odd_operands() {
        assert!(infer(&Conv2d { groups: 0, ..plain() }, &[8, 8, 4], &[3, 3, 2, 3]).is_err());
        assert!(infer(&plain(), &[8, 8, 0], &[3, 3, 0, 2]).unwrap_err().contains("0 channels"));
        assert!(infer(&plain(), &[8, 8, 1], &[3, 3, 1]).unwrap_err().contains("found [3, 3, 1]"));
        let (x, w) = (Type::batched(F32, [4, 4, 1]), Type::batched(F32, [1, 1, 1, 1]));
        assert!(plain().infer(&[&x, &w]).unwrap_err().contains("found one per row"));
        assert!(plain().infer(&[&x]).unwrap_err().contains("2 operands, but is given 1"));
        assert!(error(plain(), [x.clone(), Type::fixed(F64, [1, 1, 1, 1])]).contains("f32 and f64"));
        assert!(error(plain(), [x.with_dtype(U32), x]).contains("u32"));
        let huge = Conv2d { dilation: [usize::MAX, 1], pad: [[usize::MAX; 2]; 2], ..plain() };
        assert!(infer(&huge, &[8, 8, 1], &[3, 3, 1, 1]).unwrap_err().contains("too large"));
    }

    #[test]
    fn values() {
        // 1 2 3     with kernel 1 10, and zeros around:
        // 4 5 6                 100 1000
        // 7 8 9
        let x = (fixed([3, 3, 1]), (1..10).map(f64::from).collect::<Vec<_>>());
        let w = (fixed([2, 2, 1, 1]), vec![1.0, 10.0, 100.0, 1000.0]);
        let y = eval(plain(), 1, &[x.clone(), w.clone()]);
        assert_eq!(y, check::array(&[2, 2, 1], vec![5421.0, 6532.0, 8754.0, 9865.0]));
        let strided = Conv2d { stride: [2, 2], pad: [[1, 0], [1, 0]], ..plain() };
        let y = eval(strided, 1, &[x.clone(), w.clone()]);
        assert_eq!(y, check::array(&[2, 2, 1], vec![1000.0, 3200.0, 7040.0, 9865.0]));
        let dilated = Conv2d { dilation: [2, 2], ..plain() };
        assert_eq!(eval(dilated, 1, &[x, w]), check::array(&[1, 1, 1], vec![9731.0]));
    }

    #[test]
    fn channels_filters_and_rows() {
        let x = (batched([1, 1, 2]), vec![1.0, 2.0, 3.0, 4.0]);
        let w = (fixed([1, 1, 2, 3]), vec![1.0, 2.0, 3.0, 10.0, 20.0, 30.0]);
        let y = eval(plain(), 2, &[x.clone(), w]);
        assert_eq!(y, check::array(&[2, 1, 1, 3], vec![21.0, 42.0, 63.0, 43.0, 86.0, 129.0]));
        // Two groups: filters 0 and 1 see channel 0, filters 2 and 3 channel 1.
        let w = (fixed([1, 1, 1, 4]), vec![1.0, 10.0, 100.0, 1000.0]);
        let y = eval(Conv2d { groups: 2, ..plain() }, 2, &[x, w]);
        assert_eq!(y, check::array(&[2, 1, 1, 4], vec![1.0, 10.0, 200.0, 2000.0, 3.0, 30.0, 400.0, 4000.0]));
    }

    #[test]
    fn work() {
        let (x, w) = (batched([28, 28, 2]), fixed([3, 3, 2, 32]));
        assert_eq!(plain().flops(&[&x, &w], &batched([26, 26, 32])), 2 * 26 * 26 * 32 * 18);
    }
}

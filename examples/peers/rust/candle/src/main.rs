//! The workloads in candle, on the CPU.

use candle_core::{DType, Device, IndexOp, Result, Tensor};
use candle_nn::{
    AdamW, Conv2d, LSTM, Linear, Module, Optimizer, ParamsAdamW, RNN, VarBuilder, VarMap, conv2d, linear, loss, lstm,
};
use peer_common::{Arguments, Random};

// Fresh buffers from the system's allocator cost it two thirds of its speed.
#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Mlp([Linear; 3]);

impl Mlp {
    fn new(vars: &VarBuilder) -> Result<Self> {
        Ok(Self([
            linear(784, 512, vars.pp("first"))?,
            linear(512, 512, vars.pp("second"))?,
            linear(512, 10, vars.pp("last"))?,
        ]))
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let [first, second, last] = &self.0;
        last.forward(&second.forward(&first.forward(x)?.relu()?)?.relu()?)
    }
}

struct Cnn {
    convolutions: [Conv2d; 2],
    dense: [Linear; 2],
}

impl Cnn {
    fn new(vars: &VarBuilder) -> Result<Self> {
        Ok(Self {
            convolutions: [
                conv2d(1, 32, 3, Default::default(), vars.pp("first"))?,
                conv2d(32, 64, 3, Default::default(), vars.pp("second"))?,
            ],
            dense: [linear(1600, 128, vars.pp("hidden"))?, linear(128, 10, vars.pp("last"))?],
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut x = x.clone();
        for convolution in &self.convolutions {
            x = convolution.forward(&x)?.relu()?.max_pool2d(2)?;
        }
        let [hidden, last] = &self.dense;
        last.forward(&hidden.forward(&x.flatten_from(1)?)?.relu()?)
    }
}

struct Recurrent {
    first: LSTM,
    second: LSTM,
    last: Linear,
}

impl Recurrent {
    fn new(vars: &VarBuilder) -> Result<Self> {
        Ok(Self {
            first: lstm(10, 128, Default::default(), vars.pp("first"))?,
            second: lstm(128, 128, Default::default(), vars.pp("second"))?,
            last: linear(128, 10, vars.pp("last"))?,
        })
    }

    /// Cell by cell, which is faster here than `RNN::seq`: nothing is stacked between the layers.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, steps, _) = x.dims3()?;
        let (mut first, mut second) = (self.first.zero_state(batch)?, self.second.zero_state(batch)?);
        for step in 0..steps {
            first = self.first.step(&x.i((.., step, ..))?.contiguous()?, &first)?;
            second = self.second.step(first.h(), &second)?;
        }
        self.last.forward(second.h())
    }
}

struct Autoencoder([Linear; 2]);

impl Autoencoder {
    fn new(vars: &VarBuilder) -> Result<Self> {
        Ok(Self([linear(784, 32, vars.pp("encoder"))?, linear(32, 784, vars.pp("decoder"))?]))
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let [encoder, decoder] = &self.0;
        decoder.forward(&encoder.forward(x)?.relu()?)
    }
}

/// Of logits: max(x, 0) - x t + log(1 + e^-|x|), which takes fewer nodes than candle's own.
fn binary_cross_entropy(x: &Tensor, target: &Tensor) -> Result<Tensor> {
    let rest = (x.abs()?.neg()?.exp()? + 1.0)?.log()?;
    ((x.relu()? - (x * target)?)? + rest)?.mean_all()
}

fn train(arguments: &Arguments, vars: &VarMap, loss: impl Fn() -> Result<Tensor>) -> Result<()> {
    let adam = ParamsAdamW { lr: 1e-3, weight_decay: 0.0, eps: 1e-7, ..Default::default() };
    let mut optimizer = AdamW::new(vars.all_vars(), adam)?;
    let mut step = || {
        let loss = loss()?;
        optimizer.backward_step(&loss)?;
        loss.to_scalar::<f32>()
    };
    arguments.measure(|| step().unwrap_or(f32::NAN));
    Ok(())
}

fn infer(arguments: &Arguments, forward: impl Fn() -> Result<Tensor>) {
    let first = || forward()?.i((0, 0))?.to_scalar::<f32>();
    arguments.measure(|| first().unwrap_or(f32::NAN));
}

/// The same parameters, as tensors that record nothing.
fn frozen(vars: &VarMap) -> Result<VarBuilder<'static>> {
    let vars = vars.data().lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let tensors = vars.iter().map(|(name, var)| Ok((name.clone(), var.as_tensor().detach().copy()?)));
    Ok(VarBuilder::from_tensors(tensors.collect::<Result<_>>()?, DType::F32, &Device::Cpu))
}

fn main() -> Result<()> {
    let arguments = Arguments::read("candle");
    let map = VarMap::new();
    let vars = VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu);
    let (batch, mut random) = (arguments.batch, Random::new(0));
    let digits = Tensor::from_vec(random.classes(batch, 10), batch, &Device::Cpu)?;
    let mut floats = |shape: &[usize]| Tensor::from_vec(random.floats(shape.iter().product()), shape, &Device::Cpu);
    let (rows, images, sequences) =
        (floats(&[batch, 784])?, floats(&[batch, 1, 28, 28])?, floats(&[batch, 10, 10])?);
    match arguments.workload.as_str() {
        "mlp" => {
            let model = Mlp::new(&vars)?;
            train(&arguments, &map, || loss::cross_entropy(&model.forward(&rows)?, &digits))?;
        }
        "cnn" => {
            let model = Cnn::new(&vars)?;
            train(&arguments, &map, || loss::cross_entropy(&model.forward(&images)?, &digits))?;
        }
        "lstm" => {
            let model = Recurrent::new(&vars)?;
            train(&arguments, &map, || loss::cross_entropy(&model.forward(&sequences)?, &digits))?;
        }
        "autoencoder" => {
            let model = Autoencoder::new(&vars)?;
            train(&arguments, &map, || binary_cross_entropy(&model.forward(&rows)?, &rows))?;
        }
        "mlp_infer" => {
            Mlp::new(&vars)?;
            let model = Mlp::new(&frozen(&map)?)?;
            infer(&arguments, || model.forward(&rows));
        }
        "cnn_infer" => {
            Cnn::new(&vars)?;
            let model = Cnn::new(&frozen(&map)?)?;
            infer(&arguments, || model.forward(&images));
        }
        "lstm_infer" => {
            Recurrent::new(&vars)?;
            let model = Recurrent::new(&frozen(&map)?)?;
            infer(&arguments, || model.forward(&sequences));
        }
        "autoencoder_infer" => {
            Autoencoder::new(&vars)?;
            let model = Autoencoder::new(&frozen(&map)?)?;
            infer(&arguments, || model.forward(&rows));
        }
        _ => arguments.unknown(),
    }
    Ok(())
}

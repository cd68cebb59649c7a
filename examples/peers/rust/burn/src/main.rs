//! The workloads in burn, on its CPU backend (flex).
#![recursion_limit = "256"]

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Linear, LinearConfig, Lstm, LstmConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use burn::tensor::activation::{log_sigmoid, relu};
use peer_common::{Arguments, Random};

// Fresh buffers from the system's allocator cost it half of its speed.
#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Module, Debug)]
struct Mlp {
    first: Linear,
    second: Linear,
    last: Linear,
}

impl Mlp {
    fn new(device: &Device) -> Self {
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        Self { first: linear(784, 512), second: linear(512, 512), last: linear(512, 10) }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let x = relu(self.first.forward(x));
        self.last.forward(relu(self.second.forward(x)))
    }
}

#[derive(Module, Debug)]
struct Cnn {
    first: Conv2d,
    second: Conv2d,
    pool: MaxPool2d,
    hidden: Linear,
    last: Linear,
}

impl Cnn {
    fn new(device: &Device) -> Self {
        Self {
            first: Conv2dConfig::new([1, 32], [3, 3]).init(device),
            second: Conv2dConfig::new([32, 64], [3, 3]).init(device),
            pool: MaxPool2dConfig::new([2, 2]).init(),
            hidden: LinearConfig::new(1600, 128).init(device),
            last: LinearConfig::new(128, 10).init(device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = self.pool.forward(relu(self.first.forward(x)));
        let x = self.pool.forward(relu(self.second.forward(x)));
        let x: Tensor<2> = x.flatten(1, 3);
        self.last.forward(relu(self.hidden.forward(x)))
    }
}

#[derive(Module, Debug)]
struct Recurrent {
    first: Lstm,
    second: Lstm,
    last: Linear,
}

impl Recurrent {
    fn new(device: &Device) -> Self {
        Self {
            first: LstmConfig::new(10, 128, true).init(device),
            second: LstmConfig::new(128, 128, true).init(device),
            last: LinearConfig::new(128, 10).init(device),
        }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<2> {
        let (states, _) = self.first.forward(x, None);
        let (_, state) = self.second.forward(states, None);
        self.last.forward(state.hidden)
    }
}

#[derive(Module, Debug)]
struct Autoencoder {
    encoder: Linear,
    decoder: Linear,
}

impl Autoencoder {
    fn new(device: &Device) -> Self {
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        Self { encoder: linear(784, 32), decoder: linear(32, 784) }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.decoder.forward(relu(self.encoder.forward(x)))
    }
}

/// As burn's `BinaryCrossEntropyLoss` has it, which takes integer targets only.
fn binary_cross_entropy(logits: Tensor<2>, target: Tensor<2>) -> Tensor<1> {
    ((target.neg() + 1.0) * logits.clone() - log_sigmoid(logits)).mean()
}

fn train<M: Module>(arguments: &Arguments, model: M, loss: impl Fn(&M) -> Tensor<1>) {
    let mut optimizer = AdamConfig::new().with_epsilon(1e-7).init();
    let mut model = Some(model);
    arguments.measure(|| {
        let Some(before) = model.take() else { return f32::NAN };
        let loss = loss(&before);
        let gradients = GradientsParams::from_grads(loss.backward(), &before);
        model = Some(optimizer.step(1e-3, before, gradients));
        loss.into_scalar::<f32>()
    });
}

fn infer(arguments: &Arguments, forward: impl Fn() -> Tensor<2>) {
    arguments.measure(|| forward().into_data().iter::<f32>().next().unwrap_or(f32::NAN));
}

fn main() {
    let arguments = Arguments::read("burn");
    let plain = Device::flex();
    let device = if arguments.workload.ends_with("_infer") { plain } else { plain.autodiff() };
    device.seed(0);
    let (batch, mut random) = (arguments.batch, Random::new(0));
    fn floats<const D: usize>(random: &mut Random, shape: [usize; D], device: &Device) -> Tensor<D> {
        Tensor::from_data(TensorData::new(random.floats(shape.iter().product()), shape), device)
    }
    let cross_entropy: CrossEntropyLoss = CrossEntropyLossConfig::new().init(&device);
    let digits: Vec<i32> = random.classes(batch, 10).into_iter().map(|digit| digit as i32).collect();
    let digits: Tensor<1, Int> = Tensor::from_data(TensorData::new(digits, [batch]), &device);
    let rows = floats(&mut random, [batch, 784], &device);
    let images = floats(&mut random, [batch, 1, 28, 28], &device);
    let sequences = floats(&mut random, [batch, 10, 10], &device);
    match arguments.workload.as_str() {
        "mlp" => train(&arguments, Mlp::new(&device), |model| {
            cross_entropy.forward(model.forward(rows.clone()), digits.clone())
        }),
        "cnn" => train(&arguments, Cnn::new(&device), |model| {
            cross_entropy.forward(model.forward(images.clone()), digits.clone())
        }),
        "lstm" => train(&arguments, Recurrent::new(&device), |model| {
            cross_entropy.forward(model.forward(sequences.clone()), digits.clone())
        }),
        "autoencoder" => train(&arguments, Autoencoder::new(&device), |model| {
            binary_cross_entropy(model.forward(rows.clone()), rows.clone())
        }),
        "mlp_infer" => {
            let model = Mlp::new(&device);
            infer(&arguments, || model.forward(rows.clone()));
        }
        "cnn_infer" => {
            let model = Cnn::new(&device);
            infer(&arguments, || model.forward(images.clone()));
        }
        "lstm_infer" => {
            let model = Recurrent::new(&device);
            infer(&arguments, || model.forward(sequences.clone()));
        }
        "autoencoder_infer" => {
            let model = Autoencoder::new(&device);
            infer(&arguments, || model.forward(rows.clone()));
        }
        _ => arguments.unknown(),
    }
}

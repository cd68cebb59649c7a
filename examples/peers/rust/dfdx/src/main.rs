//! The workloads in dfdx, which has convolutions and pools on nightly Rust only, and no LSTM.

use dfdx::losses::{binary_cross_entropy_with_logits_loss, cross_entropy_with_logits_loss};
use dfdx::nn::builders::{Linear, ReLU};
use dfdx::optim::{Adam, AdamConfig, Optimizer};
use dfdx::prelude::*;
use peer_common::{Arguments, Random};

type Mlp = ((Linear<784, 512>, ReLU), (Linear<512, 512>, ReLU), Linear<512, 10>);
type Autoencoder = ((Linear<784, 32>, ReLU), Linear<32, 784>);
type Rows<const N: usize> = Tensor<(usize, Const<N>), f32, Cpu>;

fn train<M: ZeroGrads<f32, Cpu>>(
    arguments: &Arguments,
    mut model: M,
    mut backward: impl FnMut(&mut M, Gradients<f32, Cpu>) -> (f32, Gradients<f32, Cpu>),
) {
    let adam = AdamConfig { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-7, weight_decay: None };
    let mut optimizer = Adam::new(&model, adam);
    let mut gradients = Some(model.alloc_grads());
    arguments.measure(|| {
        let Some(zeros) = gradients.take() else { return f32::NAN };
        let (loss, mut found) = backward(&mut model, zeros);
        if optimizer.update(&mut model, &found).is_err() {
            return f32::NAN;
        }
        model.zero_grads(&mut found);
        gradients = Some(found);
        loss
    });
}

fn main() {
    let arguments = Arguments::read("dfdx");
    let device = Cpu::seed_from_u64(0);
    let (batch, mut random) = (arguments.batch, Random::new(0));
    let mut one_hot = vec![0.0; batch * 10];
    for (row, digit) in random.classes(batch, 10).into_iter().enumerate() {
        one_hot[row * 10 + digit as usize] = 1.0;
    }
    let digits: Rows<10> = device.tensor_from_vec(one_hot, (batch, Const));
    let images: Rows<784> = device.tensor_from_vec(random.floats(batch * 784), (batch, Const));
    match arguments.workload.as_str() {
        "mlp" => train(&arguments, device.build_module::<Mlp, f32>(), |model, gradients| {
            let logits = model.forward_mut(images.clone().traced(gradients));
            let loss = cross_entropy_with_logits_loss(logits, digits.clone());
            (loss.array(), loss.backward())
        }),
        "autoencoder" => train(&arguments, device.build_module::<Autoencoder, f32>(), |model, gradients| {
            let logits = model.forward_mut(images.clone().traced(gradients));
            let loss = binary_cross_entropy_with_logits_loss(logits, images.clone());
            (loss.array(), loss.backward())
        }),
        "mlp_infer" => {
            let model = device.build_module::<Mlp, f32>();
            arguments.measure(|| model.forward(images.clone()).as_vec()[0]);
        }
        "autoencoder_infer" => {
            let model = device.build_module::<Autoencoder, f32>();
            arguments.measure(|| model.forward(images.clone()).as_vec()[0]);
        }
        _ => arguments.unknown(),
    }
}

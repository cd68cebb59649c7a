//! Times a training step on denormal data, and with parameters and gradients that are denormal, beside the same step on
//! ordinary numbers: `cargo run --release -p kiln --example denormals`.

use std::time::{Duration, Instant};

use kiln::network;

network! {
    Net<batch = 128> {
        let x = input([256]);
        let y = target([64]);
        let hidden = x.dense(256).sigmoid();
        let prediction = hidden.dense(64);
        output(prediction);
        loss(mse(prediction, y));
        optimizer(sgd(lr = 1e-3, momentum = 0.9));
    }
}

/// The median time of a step on inputs and weights about so large.
fn step(size: f32) -> kiln::Result<Duration> {
    let number = |index: usize| (kiln::simd::random(0, index as u64) - 0.5) * size;
    let (x, y): (Vec<f32>, Vec<f32>) = ((0..128 * 256).map(number).collect(), (0..128 * 64).map(number).collect());
    let mut model = Net::new(1);
    let names: Vec<&str> = model.parameters().map(|(name, _)| name).collect();
    for name in names {
        let values = model.parameter(name).map(|values| values.mapv(|value| value * size));
        model.set_parameter(name, values.unwrap_or_default().view())?;
    }
    let mut trainer = model.trainer();
    trainer.set_threads(1)?;
    let mut times = Vec::new();
    for _ in 0..400 {
        let start = Instant::now();
        trainer.step(&x, &y)?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

fn main() -> kiln::Result<()> {
    for round in 1..=3 {
        let (ordinary, denormal) = (step(1.0)?, step(1e-39)?);
        let ratio = denormal.as_secs_f64() / ordinary.as_secs_f64();
        println!("round {round}: ordinary {ordinary:?}, denormal {denormal:?}, {ratio:.3} times");
    }
    Ok(())
}

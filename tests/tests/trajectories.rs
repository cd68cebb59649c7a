//! 100 Adam steps of emitted networks in f64 stay beside Keras's, from the same weights and data
//! (`goldens/trajectories.py`).

use std::path::Path;

use kiln::ndarray::ArrayD;
use kiln::network;
use kiln_tests::golden;

const BATCH: usize = 8;
const BATCHES: usize = 4;
const STEPS: usize = 100;

network! {
    Mlp<batch = 8, dtype = f64> {
        let x = input([12]);
        let c = class(4);
        let z = x.dense(16).relu().dense(4);
        output(z);
        loss(cross_entropy(z, c));
        optimizer(adam(lr = 0.01));
    }
}

network! {
    Cnn<batch = 8, dtype = f64> {
        let x = input([8, 8, 1]);
        let c = class(4);
        let h = x.conv2d(4, kernel = 3).relu().max_pool2d(2).conv2d(6, kernel = 2).relu();
        let z = h.flatten().dense(4);
        output(z);
        loss(cross_entropy(z, c));
        optimizer(adam(lr = 0.01));
    }
}

network! {
    Lstm<batch = 8, dtype = f64> {
        let x = input([5, 4]);
        let c = class(4);
        let z = x.lstm(6, return_sequences = true).lstm(6).dense(4);
        output(z);
        loss(cross_entropy(z, c));
        optimizer(adam(lr = 0.01));
    }
}

/// `wave` of `trajectories.py`: the same operations, so the same numbers.
fn wave(count: usize, salt: f64) -> Vec<f64> {
    let value = |index: usize| {
        let index = index as f64;
        (index * index * 0.618 + index * 0.37 + salt).sin()
    };
    (0..count).map(value).collect()
}

/// The losses of `STEPS` steps of a network whose rows have so many elements.
macro_rules! losses {
    ($network:ident, $elements:expr) => {{
        let mut model = $network::new(0);
        let shapes: Vec<(&str, Vec<usize>)> =
            model.parameters().map(|(name, values)| (name, values.shape().to_vec())).collect();
        for (index, (name, shape)) in shapes.into_iter().enumerate() {
            let values =
                wave(shape.iter().product(), index as f64 + 1.0).into_iter().map(|value| 0.4 * value).collect();
            let values = ArrayD::from_shape_vec(shape, values).expect("a value for each element");
            model.set_parameter(name, values.view()).expect("its own shape");
        }
        let x = wave(BATCH * BATCHES * $elements, 0.5);
        let classes: Vec<u32> = (0..(BATCH * BATCHES) as u32).map(|row| row * row / 3 % 4).collect();
        let mut trainer = model.trainer();
        let mut losses = Vec::new();
        for step in 0..STEPS {
            let part = step % BATCHES * BATCH;
            let rows = &x[part * $elements..(part + BATCH) * $elements];
            losses.push(trainer.step(rows, &classes[part..part + BATCH]).expect("good data").loss);
        }
        losses
    }};
}

#[test]
fn losses_stay_beside_keras() {
    let cases = golden::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/trajectories.golden"));
    for (name, losses) in [("mlp", losses!(Mlp, 12)), ("cnn", losses!(Cnn, 64)), ("lstm", losses!(Lstm, 20))] {
        let case = cases.iter().find(|case| case.name == name).expect("a trajectory of each network");
        assert_eq!(case.losses.len(), STEPS);
        let mut worst = 0.0_f64;
        for (step, (found, expected)) in losses.iter().zip(&case.losses).enumerate() {
            let off = (found - expected).abs() / expected.abs();
            assert!(off <= 1e-4, "{name}, step {step}: {found} instead of {expected}");
            worst = worst.max(off);
        }
        assert!(losses.last() < losses.first(), "{name} learns");
        println!("{name}: {worst:.1e}");
    }
}

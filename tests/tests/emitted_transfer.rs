//! Freezing at run time, averaged parameters, and gradients on demand.

use kiln::ndarray::ArrayViewD;
use kiln::network;

network! {
    Transferred<batch = 4, dtype = f64> {
        let x = input([5]);
        let y = target([3]);
        let features = x.dense(6).tanh();
        let frozen = features.dense(6, trainable = false).tanh();
        let head = frozen.dense(3, l2 = 0.01);
        output(head);
        loss(mse(head, y));
        optimizer(adam(lr = 0.05, ema = 0.75));
        gradients();
    }
}

fn data() -> (Vec<f64>, Vec<f64>) {
    let number = |i: usize| ((i * 29 % 53) as f64 / 53.0 - 0.4) * 2.0;
    ((0..20).map(number).collect(), (0..12).map(|i| number(i + 7)).collect())
}

fn values(model: &Transferred, name: &str) -> Vec<f64> {
    model.parameter(name).into_iter().flatten().copied().collect()
}

#[test]
fn what_is_frozen_keeps_its_bits_and_its_memory() {
    let (x, y) = data();
    let model = Transferred::new(1);
    let mut trainer = model.trainer();
    assert_eq!(trainer.freeze("features.*").expect("two parameters"), 2);
    assert!(trainer.freeze("no such layer").is_err());
    for _ in 0..3 {
        trainer.step(&x, &y).expect("good data");
    }
    for name in ["features.weight", "features.bias", "frozen.weight", "frozen.bias"] {
        assert_eq!(values(trainer.model(), name), values(&model, name), "{name}");
        assert_eq!(values(&trainer.averaged_model(), name), values(&model, name), "average of {name}");
    }
    assert_ne!(values(trainer.model(), "head.weight"), values(&model, "head.weight"));
    assert_eq!(trainer.unfreeze("*").expect("all"), 6);
    trainer.step(&x, &y).expect("good data");
    assert_ne!(values(trainer.model(), "features.weight"), values(&model, "features.weight"));
    assert_eq!(values(trainer.model(), "frozen.weight"), values(&model, "frozen.weight"));
}

#[test]
fn the_averaged_model_follows() {
    let (x, y) = data();
    let mut trainer = Transferred::new(2).trainer();
    let mut average = Vec::new();
    for step in 0..4 {
        trainer.step(&x, &y).expect("good data");
        let now = values(trainer.model(), "head.weight");
        average = match step {
            0 => now,
            _ => average.iter().zip(now).map(|(old, new)| 0.75 * old + 0.25 * new).collect(),
        };
        for (found, expected) in values(&trainer.averaged_model(), "head.weight").iter().zip(&average) {
            assert!((found - expected).abs() < 1e-12);
        }
    }
}

#[test]
fn gradients_are_differences_and_update_nothing() {
    let (x, y) = data();
    let model = Transferred::new(3);
    let mut trainer = model.trainer();
    let mut differences = Vec::new();
    for name in ["features.weight", "features.bias", "head.weight", "head.bias"] {
        let start = model.parameter(name).expect("a parameter").to_owned();
        let mut slopes = Vec::new();
        for place in 0..start.len() {
            let loss = |by: f64| {
                let mut moved = start.clone();
                *moved.iter_mut().nth(place).expect("an element") += by;
                let mut model = model.clone();
                model.set_parameter(name, moved.view()).expect("the same shape");
                model.predictor().loss(&x, &y).expect("good data")
            };
            slopes.push((loss(1e-5) - loss(-1e-5)) / 2e-5);
        }
        differences.push((name, slopes));
    }
    let gradients = trainer.gradients(&x, &y).expect("good data");
    assert_eq!(gradients.loss, model.predictor().loss(&x, &y).expect("good data"));
    let names: Vec<&str> = gradients.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["features.weight", "features.bias", "head.weight", "head.bias"]);
    assert!(gradients.get("frozen.weight").is_none());
    for (name, slopes) in differences {
        let found: ArrayViewD<'_, f64> = gradients.get(name).expect("a gradient");
        for (found, expected) in found.iter().zip(slopes) {
            assert!((found - expected).abs() < 1e-8, "{name}: {found}, {expected}");
        }
    }
    assert_eq!(trainer.steps(), 0);
    assert_eq!(values(trainer.model(), "head.weight"), values(&model, "head.weight"));
}

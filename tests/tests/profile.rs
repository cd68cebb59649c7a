//! Profiles of trainers and predictors.

use kiln::{Error, network};

network! {
    Net<batch = 6> {
        let image = input([8, 8, 1]);
        let digit = class(5);
        let features = image.conv2d(4, kernel = 3).batch_norm().relu().max_pool2d(2).dropout(0.3);
        let states = features.reshape([9, 4]).lstm(5);
        let logits = states.dense(5);
        output(softmax(logits));
        loss(cross_entropy(logits, digit));
        optimizer(adam);
    }
}

network! {
    Wide<batch = 3, dtype = f64> {
        let x = input([5]);
        output(x.dense(4).tanh());
    }
}

fn bits(model: &Net) -> Vec<u32> {
    model.parameters().flat_map(|(_, values)| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>()).collect()
}

#[test]
fn a_trainer_is_profiled_and_goes_on_as_if_it_had_not_been() {
    let (images, digits) = (vec![0.5_f32; 4 * 64], vec![0_u32, 1, 2, 3]);
    for threads in [1, 2] {
        let (mut trainer, mut other) = (Net::new(1).trainer(), Net::new(1).trainer());
        trainer.set_threads(threads).expect("some threads");
        trainer.step(&images, &digits).expect("good data");
        other.step(&images, &digits).expect("good data");
        let profile = trainer.profile(&images, &digits, 5).expect("good data");
        assert_eq!((trainer.steps(), bits(trainer.model())), (other.steps(), bits(other.model())));
        trainer.step(&images, &digits).expect("good data");
        other.step(&images, &digits).expect("good data");
        assert_eq!(bits(trainer.model()), bits(other.model()), "the optimiser's state and the masks");

        assert_eq!((profile.network.as_str(), profile.rows, profile.steps), ("Net", 4, 5));
        assert_eq!(profile.threads, threads);
        assert!(profile.kernels.iter().all(|kernel| kernel.function == "step" && kernel.median_ns > 0));
        for part in ["conv2d", "scan", "matmul"] {
            assert!(profile.kernels.iter().any(|kernel| kernel.name.contains(part)), "{part} in {profile}");
        }
        assert_eq!(profile.to_string().lines().count(), profile.kernels.len() + 3);
    }
}

#[test]
fn a_predictor_is_profiled() {
    let profile = Wide::new(1).predictor().profile(&[1.0; 10], 3).expect("good data");
    assert_eq!((profile.rows, profile.steps), (2, 3));
    assert!(profile.kernels.iter().all(|kernel| kernel.function == "run"));
}

#[test]
fn profiles_are_files() {
    let profile = Wide::new(1).predictor().profile(&[1.0; 10], 3).expect("good data");
    let path = std::env::temp_dir().join(format!("kiln-profile-{}.tsv", std::process::id()));
    profile.save(&path).expect("a place to write");
    let text = std::fs::read_to_string(&path).expect("the file");
    std::fs::remove_file(&path).expect("the file");
    assert_eq!(text, profile.to_tsv());
    assert!(text.starts_with("kiln-profile\t1\nnetwork\tWide\n"));
    let missing = profile.save(path.join("in a file that is not there"));
    assert!(matches!(missing, Err(Error::File { .. })));
}

#[test]
fn what_is_wrong_is_said() {
    let mut trainer = Net::new(1).trainer();
    assert!(trainer.profile(&[0.5; 64], &[9], 3).is_err());
    assert!(trainer.profile(&[0.5; 64], &[1], 0).is_err());
    assert_eq!(trainer.steps(), 0);
    assert!(trainer.step(&[0.5; 64], &[1]).is_ok());
}

//! The choice of instruction set from outside: in a test binary of its own, for the environment is the process's.

use kiln::network;
use kiln::simd::Isa;

network! {
    Net<batch = 4> {
        let x = input([19]);
        let y = class(3);
        let logits = x.dense(23).tanh().dense(3);
        output(softmax(logits));
        loss(cross_entropy(logits, y));
        optimizer(sgd(lr = 0.5));
    }
}

/// The bits of the parameters after some steps.
fn train(isa: Option<Isa>) -> Vec<u32> {
    let x: Vec<f32> = (0..4 * 19_u8).map(|i| (f32::from(i) * 0.7).sin()).collect();
    let mut trainer = Net::new(3).trainer();
    if let Some(isa) = isa {
        trainer.set_isa(isa);
    }
    for _ in 0..3 {
        trainer.step(&x, &[0, 1, 2, 0]).expect("good data");
    }
    trainer
        .model()
        .parameters()
        .flat_map(|(_, values)| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>())
        .collect()
}

#[test]
fn the_environment_forces_the_portable_path() {
    let bits: Vec<(Isa, Vec<u32>)> = Isa::available().into_iter().map(|isa| (isa, train(Some(isa)))).collect();
    let by_name = |name: &str| bits.iter().find(|(isa, _)| isa.name() == name).map(|(_, bits)| bits.clone());
    let portable = by_name("portable").expect("it is always there");
    // The sets differ in the last bits, which is how the choice shows.
    if let Some(avx2) = by_name("avx2") {
        assert!(portable != avx2, "both sets give the same bits: this test sees nothing");
    }
    let best = bits.last().map(|(_, bits)| bits.clone());
    assert_eq!(Some(train(None)), best);
    let named = bits.iter().map(|(isa, bits)| (isa.name(), Some(bits.clone())));
    for (name, expected) in named.chain([("none", best)]) {
        // SAFETY: this binary has one test, and no other thread of it reads the environment.
        unsafe { std::env::set_var("KILN_ISA", name) };
        assert_eq!(Some(train(None)), expected, "KILN_ISA={name}");
    }
}

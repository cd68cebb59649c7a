//! Data full of denormals: what a call makes of them, and the state in which it leaves the caller's arithmetic.
#![cfg(target_arch = "x86_64")]

use kiln::network;
use kiln::simd::Isa;

network! {
    Net<batch = 4> {
        let x = input([19]);
        let y = class(3);
        let hidden = x.dense(23).tanh();
        let logits = hidden.dense(3);
        output(logits);
        loss(cross_entropy(logits, y));
        optimizer(adam);
    }
}

/// The control and status register of this thread's vector arithmetic.
fn register() -> u32 {
    let mut state = 0_u32;
    // SAFETY: the instruction is in every x86-64 and writes `state` alone.
    unsafe { core::arch::asm!("stmxcsr [{}]", in(reg) &raw mut state, options(nostack, preserves_flags)) };
    state
}

#[test]
fn the_callers_state_is_restored() {
    let x = [1e-40_f32; 4 * 19];
    for isa in Isa::available() {
        for threads in [1, 2, 3] {
            let mut trainer = Net::new(1).trainer();
            let mut predictor = trainer.model().predictor();
            trainer.set_isa(isa);
            predictor.set_isa(isa);
            trainer.set_threads(threads).expect("some threads");
            predictor.set_threads(threads).expect("some threads");
            let before = register();
            assert!(trainer.step(&x, &[0, 1, 2, 0]).is_ok());
            assert_eq!(register(), before, "after a step on {isa}, {threads} threads");
            assert!(trainer.step(&x, &[0, 1, 3, 0]).is_err());
            assert_eq!(register(), before, "after a step that fails");
            assert!(predictor.run(&x).is_ok() && predictor.loss(&x, &[0, 1, 2, 0]).is_ok());
            assert_eq!(register(), before, "after inference");
        }
    }
}

#[test]
fn denormals_count_as_zero() {
    for isa in Isa::available() {
        let mut predictor = Net::new(1).predictor();
        predictor.set_isa(isa);
        let mut bits = |x: f32| -> Vec<u32> {
            let logits = predictor.run(&[x; 4 * 19]).expect("good data");
            logits.iter().map(|logit| logit.to_bits()).collect()
        };
        assert_eq!(bits(f32::MIN_POSITIVE / 2.0), bits(0.0), "{isa}");
        assert_ne!(bits(1e-3), bits(0.0));
    }
}

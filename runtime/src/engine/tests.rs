//! Calls that are watched: hand-written kernels with good plans and broken ones, the times of kernels, and the caller's
//! floating-point state.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::*;

/// What the first kernel leaves in the arena, at 0 and at 64.
const FIRST: [f32; 16] = [3.0; 16];

/// Kernels `double`, `add` and `store` over arena, arena and parameters: 16 elements each.
fn call(kernels: &'static [&'static str], paranoid: bool, threads: usize) -> (Result<()>, Vec<f32>) {
    let mut engine = Engine::new(192, 64);
    engine.set_threads(threads).expect("some threads");
    engine.set_paranoid(paranoid);
    let mut params = AlignedVec::<f32>::new(16);
    let memory = Memory {
        arena: engine.arena(),
        params: params.as_mut_ptr(),
        state: std::ptr::null_mut(),
        inputs: &[],
        uniforms: &[],
        rows: 2,
        seed: 0,
        step: 0,
    };
    let m = &memory;
    let outcome = engine.run(m, kernels, &|part| {
        // SAFETY: offsets are inside the arena, and a barrier stands where another thread's elements are read.
        unsafe {
            for index in part.rows(16) {
                *m.arena::<f32>(0).add(index) = FIRST[index];
            }
            part.done(0);
            for index in part.rows(16) {
                *m.arena::<f32>(64).add(index) = *m.arena::<f32>(0).add(index) * 2.0;
            }
            part.done(1);
            part.barrier();
            for index in part.rows(16) {
                *m.param(15 - index) = *m.arena::<f32>(64).add(index) + 1.0;
            }
            part.done(2);
        }
    });
    (outcome, params.to_vec())
}

const GOOD: &[&str] = &["first >f32:0:8*", "double <f32:0:8* >f32:64:8* -0:64", "store <f32:64:8* >param:0:16"];

#[test]
fn a_good_plan_passes_and_gives_the_same() {
    for threads in [1, 2, 5] {
        for paranoid in [false, true] {
            let (outcome, params) = call(GOOD, paranoid, threads);
            assert!(outcome.is_ok(), "{outcome:?}");
            assert_eq!(params, [7.0; 16]);
        }
    }
}

#[test]
fn a_broken_plan_is_caught_with_its_kernel() {
    // A lifetime that ends a kernel too early.
    static SHORT: &[&str] = &["first >f32:0:8* -0:64", "double <f32:0:8* >f32:64:8*", "store <f32:64:8* >param:0:16"];
    // The same where the kernel does not say what it reads: its result gives it away.
    static SILENT: &[&str] = &["first >f32:0:8* -0:64", "double >f32:64:8*", "store <f32:64:8* >param:0:16"];
    // Two values in one place, of which one dies.
    static SHARED: &[&str] =
        &["first >f32:0:8*", "double <f32:0:8* >f32:64:8* -64:128", "store <f32:64:8* >param:0:16"];
    // A kernel that writes fewer rows than the next one reads.
    static FEWER: &[&str] = &["first >f32:0:8*", "double <f32:0:8* >f32:64:8*", "store <f32:64:16* >param:0:16"];
    for (table, kernel, reads) in
        [(SHORT, "double", true), (SILENT, "double", false), (SHARED, "store", true), (FEWER, "store", true)]
    {
        for threads in [1, 3] {
            match call(table, true, threads).0 {
                Err(Error::Unwritten { kernel: found, reads: read, .. }) => {
                    assert_eq!((&*found, read), (kernel, reads))
                }
                other => panic!("{other:?} of {table:?}"),
            }
            assert!(call(table, false, threads).0.is_ok());
        }
    }
}

#[test]
fn times_are_taken_of_every_kernel() {
    let mut engine = Engine::new(64, 64);
    assert!(engine.start_profile(0).is_err());
    for threads in [1, 3] {
        engine.set_threads(threads).expect("some threads");
        engine.start_profile(4).expect("some calls");
        for _ in 0..4 {
            let (arena, none) = (engine.arena(), std::ptr::null_mut::<f32>());
            let memory =
                Memory { arena, params: none, state: none, inputs: &[], uniforms: &[], rows: 1, seed: 0, step: 0 };
            let outcome = engine.run(&memory, GOOD, &|part| {
                part.done(0);
                std::thread::sleep(std::time::Duration::from_millis(2));
                part.done(1);
                part.done(2);
            });
            assert!(outcome.is_ok());
        }
        let profile = engine.finish_profile::<f32>("Net", "step", GOOD, 1);
        let names: Vec<&str> = profile.kernels.iter().map(|kernel| kernel.name.as_str()).collect();
        assert_eq!((names.as_slice(), profile.steps), (["first", "double", "store"].as_slice(), 4));
        assert!(profile.kernels[1].median_ns >= 2_000_000, "{profile}");
        assert!(engine.times.is_none());
    }
}

/// The control and status register of this thread's vector arithmetic.
#[cfg(target_arch = "x86_64")]
fn register() -> u32 {
    let mut state = 0_u32;
    // SAFETY: the instruction is in every x86-64 and writes `state` alone.
    unsafe { core::arch::asm!("stmxcsr [{}]", in(reg) &raw mut state, options(nostack, preserves_flags)) };
    state
}

#[cfg(target_arch = "x86_64")]
#[test]
fn the_callers_floating_point_state_is_restored_after_a_panic() {
    let mut engine = Engine::new(64, 64);
    for threads in [1, 2] {
        engine.set_threads(threads).expect("some threads");
        let before = register();
        for culprit in 0..threads {
            let (arena, none) = (engine.arena(), std::ptr::null_mut::<f32>());
            let memory =
                Memory { arena, params: none, state: none, inputs: &[], uniforms: &[], rows: 1, seed: 0, step: 0 };
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                engine.run(&memory, GOOD, &|part| {
                    assert_ne!(register() & (1 << 15 | 1 << 6), 0, "denormals are flushed in a call");
                    if part.member.index == culprit {
                        resume_unwind(Box::new(()));
                    }
                })
            }));
            assert!(panicked.is_err());
            assert_eq!(register(), before);
        }
    }
}

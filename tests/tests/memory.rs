//! What trainers and predictors take from the heap is what the consts say, byte for byte.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use kiln::{ALIGNMENT, network};

/// Bytes that are taken and not given back: on cache lines, and other.
static LINES: AtomicUsize = AtomicUsize::new(0);
static OTHER: AtomicUsize = AtomicUsize::new(0);

struct Counting;

/// Parameters, slots, arenas and scratch memory lie on cache lines, and nothing else does so.
fn counter(layout: Layout) -> &'static AtomicUsize {
    if layout.align() == ALIGNMENT { &LINES } else { &OTHER }
}

// SAFETY: the system's allocator, counted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        counter(layout).fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        counter(layout).fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

network! {
    Cnn<batch = 6> {
        let image = input([9, 9, 2]);
        let digit = class(5);
        let features = image.conv2d(7, kernel = 3).batch_norm().relu().max_pool2d(2).flatten();
        let logits = features.dense(5);
        output(softmax(logits));
        loss(cross_entropy(logits, digit));
        optimizer(adam);
    }
}

network! {
    Lstm<batch = 3, dtype = f64> {
        let x = input([4, 5]);
        let y = target([2]);
        let score = x.lstm(7).dense(2);
        output(score);
        loss(mse(score, y));
        optimizer(sgd(lr = 0.1, momentum = 0.9, ema = 0.99));
        gradients();
        explain(integrated_gradients, of = score, wrt = x);
    }
}

network! {
    Small<batch = 64> {
        let x = input([3]);
        output(x.dense(2));
    }
}

/// What is taken more than before, once the thing is made and has so many threads.
fn taken<T>(make: impl FnOnce() -> T) -> (T, [usize; 2]) {
    let before = [&LINES, &OTHER].map(|counter| counter.load(Ordering::Relaxed));
    let made = make();
    let after = [&LINES, &OTHER].map(|counter| counter.load(Ordering::Relaxed));
    (made, [after[0] - before[0], after[1].saturating_sub(before[1])])
}

macro_rules! check {
    ($made:expr, $expected:expr, $scratch:expr) => {
        for threads in [1, 2, 5] {
            let (made, [lines, other]) = taken(|| {
                let mut made = $made;
                made.set_threads(threads).expect("some threads");
                made
            });
            assert_eq!(lines, $expected + threads * $scratch, "{threads} threads of {}", stringify!($made));
            assert!(other <= 4096, "{other} bytes beside, {threads} threads of {}", stringify!($made));
            drop(made);
        }
    };
}

// One test, so that none runs beside it and allocates.
#[test]
fn the_consts_account_for_every_byte() {
    let (cnn, [parameters, _]) = taken(|| Cnn::new(1));
    assert_eq!(parameters, Cnn::PARAMETER_BYTES);
    check!(
        cnn.trainer(),
        Cnn::PARAMETER_BYTES + Cnn::OPTIMIZER_BYTES + Cnn::TRAIN_ARENA_BYTES,
        Cnn::SCRATCH_BYTES_PER_THREAD
    );
    check!(cnn.predictor(), Cnn::PARAMETER_BYTES + Cnn::INFER_ARENA_BYTES, Cnn::SCRATCH_BYTES_PER_THREAD);

    let (lstm, [parameters, _]) = taken(|| Lstm::new(1));
    assert_eq!(parameters, Lstm::PARAMETER_BYTES);
    check!(
        lstm.trainer(),
        Lstm::PARAMETER_BYTES + Lstm::OPTIMIZER_BYTES + Lstm::TRAIN_ARENA_BYTES,
        Lstm::SCRATCH_BYTES_PER_THREAD
    );
    check!(
        lstm.predictor(),
        Lstm::PARAMETER_BYTES + Lstm::INFER_ARENA_BYTES + Lstm::EXPLANATION_BYTES,
        Lstm::SCRATCH_BYTES_PER_THREAD
    );

    let small = Small::new(1);
    check!(small.predictor(), Small::PARAMETER_BYTES + Small::INFER_ARENA_BYTES, Small::SCRATCH_BYTES_PER_THREAD);
    // A product of 64 rows with 3 by 2 weights, and the bias.
    assert_eq!((Small::PARAMETERS, Small::INFER_FLOPS), (3 * 2 + 2, 64 * (2 * 3 * 2 + 2)));
    assert_eq!(Small::INFER_ARENA_BYTES, 64 * 2 * 4);
}

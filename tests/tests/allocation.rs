//! Steps and inference take no memory from the heap.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use kiln::ndarray::{Array1, Array4};
use kiln::network;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: the system's allocator, counted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

network! {
    Cnn<batch = 6> {
        let image = input([8, 8, 2]);
        let digit = class(5);
        let factor = weight();
        let features = image.conv2d(6, kernel = 3).batch_norm().relu().max_pool2d(2).dropout(0.3).flatten();
        let hidden = features.dense(7).layer_norm().tanh();
        let logits = hidden.dense(5);
        let probabilities = softmax(logits);
        output(probabilities, hidden);
        loss(cross_entropy(logits, digit, weight = factor));
        optimizer(adam);
        method(encode, from = image, to = hidden);
    }
}

/// How often the heap is asked for memory, after a few calls that may set up what the system's locks need.
fn allocations(mut call: impl FnMut()) -> usize {
    (0..20).for_each(|_| call());
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    (0..50).for_each(|_| call());
    ALLOCATIONS.load(Ordering::Relaxed) - before
}

// One test, so that none runs beside it and allocates.
#[test]
fn calls_allocate_nothing() {
    let images = &vec![0.25_f32; 6 * 128];
    let digits = &[0_u32, 1, 2, 3, 4, 0];
    let weights = &[1.0_f32; 6];
    let array = Array4::<f32>::from_elem((4, 8, 8, 2), 0.5);
    let (labels, factors) = (Array1::from(vec![1_u32; 4]), Array1::<f32>::ones(4));
    let (mut probabilities, mut hidden) = ([0.0; 6 * 5], [0.0; 6 * 7]);
    for threads in [1, 2] {
        let mut trainer = Cnn::new(1).trainer();
        trainer.set_threads(threads).expect("some threads");
        let steps = allocations(|| {
            assert!(trainer.step(images, digits, weights).expect("good data").loss.is_finite());
        });
        assert_eq!(steps, 0, "a step on {threads} threads");
        let steps = allocations(|| {
            trainer.set_learning_rate(0.01);
            let step = trainer.step(&array, labels.view(), &factors).expect("good data");
            assert_eq!(step.output.probabilities.shape(), [4, 5]);
        });
        assert_eq!(steps, 0, "a step on arrays, {threads} threads");

        let mut predictor = trainer.model().predictor();
        predictor.set_threads(threads).expect("some threads");
        let calls = allocations(|| {
            let rows = predictor.run(images).expect("good data").hidden.nrows();
            let loss = predictor.loss(images, digits, weights).expect("good data");
            let code = predictor.encode(&array).expect("good data").len();
            let copied = predictor.run_into(images, &mut probabilities, &mut hidden).expect("good data");
            assert!(loss.is_finite());
            assert_eq!((rows, code, copied), (6, 4 * 7, 6));
        });
        assert_eq!(calls, 0, "inference on {threads} threads");
    }
}

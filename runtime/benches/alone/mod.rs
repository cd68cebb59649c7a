//! Kernels alone, with operands of their own: what the benches and the program `workloads` call again and again, on the
//! engine, as generated code does.

use kiln::engine::{Engine, Memory, Part};
use kiln::simd::Simd;
use kiln::{AlignedVec, Zeroable};

pub(crate) mod conv2d;
pub(crate) mod elements;
pub(crate) mod gemm;
pub(crate) mod rows;

/// A kernel with its operands, over vectors of any instruction set.
trait Kernel: Sync + 'static {
    /// Elements of scratch memory that a thread needs.
    fn scratch(&self) -> usize;

    /// Floating-point operations of a call, counted dense.
    fn flops(&self) -> f64;

    /// A thread's part of a call.
    ///
    /// # Safety
    /// The part has the scratch memory that is asked for, and each part of a call runs once.
    unsafe fn part<S: Simd<f32>>(&self, s: S, part: &Part<'_>);
}

/// A kernel that can be called, on the instruction set that a network would run on.
pub(crate) struct Alone {
    engine: Engine,
    part: Box<dyn Fn(&Part<'_>) + Sync>,
    flops: f64,
}

impl Alone {
    fn new(threads: usize, kernel: impl Kernel) -> kiln::Result<Self> {
        let mut engine = Engine::new(0, kernel.scratch() * size_of::<f32>());
        engine.set_threads(threads)?;
        let (isa, flops) = (engine.isa(), kernel.flops());
        let part = Box::new(move |part: &Part<'_>| kiln::dispatch!(isa, s => vectorized(s, &kernel, part)));
        Ok(Self { engine, part, flops })
    }

    /// Runs it once, on all threads.
    pub(crate) fn call(&mut self) {
        // Kernels alone have memory of their own, the engine's is empty.
        let none = Memory::<f32> {
            arena: self.engine.arena(),
            params: core::ptr::null_mut(),
            state: core::ptr::null_mut(),
            inputs: &[],
            uniforms: &[],
            rows: 0,
            seed: 0,
            step: 0,
        };
        self.engine.run(&none, &[], &*self.part).expect("a kernel alone is not watched");
    }

    /// Floating-point operations of a call, counted dense.
    pub(crate) fn flops(&self) -> f64 {
        self.flops
    }
}

fn vectorized<S: Simd<f32>>(s: S, kernel: &impl Kernel, part: &Part<'_>) {
    s.vectorize(
        #[inline(always)]
        || {
            // SAFETY: the engine gives each part once for a call, with its scratch memory.
            unsafe { kernel.part(s, part) }
        },
    );
}

/// An operand or a result: memory that threads share, each of them writing to places of its own.
struct Buffer<E: Zeroable> {
    start: *mut E,
    /// Owns what `start` points to.
    _memory: AlignedVec<E>,
}

// SAFETY: kernels' threads write to different places, see `Kernel`.
unsafe impl<E: Zeroable> Sync for Buffer<E> {}

impl<E: Zeroable> Buffer<E> {
    /// So many elements by their index.
    fn new(count: usize, element: impl Fn(usize) -> E) -> Self {
        let mut memory = AlignedVec::new(count);
        memory.iter_mut().enumerate().for_each(|(index, place)| *place = element(index));
        Self { start: memory.as_mut_ptr(), _memory: memory }
    }

    fn at(&self) -> *mut E {
        self.start
    }
}

impl Buffer<f32> {
    /// Uniform numbers, the same each time.
    fn random(count: usize, seed: u64, low: f32, high: f32) -> Self {
        Self::new(count, |index| low + (high - low) * kiln::simd::random(seed, index as u64))
    }

    /// Zeros.
    fn zeros(count: usize) -> Self {
        Self::new(count, |_| 0.0)
    }
}

//! Kernels alone on one thread, for regressions: `cargo bench -p kiln --bench kernels`, or with a part of a name behind it.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

mod alone;

use alone::Alone;
use alone::conv2d::{Pass, convolution};
use alone::elements::Function;
use alone::gemm::{Layout, product};
use alone::rows::Reduction;

/// Times a kernel; its throughput are its operations, or elements.
fn bench(c: &mut Criterion, group: &str, name: String, kernel: kiln::Result<Alone>) {
    let mut kernel = kernel.expect("one thread");
    let mut group = c.benchmark_group(group);
    group.throughput(Throughput::Elements(kernel.flops() as u64));
    group.bench_function(name, |bencher| bencher.iter(|| kernel.call()));
    group.finish();
}

fn gemm(c: &mut Criterion) {
    // Squares, odd ones, an output layer's few columns, a batch of one, and a cell's step.
    let sizes =
        [[64, 64, 64], [256, 256, 256], [512, 512, 512], [97, 97, 97], [128, 10, 512], [1, 512, 784], [32, 512, 128]];
    for (group, layout) in Layout::ALL {
        for [m, n, k] in sizes {
            bench(c, group, format!("{m}x{n}x{k}"), product(layout, black_box([m, n, k]), 1));
        }
    }
}

fn conv2d(c: &mut Criterion) {
    // Those of the MNIST tutorial, and odd channels.
    for sizes in [[28, 28, 1, 32, 3], [13, 13, 32, 64, 3], [12, 11, 5, 19, 3]] {
        let [h, w, channels, filters, k] = sizes;
        for (group, pass) in Pass::ALL {
            let name = format!("{h}x{w}x{channels}x{filters}x{k}");
            bench(c, group, name, convolution(pass, black_box(sizes), 8, 1));
        }
    }
}

fn elements(c: &mut Criterion) {
    for (name, function) in Function::ALL {
        bench(c, "elementwise", name.to_owned(), function.over(black_box(4096), 1));
    }
}

fn reductions(c: &mut Criterion) {
    for (group, reduction) in Reduction::ALL {
        for [rows, cols] in [[128, 512], [128, 10], [512, 65]] {
            bench(c, group, format!("{rows}x{cols}"), reduction.of(black_box([rows, cols]), 1));
        }
    }
}

criterion_group! {
    name = kernels;
    config = Criterion::default().warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1));
    targets = gemm, conv2d, elements, reductions
}
criterion_main!(kernels);

//! Emitted code on awkward sizes: 1, primes, and what lies around whole vectors and tiles.

use kiln_tests::against_reference;

/// A network of two dense layers for each line of sizes: rows, inputs, units, classes.
macro_rules! mlps {
    ($($test:ident: $batch:tt, $inputs:tt, $units:tt, $classes:tt as $float:ident, $optimizer:ident;)*) => {$(
        #[test]
        fn $test() {
            against_reference! {
                Mlp(x: float, y: index) run(x) as $float,
                Mlp<batch = $batch, dtype = $float> {
                    let x = input([$inputs]);
                    let y = class($classes);
                    let logits = x.dense($units).tanh().dense($classes);
                    output(softmax(logits));
                    loss(cross_entropy(logits, y));
                    optimizer($optimizer(lr = 0.5));
                }
            }
        }
    )*};
}

mlps! {
    ones: 1, 1, 1, 1 as f32, sgd;
    one_row: 1, 7, 9, 2 as f32, sgd;
    below_a_vector: 3, 5, 3, 2 as f32, sgd;
    one_vector: 8, 8, 8, 8 as f32, sgd;
    one_more: 9, 9, 9, 9 as f32, sgd;
    one_less: 7, 7, 7, 7 as f64, sgd;
    a_tile: 6, 16, 16, 16 as f32, sgd;
    a_tile_and_one: 13, 17, 17, 33 as f32, sgd;
    primes: 11, 23, 31, 13 as f64, sgd;
    tall: 61, 2, 3, 2 as f32, sgd;
    wide: 2, 3, 97, 5 as f32, sgd;
}

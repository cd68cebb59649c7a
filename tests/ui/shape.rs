// The trace of a shape under rustc.

use kiln::network;

network! {
    pub Cnn<batch = 128> {
        let image = input([28, 28, 1]);
        let f: Tensor<1600> = image
            .conv2d(32, kernel = 3, pad = same).relu().max_pool2d(2)
            .conv2d(64, kernel = 3, pad = same).relu().max_pool2d(2)
            .flatten();
        output(f.dense(HIDDEN).desne(10));
    }
}

fn main() {
    let features = Cnn::new(0).predictor().run(&[0.0; 784]).unwrap().len();
    println!("{features}");
}

//! A result is a view into the predictor's memory: the next call would overwrite it.

use kiln::network;

network! {
    Net<batch = 2> {
        let x = input([3]);
        output(x.dense(2));
    }
}

fn main() {
    let mut predictor = Net::new(1).predictor();
    let first = predictor.run(&[0.0; 3]).unwrap();
    let second = predictor.run(&[1.0; 3]).unwrap();
    println!("{first} {second}");
}

// Past a bound nothing of the body is read, but the interface is known.

use kiln::network;

network! {
    Net<batch = 1> {
        let x = input([4]);
        let y = ---------------------------------x;
        loss(mean(y));
    }
}

fn main() {
    let step = Net::new(0).trainer().step(&[0.0; 4]).map(|step| step.loss);
    println!("{step:?}");
}

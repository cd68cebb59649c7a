//! Data of another type, data that is missing, and training without a loss.

use kiln::network;

network! {
    Net<batch = 8> {
        let x = input([12]);
        let y = class(3);
        let logits = x.dense(3);
        output(softmax(logits));
        loss(cross_entropy(logits, y));
        optimizer(sgd);
    }
}

network! {
    Infer<batch = 8> {
        let x = input([12]);
        output(x.dense(3));
    }
}

fn main() {
    let mut trainer = Net::new(1).trainer();
    trainer.step(&[0.0_f64; 12], &[1_u32]).unwrap();
    trainer.step(&[0.0_f32; 12]).unwrap();
    Infer::new(1).trainer();
}

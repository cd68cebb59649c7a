//! All mistakes of a build at once, each on its own token.

use kiln::network;

network! {
    Net<batch = 8> {
        let x = input([12]);
        let y = class(3);
        let a = x.dens(4);
        let b = x.dense(units = 5, units = 6);
        let c = x.reshape([5, 3]);
        let d = matmul(x, param([13, 2]));
        let logits = x.dense(4);
        output(softmax(logit));
        loss(cross_entropy(logits, y));
        optimizer(sgd(rate = 0.1));
        explain(saliency, of = logits, wrt = x, class = y, name = why);
    }
}

network! {
    Other<batch = 0> {
        let x = input([12]);
        output(x.dense(3));
    }
}

fn main() {
    let mut trainer = Net::new(1).trainer();
    println!("{}", trainer.step(&[0.0; 12], &[1]).unwrap().loss);
    trainer.freeze("logits.*").unwrap();
    let gradients = trainer.gradients(&[0.0; 12], &[1]).unwrap();
    println!("{:?}", gradients.get("logits.bias"));
    let mut predictor = trainer.averaged_model().predictor();
    println!("{}", predictor.why(&[0.0; 12], &[1]).unwrap()[[0, 3]]);
    println!("{:?}", Other::new(1).predictor().run(&[0.0; 12]));
}

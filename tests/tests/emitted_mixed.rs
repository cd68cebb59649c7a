//! Networks that mix what the other files hold apart: attention by hand, residual blocks with normalisation, shared
//! encoders, broadcasts of every kind.

use kiln_tests::against_reference;

#[test]
fn attention_by_hand_over_a_sequence() {
    against_reference! {
        Attention(x: float, y: index, w: float) run(x) as f64,
        pub Attention<batch = 6, time = 7, hidden = 5, dtype = f64> {
            let x = input([time, 3]);
            let y = classes([time], 4);
            let w = weight();
            let pos = param([time, hidden], init = normal(0.0, 0.05));
            let h = x.dense(hidden) + pos;
            let q = h.dense(hidden);
            let k = h.dense(hidden);
            let v = h.dense(hidden);
            let scores = softmax(matmul(q, transpose(k, [1, 0])) / 2.236);
            let mixed = matmul(scores, v) + h;
            let logits = mixed.layer_norm().dense(4);
            output(softmax(logits));
            loss(cross_entropy(logits, y, weight = w));
            optimizer(adamw(lr = 1e-3));
        }
    }
}

#[test]
fn residual_blocks_with_normalisation() {
    against_reference! {
        Residual(x: float, t: float) run(x) as f64,
        pub Residual<batch = 4, dtype = f64> {
            let x = input([9, 9, 3]);
            let t = target([1]);
            fn block(x: Tensor, f: usize) -> Tensor {
                let y = x.conv2d(f, kernel = 3, pad = same).batch_norm().relu();
                let z = y.conv2d(f, kernel = (2, 3), pad = same, stride = 1);
                relu(z + x.conv2d(f, kernel = 1))
            }
            let mut h = x;
            for i in 0..3 { h = block(h, 4 + i); }
            let p = h.avg_pool2d(3, stride = 2, pad = same).dropout(0.3);
            let g = p.global_avg_pool2d();
            let o = g.dense(1, bias = false).sigmoid();
            output(o);
            loss(binary_cross_entropy(o, t, from_logits = false));
            optimizer(adam());
        }
    }
}

#[test]
fn broadcasts_and_reductions_of_every_kind() {
    against_reference! {
        Mixed(a: float, b: float, t: float) run(a, b) as f32,
        pub Mixed<batch = 5> {
            let a = input([4, 5]);
            let b = input([5]);
            let t = target([4]);
            let scale = param([4, 1], init = ones);
            let c = (a * b * scale + 1.0) / (2.0 + abs(b));
            let s = mean(c, axis = 1);
            let m = sum(max(a, axis = 0));
            let r = s * m + scale.reshape([4]);
            output(r);
            loss(mse(r, t) + 0.1 * mae(s, t));
            optimizer(sgd(lr = 0.01));
        }
    }
}

#[test]
fn a_shared_encoder_over_moved_axes() {
    against_reference! {
        Shared(x: float) run(x) as f64,
        pub Shared<batch = 8, dtype = f64> {
            const H: usize = 6;
            let x = input([10]);
            let image = x.reshape([2, 5]).permute([1, 0]);
            fn code(x: Tensor) -> Tensor { x.dense(H).tanh() }
            let enc = shared(code);
            let a = enc(image);
            let b = enc(image * 0.5);
            let both = concat(a, b, axis = -1);
            let z = both[1..4, 0..H].flatten();
            let out = z.dense(10);
            output(out);
            loss(mse(out, x));
            optimizer(sgd(lr = 0.01, momentum = 0.9, nesterov = true));
        }
    }
}

//! Networks as tutorials have them, declared from the docs alone.

use kiln_tests::against_reference;

#[test]
fn attention_over_the_source_in_a_decoder_loop() {
    against_reference! {
        AttnDecoder(source: index, shifted: index, wanted: index) run(source, shifted) as f32,
        pub AttnDecoder<batch = 4> {
            const H: usize = 5;
            let source = tokens([6], 11);
            let shifted = tokens([4], 9);
            let wanted = classes([4], 9);
            let m = mask(source);
            let (enc, state) = source.embedding(4).gru(H, return_sequences = true, return_state = true, mask = m);
            let keys = enc.dense(H, bias = false);
            let v = param([H, 1]);
            let (h, logits) = scan(shifted.embedding(4), h = state, |x_t, h| {
                let e = matmul(tanh(keys + h.dense(H)), v).reshape([6]) - 1e9 * (1.0 - m);
                let a = softmax(e);
                let context = matmul(a.reshape([1, 6]), enc).reshape([H]);
                let z = concat(x_t, context, h);
                let u = z.dense(H).sigmoid();
                let h = u * h + (1.0 - u) * z.dense(H).tanh();
                (h, concat(h, context).dense(9))
            });
            output(softmax(logits));
            loss(cross_entropy(logits, wanted, ignore_class = 0));
            optimizer(adam);
        }
    }
}

#[test]
fn a_peephole_cell_with_an_emission() {
    against_reference! {
        Peephole(x: float, y: index) run(x) -> (logits_p, end) as f64,
        pub Peephole<batch = 4, dtype = f64> {
            const H: usize = 4;
            let x = input([6, 3]);
            let y = classes([6], 5);
            let pi = param([H]);
            let pf = param([H]);
            let po = param([H]);
            let (h, c, logits) = scan(x, h = zeros([H]), c = zeros([H]), |x_t, h, c| {
                let z = x_t.dense(4 * H) + h.dense(4 * H, bias = false, init = orthogonal);
                let parts = split(z, 4);
                let i = sigmoid(parts[0] + pi * c);
                let f = sigmoid(parts[1] + pf * c);
                let c = f * c + i * tanh(parts[2]);
                let o = sigmoid(parts[3] + po * c);
                let h = o * tanh(c);
                (h, c, h.dense(5))
            });
            output(logits_p = softmax(logits), end = last(c));
            loss(cross_entropy(logits, y));
            optimizer(adam);
        }
    }
}

#[test]
fn a_u_net() {
    against_reference! {
        UNet(image: float, wanted: float) run(image) as f32,
        pub UNet<batch = 2> {
            fn double_conv(x: Tensor, filters: usize) -> Tensor {
                x.conv2d(filters, 3, pad = same).relu().conv2d(filters, 3, pad = same).relu()
            }
            let image = input([16, 16, 1]);
            let wanted = target([16, 16, 1]);
            let d1 = image.double_conv(4);
            let d2 = d1.max_pool2d(2).double_conv(8);
            let middle = d2.max_pool2d(2).double_conv(12).dropout(0.3);
            let u2 = middle.conv2d_transpose(8, kernel = 2, stride = 2).concat(d2).double_conv(8);
            let u1 = concat(u2.conv2d_transpose(4, 3, stride = 2, pad = same), d1, axis = -1).double_conv(4);
            let logits = u1.conv2d(1, 1);
            let picture = sigmoid(logits);
            output(picture);
            let bce = binary_cross_entropy(logits, wanted);
            let dice = 1.0 - (2.0 * sum(picture * wanted) + 1.0) / (sum(picture) + sum(wanted) + 1.0);
            loss(bce + mean(dice));
            optimizer(adam(1e-4));
            memory(max = "64 MiB");
        }
    }
}

#[test]
fn a_network_per_frame_and_a_gru() {
    against_reference! {
        Video(frames: float, action: index) run(frames) as f32,
        pub Video<batch = 4> {
            let frames = input([4, 8, 8, 2]);
            let action = class(3);
            fn encode(frame: Tensor) -> Tensor {
                frame.conv2d(4, kernel = 3, pad = same).relu().max_pool2d(2).conv2d(6, kernel = 3).relu().flatten()
            }
            let h = frames.time_distributed(encode).gru(5);
            let logits = h.dense(3);
            output(logits.softmax());
            loss(cross_entropy(logits, action));
            optimizer(sgd(lr = 0.05, momentum = 0.9, nesterov = true));
        }
    }
}

#[test]
fn two_texts_and_shared_layers() {
    against_reference! {
        Duplicates(a: index, b: index, y: float) run(a, b) as f32,
        pub Duplicates<batch = 4, width = 3> {
            let a = tokens([5], 10);
            let b = tokens([5], 10);
            let y = target([1]);
            let embed = shared(embedding(4));
            let encode = shared(bidirectional(lstm(width)));
            let (ha, hb) = (encode(embed(a)), encode(embed(b)));
            let logit = concat(abs(ha - hb), ha * hb).dense(4).relu().dense(1);
            output(sigmoid(logit));
            loss(binary_cross_entropy(logit, y));
            optimizer(adam(lr = 1e-3));
        }
    }
}

#[test]
fn a_mixture_of_experts() {
    against_reference! {
        Moe(x: float, y: index) run(x) -> (gate, p) as f32,
        pub Moe<batch = 4> {
            const E: usize = 3;
            let x = input([6]);
            let y = class(4);
            let gate = softmax(x.dense(E));
            let mut mix = zeros([8]);
            for i in 0..E {
                let e = x.dense(8).relu();
                mix = mix + gate[i..i + 1] * e;
            }
            let w = param([E, 6, 8]);
            let all = einsum("i,eio->eo", x, w);
            let logits = (mix + einsum("e,eo->o", gate, all)).dense(4);
            output(gate, p = softmax(logits));
            loss(cross_entropy(logits, y) + 0.01 * mean(sum(gate * log(gate + 1e-9), axis = -1)));
            optimizer(adam);
        }
    }
}

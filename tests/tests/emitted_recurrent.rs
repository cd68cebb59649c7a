//! Emitted recurrent layers, trained, against the reference.

use kiln_tests::against_reference;

#[test]
fn stacked() {
    against_reference! {
        Net(x: float, y: index) run(x) -> (p, end) as f64,
        Net<batch = 5, dtype = f64> {
            let x = input([6, 3]);
            let y = class(4);
            let h = x.lstm(7, return_sequences = true, dropout = 0.2).gru(5, return_sequences = true);
            let (end, state) = h.rnn(4, return_state = true, recurrent_dropout = 0.3);
            let logits = concat([end, state * 2.0]).dense(4);
            let p = softmax(logits);
            output(p, end);
            loss(cross_entropy(logits, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn both_ways_with_masks_and_frames() {
    against_reference! {
        Net(x: float, m: float, word: index, h0: float, c0: float, y: index) run(x, m, word, h0, c0) -> (tags, h) as f64,
        Net<batch = 4, dtype = f64> {
            let x = input([5, 3]);
            let m = input([5]);
            let word = tokens([5], 4);
            let h0 = input([3]);
            let c0 = input([3]);
            let y = classes([5], 2);
            let (seen, h, c) = x.lstm(3, mask = m > 0.0, initial_state = (h0, c0), return_sequences = true,
                return_state = true);
            let both = seen.bidirectional(gru(2, return_sequences = true, mask = word != 2));
            let tags = both.time_distributed(|b_t| b_t.dense(4).relu().dense(2));
            output(tags, h);
            loss(cross_entropy(tags, y, ignore_class = 1) + mean(square(c)));
            optimizer(adam(lr = 0.01));
        }
    }
}

/// Indices, an embedding and attention over another layer's states in a cell; a pool whose input is a state.
#[test]
fn cells_of_layers() {
    against_reference! {
        Net(word: index, x: float, frames: float, y: index) run(word, x, frames) -> (p, o) as f64,
        Net<batch = 3, dtype = f64> {
            let word = tokens([4], 7);
            let x = input([5, 3]);
            let frames = input([3, 6, 5, 2]);
            let y = class(3);
            let seen = x.gru(6, return_sequences = true);
            let said = scan(word, h = zeros([6]), |word_t, h| {
                let scores = softmax((seen * h).sum(axis = -1));
                let context = (seen * scores.reshape([5, 1])).sum(axis = 0);
                tanh(concat(word_t.embedding(4), context).dense(6)).layer_norm()
            });
            let motion = scan(frames, h = zeros([6, 5, 2]), |image, h| {
                relu(image.conv2d(2, kernel = 3, pad = same) + h * 0.5).max_pool2d(2, stride = 1, pad = same)
            });
            let o = concat(last(said), last(motion).flatten().dense(2));
            let logits = o.dense(3);
            let p = softmax(logits);
            output(p, o);
            loss(cross_entropy(logits, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

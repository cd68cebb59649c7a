//! Emitted loops against the reference interpreter.

use kiln_tests::against_reference;

/// Two states that start from inputs, a step that is emitted, and the loop the other way round over what it gave.
#[test]
fn a_cell_from_its_equations_there_and_back() {
    against_reference! {
        inference Cells(x: float, first: float) run(x, first) -> (back, cell, end) as f32,
        Cells<batch = 9> {
            const H: usize = 11;
            let x = input([5, 7]);
            let first = input([H]);
            let w = param([7, 4 * H], init = glorot_uniform);
            let u = param([H, 4 * H], init = glorot_uniform);
            let (hidden, cell) = scan(x, h = first, c = zeros([H]), |x_t, h, c| {
                let z = matmul(x_t, w) + matmul(h, u);
                let c = sigmoid(z[H..2 * H]) * c + sigmoid(z[..H]) * tanh(z[2 * H..3 * H]);
                (sigmoid(z[3 * H..]) * tanh(c), c)
            });
            let v = param([H, H], init = glorot_uniform);
            let back = scan((hidden, x), s = last(hidden), |(h_t, x_t), s| {
                tanh(matmul(s, v) + h_t) + x_t.sum()
            }, reverse = true);
            let end = last(cell);
            output(back, cell, end);
        }
    }
}

/// A loop in a loop, over a sequence of sequences, a state that both read, and one that no step changes.
#[test]
fn nested() {
    against_reference! {
        inference Nested(x: float) run(x) -> (outer, sums) as f64,
        Nested<batch = 5, dtype = f64> {
            let x = input([3, 4, 6]);
            let w = param([6, 6], init = glorot_uniform);
            let (outer, kept, sums) = scan(x, g = zeros([6]), kept = ones([6]), |row, g, kept| {
                let inner = scan(row, h = g, |x_t, h| tanh(matmul(h, w) + x_t * g));
                (last(inner) * kept, kept, inner.sum(axis = 0) + g)
            });
            output(outer, sums);
        }
    }
}

/// States that change places, one step, weights as a sequence, no batch, and convolutions of frames.
#[test]
fn odd_loops() {
    against_reference! {
        inference Odd(x: float, frames: float, word: index) run(x, frames, word) -> (swapped, once, levels, motion, said) as f32,
        Odd<batch = 4> {
            let x = input([6, 3]);
            let frames = input([3, 6, 5, 2]);
            let word = tokens([4], 7);
            let (a, b) = scan(x, a = zeros([3]), b = ones([3]), |x_t, a, b| (b, a + x_t));
            let swapped = a + b;
            let once = scan(x[0..1], h = ones([3]), |x_t, h| h * x_t - h);
            let w = param([4, 3, 3], init = glorot_uniform);
            let levels = scan(w, h = x[0], |w_t, h| tanh(matmul(h, w_t)));
            let k = param([3, 3, 2, 2], init = glorot_uniform);
            let motion = scan(frames, h = zeros([6, 5, 2]), |image, h| {
                relu(image.conv2d(2, kernel = 3, pad = same) + h * 0.5).max_pool2d(2, stride = 1, pad = same)
            });
            let said = scan(word, h = zeros([5]), |word_t, h| tanh(one_hot(word_t, 7).dense(5) + h));
            output(swapped, once, levels, motion, said);
        }
    }
}

/// The recurrent layers, with masks and the way back, and a comparison that a loop reads.
#[test]
fn recurrent_layers() {
    against_reference! {
        inference Layers(x: float, said: float) run(x, said) -> (y, a, b, z, kept) as f32,
        Layers<batch = 7> {
            let x = input([6, 3]);
            let said = input([6]);
            let h = x.gru(7, mask = said > 0.1, return_sequences = true);
            let (y, a, b) = h.lstm(5, return_state = true, mask = said);
            let z = h.bidirectional(rnn(4, return_sequences = true));
            let large = x[0] > 0.2;
            let kept = scan(x, h = zeros([3]), |x_t, h| select(large, tanh(h + x_t), h));
            output(y, a, b, z, kept);
        }
    }
}

/// Gradients through two loops at once: over a loop's results and its last state, through states, sequences, captured
/// weights and an initial state.
#[test]
fn back_through_time() {
    against_reference! {
        Trained(x: float, first: float, y: index) run(x, first) -> (logits, back) as f32,
        Trained<batch = 9> {
            const H: usize = 7;
            let x = input([5, 6]);
            let first = input([H]);
            let y = class(4);
            let start = first.dense(H);
            let h = x.lstm(H, return_sequences = true);
            let w = param([H, H], init = glorot_uniform);
            let scale = param([H], init = ones);
            let back = scan(h, s = start, |h_t, s| tanh(matmul(s, w) + h_t * scale), reverse = true);
            let logits = (last(h) + back.mean(axis = 0)).dense(4);
            output(logits, back);
            loss(cross_entropy(logits, y));
            optimizer(adam(lr = 0.01));
        }
    }
}

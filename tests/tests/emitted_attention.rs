//! Emitted attention and embeddings: causal, masked, over a context; padding; odd sizes.

use kiln_tests::against_reference;

#[test]
fn a_decoder() {
    against_reference! {
        Decoder(tokens: index, memory: float, y: index) run(tokens, memory) as f64,
        Decoder<batch = 3, dtype = f64> {
            let tokens = tokens([5], 7);
            let memory = input([3, 4]);
            let y = classes([5], 7);
            let h = tokens.embedding(6, padding = 2).positional_embedding();
            let h = h + h.layer_norm().attention(2, causal = true, mask = mask(tokens, padding = 2), dropout = 0.2);
            let h = h + h.attention(3, key_dim = 5, value_dim = 1, context = memory, bias = false);
            let logits = h.sinusoidal_encoding().dense(7);
            output(logits);
            loss(cross_entropy(logits, y));
            optimizer(adam(lr = 0.01));
        }
    }
}

#[test]
fn wide_tables_and_single_steps() {
    against_reference! {
        Wide(words: index, one: index, x: float, y: float) run(words, one, x) as f32,
        Wide<batch = 5> {
            let words = tokens([2, 3], 40);
            let one = class(3);
            let x = input([1, 17]);
            let y = target([33]);
            let all = words.embedding(33).sum(axis = (0, 1)) + one.embedding(33, padding = 0);
            let h = x.attention(1, key_dim = 3).flatten().dense(33);
            let q = x.reshape([17, 1]);
            let f = scaled_dot_product_attention(q, q, q, causal = true).flatten().dense(33);
            output(all + h + f);
            loss(mse(all + h + f, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

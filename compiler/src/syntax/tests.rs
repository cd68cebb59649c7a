//! What the language accepts.

use super::ast::{ExprKind, NetworkDecl, Stmt};
use super::parse;
use crate::diag::Diagnostics;

/// Parses a network that has no mistakes.
fn accept(source: &str) -> NetworkDecl {
    let mut errors = Diagnostics::default();
    let decl = parse(source.parse().unwrap(), &mut errors);
    let texts: Vec<String> = errors.iter().map(|error| error.text()).collect();
    assert_eq!(texts, Vec::<String>::new());
    decl.unwrap()
}

#[test]
fn the_convolutional_network() {
    let decl = accept(
        "
        /// The convolutional network of the Keras MNIST tutorial.
        pub MnistCnn<batch = 128> {
            let image = input([28, 28, 1]);
            let digit = class(10);
            let features = image
                .conv2d(32, kernel = 3).relu().max_pool2d(2)
                .conv2d(64, kernel = 3).relu().max_pool2d(2)
                .flatten();
            let hidden = features.dense(128).relu().dropout(0.5);
            let logits = hidden.dense(10);
            output(softmax(logits));
            loss(cross_entropy(logits, digit));
            optimizer(adam(lr = 1e-3));
        }",
    );
    assert_eq!(decl.name.to_string(), "MnistCnn");
    assert_eq!(decl.visibility.to_string(), "pub");
    assert_eq!(decl.body.len(), 8);
    let Stmt::Let { pattern, value, .. } = &decl.body[2] else { panic!("{:?}", decl.body[2]) };
    assert_eq!(pattern[0].to_string(), "features");
    let ExprKind::Method { method, receiver, .. } = &value.kind else { panic!("{value:?}") };
    assert_eq!(method.to_string(), "flatten");
    assert!(matches!(receiver.kind, ExprKind::Method { .. }));
    let Stmt::Expr(last) = &decl.body[7] else { panic!() };
    let ExprKind::Call { args, .. } = &last.kind else { panic!() };
    let ExprKind::Call { named, .. } = &args[0].kind else { panic!() };
    assert_eq!(named[0].0.to_string(), "lr");
    assert!(matches!(named[0].1.kind, ExprKind::Float(lr) if lr == 1e-3));
}

#[test]
fn all_kinds_of_statements() {
    let decl = accept(
        "
        pub(crate) Net<batch = 2 * 16, time = 28, dtype = f64,> {
            const H: usize = 64 + time;
            fn block(x: Tensor, y: Tensor<3, {2 * H}>, n: usize, p: f32, deep: bool) -> Tensor {
                let h = x.dense(n);
                h + y
            }
            fn pair(x: Tensor) -> (Tensor, Tensor) { (x, -x) }
            let x: Tensor<7, H, {2 * H}> = input([7, H, 2 * H]);
            let mut h = x;
            for i in 0..3 { h = block(h, h, i, 0.5, true); }
            for _ in 0..=n { h = h.relu(); }
            let (a, _) = pair(h);
            let s = scan(x, h = zeros([H]), |x_t, h| { let a = x_t * h; a + 1.0 }, reverse = true);
            let c = a.map(|v| !v);
            let part = a[1..3];
            let part = a[(1.., .., ..=2)];
            let part = a[1..3, .., 2];
            let compared = select((a < 3.0) == (b >= 2.0), a % 2, b);
            let enc = shared(block);
            memory(max = \"64 MiB\");
            method(encode, from = x, to = a);
        }",
    );
    assert_eq!(decl.header.len(), 3);
    assert_eq!(decl.body.len(), 17);
    assert!(matches!(&decl.body[1], Stmt::Fn(block) if block.params.len() == 5 && block.body.len() == 1));
    assert!(matches!(&decl.body[5], Stmt::For { variable: Some(_), inclusive: false, body, .. } if body.len() == 1));
    assert!(matches!(&decl.body[6], Stmt::For { variable: None, inclusive: true, .. }));
    assert!(matches!(&decl.body[7], Stmt::Let { pattern, .. } if pattern.len() == 2));
    let Stmt::Let { value, .. } = &decl.body[12] else { panic!() };
    assert!(matches!(&value.kind, ExprKind::Index { indices, .. } if indices.len() == 3));
}

//! Every rule on the smallest graph that shows it. The values are compared on NaN and infinities too.

use super::super::testing::Build;
use super::simplify;
use crate::ir::NodeId;
use crate::ops::*;

/// The text after the rules, of a function of two inputs [3], without the lines of the inputs.
fn simplified(make: impl FnOnce(&mut Build, NodeId, NodeId) -> NodeId) -> String {
    let mut build = Build::default();
    let (x, y) = (build.input(&[3]), build.input(&[3]));
    let result = make(&mut build, x, y);
    build.output(result);
    let text = build.after(simplify);
    let lines = text.lines().filter(|line| !line.contains("= input "));
    lines.map(|line| line.replace(" : f64[B, 3]", "")).collect::<Vec<_>>().join("; ")
}

/// `op(x, c)`
fn right(op: impl Into<Op>, c: f64) -> String {
    simplified(|build, x, _| {
        let c = build.splat(c, x);
        build.op(op, &[x, c])
    })
}

/// `op(c, x)`
fn left(op: impl Into<Op>, c: f64) -> String {
    simplified(|build, x, _| {
        let c = build.splat(c, x);
        build.op(op, &[c, x])
    })
}

const X: &str = "output 0 = %0";
const NEGATIVE: &str = "%1 = neg %0; output 0 = %1";

fn times(c: f64) -> String {
    format!("%1 = constant {{value={c:?}}} : f64[]; %2 = broadcast %1; %3 = mul %0, %2; output 0 = %3")
}

#[test]
fn neutral_constants() {
    for zero in [0.0, -0.0] {
        assert_eq!(right(Add, zero), X);
        assert_eq!(left(Add, zero), X);
        assert_eq!(right(Sub, zero), X);
        assert_eq!(left(Sub, zero), NEGATIVE);
    }
    assert_eq!(right(Mul, 1.0), X);
    assert_eq!(left(Mul, 1.0), X);
    assert_eq!(right(Mul, -1.0), NEGATIVE);
    assert_eq!(right(Div, 1.0), X);
    assert_eq!(right(Div, -1.0), NEGATIVE);
}

#[test]
fn what_nan_forbids_stays() {
    assert_eq!(right(Mul, 0.0), times(0.0));
    let (difference, quotient) =
        (simplified(|build, x, _| build.op(Sub, &[x, x])), simplified(|build, x, _| build.op(Div, &[x, x])));
    assert_eq!(difference, "%1 = sub %0, %0; output 0 = %1");
    assert_eq!(quotient, "%1 = div %0, %0; output 0 = %1");
}

#[test]
fn constants_stand_on_the_right() {
    assert_eq!(left(Mul, 3.0), times(3.0));
    assert!(left(Add, 3.0).contains("add %0, %2"));
}

#[test]
fn division_by_a_power_of_two() {
    assert_eq!(right(Div, 8.0), times(0.125));
    assert_eq!(right(Div, -0.5), times(-2.0));
    for other in [3.0, 1e-300, f64::INFINITY, 0.0] {
        assert!(right(Div, other).contains("= div "), "{other}");
    }
}

#[test]
fn powers() {
    assert_eq!(right(Pow, 1.0), X);
    assert_eq!(right(Pow, 2.0), "%1 = mul %0, %0; output 0 = %1");
    assert_eq!(right(Pow, 0.0), "%0 = constant {value=1.0} : f64[]; %1 = broadcast %0; output 0 = %1");
    assert!(right(Pow, -1.0).contains("= div %1, %2"));
    assert!(right(Pow, 3.0).contains("= pow "));
}

#[test]
fn products_of_constants() {
    let chain = |a: f64, b: f64| {
        simplified(|build, x, _| {
            let (a, b) = (build.splat(a, x), build.splat(b, x));
            let inner = build.op(Mul, &[x, a]);
            build.op(Mul, &[inner, b])
        })
    };
    assert_eq!(chain(3.0, -2.0), times(-6.0));
    // In f32 the product would vanish.
    assert!(chain(1e-30, 1e-30).contains("value=1e-30"));
}

#[test]
fn negations() {
    let unary = |op: Op| {
        simplified(|build, x, _| {
            let negative = build.op(Neg, &[x]);
            build.op(op, &[negative])
        })
    };
    assert_eq!(unary(Neg.into()), X);
    assert_eq!(unary(Abs.into()), "%1 = abs %0; output 0 = %1");
    let binary = |op: Op, first: bool, second: bool| {
        simplified(|build, x, y| {
            let x = if first { build.op(Neg, &[x]) } else { x };
            let y = if second { build.op(Neg, &[y]) } else { y };
            build.op(op, &[x, y])
        })
    };
    assert_eq!(binary(Add.into(), false, true), "%2 = sub %0, %1; output 0 = %2");
    // `y - x`: the first line is of `y`.
    assert_eq!(binary(Add.into(), true, false), "%2 = sub %0, %1; output 0 = %2");
    assert_eq!(binary(Sub.into(), false, true), "%2 = add %0, %1; output 0 = %2");
    assert_eq!(binary(Mul.into(), true, true), "%2 = mul %0, %1; output 0 = %2");
    let difference = simplified(|build, x, y| {
        let difference = build.op(Sub, &[x, y]);
        build.op(Neg, &[difference])
    });
    assert_eq!(difference, "%2 = sub %0, %1; output 0 = %2");
    let scaled = simplified(|build, x, _| {
        let (negative, c) = (build.op(Neg, &[x]), build.splat(3.0, x));
        build.op(Mul, &[negative, c])
    });
    assert_eq!(scaled, times(-3.0));
}

#[test]
fn repetitions() {
    for op in [Op::from(Relu), Op::from(Abs)] {
        let name = op.rules().name();
        let text = simplified(|build, x, _| {
            let once = build.op(op.clone(), &[x]);
            build.op(op, &[once])
        });
        assert_eq!(text, format!("%1 = {name} %0; output 0 = %1"));
    }
    assert_eq!(simplified(|build, x, _| build.op(Maximum, &[x, x])), X);
    assert_eq!(simplified(|build, x, _| build.op(Minimum, &[x, x])), X);
}

#[test]
fn choices_that_are_known() {
    let same = simplified(|build, x, y| {
        let condition = build.op(Compare { kind: CompareKind::Lt }, &[x, y]);
        build.op(Select, &[condition, x, x])
    });
    assert_eq!(same, X);
    for (kind, first) in [(CompareKind::Le, true), (CompareKind::Ne, false)] {
        let text = simplified(|build, x, y| {
            let (a, b) = (build.splat(2.0, x), build.splat(2.0, x));
            let condition = build.op(Compare { kind }, &[a, b]);
            let (x, y) = if first { (x, y) } else { (y, x) };
            build.op(Select, &[condition, x, y])
        });
        assert_eq!(text, X);
    }
}

/// The text after the rules, of a function of one input of this shape.
fn shaped(dims: &[usize], make: impl FnOnce(&mut Build, NodeId) -> NodeId) -> String {
    let mut build = Build::default();
    let x = build.input(dims);
    let result = make(&mut build, x);
    build.output(result);
    let text = build.after(simplify);
    text.lines().filter(|line| !line.contains("= input ")).collect::<Vec<_>>().join("; ")
}

#[test]
fn shapes_that_do_not_change() {
    let dims = || vec![2, 3];
    assert_eq!(shaped(&[2, 3], |build, x| build.op(Reshape { dims: dims() }, &[x])), X);
    assert_eq!(shaped(&[2, 3], |build, x| build.op(Broadcast { batched: true, dims: dims() }, &[x])), X);
    assert_eq!(shaped(&[2, 3], |build, x| build.op(Transpose { perm: vec![0, 1] }, &[x])), X);
    let slice = Slice { starts: vec![0, 0], ends: dims(), steps: vec![1, 1] };
    assert_eq!(shaped(&[2, 3], |build, x| build.op(slice, &[x])), X);
    let pad = Pad { low: vec![0, 0], high: vec![0, 0], interior: vec![0, 0] };
    assert_eq!(shaped(&[2, 3], |build, x| build.op(pad, &[x])), X);
    assert_eq!(shaped(&[2, 3], |build, x| build.op(Concat { axis: 0 }, &[x])), X);
}

#[test]
fn chains_of_shapes() {
    let text = shaped(&[2, 3, 4], |build, x| {
        let flat = build.op(Reshape { dims: vec![24] }, &[x]);
        build.op(Reshape { dims: vec![6, 4] }, &[flat])
    });
    assert_eq!(text, "%1 = reshape %0 : f64[B, 6, 4]; output 0 = %1".to_string());
    let text = shaped(&[2, 3, 4], |build, x| {
        let turned = build.op(Transpose { perm: vec![2, 0, 1] }, &[x]);
        build.op(Transpose { perm: vec![0, 2, 1] }, &[turned])
    });
    assert_eq!(text, "%1 = transpose %0 {perm=[2, 1, 0]} : f64[B, 4, 3, 2]; output 0 = %1");
    let text = shaped(&[2, 1, 4], |build, x| build.op(Transpose { perm: vec![1, 0, 2] }, &[x]));
    assert_eq!(text, "%1 = reshape %0 : f64[B, 1, 2, 4]; output 0 = %1");
    let text = shaped(&[10], |build, x| {
        let part = build.op(Slice { starts: vec![1], ends: vec![10], steps: vec![2] }, &[x]);
        build.op(Slice { starts: vec![1], ends: vec![5], steps: vec![2] }, &[part])
    });
    assert_eq!(text, "%1 = slice %0 {starts=[3], ends=[8], steps=[4]} : f64[B, 2]; output 0 = %1");
    let text = shaped(&[2], |build, x| {
        let pad = |low, high| Pad { low: vec![low], high: vec![high], interior: vec![0] };
        let once = build.op(pad(1, 0), &[x]);
        build.op(pad(1, 2), &[once])
    });
    assert_eq!(text, "%1 = pad %0 {low=[2], high=[2], interior=[0]} : f64[B, 6]; output 0 = %1");
}

#[test]
fn broadcasts_of_broadcasts() {
    let text = shaped(&[3], |build, x| {
        let once = build.broadcast(x, true, &[1, 3]);
        build.broadcast(once, true, &[2, 3])
    });
    assert_eq!(text, "%1 = broadcast %0 : f64[B, 2, 3]; output 0 = %1");
    let text = shaped(&[3], |build, x| {
        let lifted = build.op(Reshape { dims: vec![1, 1, 3] }, &[x]);
        build.broadcast(lifted, true, &[2, 2, 3])
    });
    assert_eq!(text, "%1 = broadcast %0 : f64[B, 2, 2, 3]; output 0 = %1");
    let text = shaped(&[3], |build, x| {
        let column = build.op(Reshape { dims: vec![3, 1] }, &[x]);
        build.broadcast(column, true, &[3, 2])
    });
    assert!(text.contains("reshape"), "{text}");
    let text = shaped(&[3], |build, x| {
        let ones = build.splat(1.0, x);
        build.op(Slice { starts: vec![0], ends: vec![2], steps: vec![1] }, &[ones])
    });
    assert_eq!(text, "%0 = constant {value=1.0} : f64[]; %1 = broadcast %0 : f64[B, 2]; output 0 = %1");
}

#[test]
fn reductions() {
    let reduce = |axes: &[usize], batch| Reduce { kind: ReduceKind::Sum, axes: axes.to_vec(), batch };
    let of = |dims: &[usize], op: Reduce| shaped(dims, |build, x| build.op(op, &[x]));
    assert_eq!(
        of(&[2, 3, 4], reduce(&[0, 1], true)),
        "%1 = reduce %0 {kind=sum, axes=[0, 1], batch=true} : f64[4]; output 0 = %1"
    );
    assert_eq!(
        of(&[2, 3, 4], reduce(&[0, 2], false)),
        "%1 = reduce %0 {kind=sum, axes=[2], batch=false} : f64[B, 2, 3]; \
         %2 = reduce %1 {kind=sum, axes=[0], batch=false} : f64[B, 3]; output 0 = %2"
    );
    assert_eq!(
        of(&[2, 3], reduce(&[1], true)),
        "%1 = reduce %0 {kind=sum, axes=[1], batch=false} : f64[B, 2]; \
         %2 = reduce %1 {kind=sum, axes=[], batch=true} : f64[2]; output 0 = %2"
    );
    assert_eq!(of(&[1, 3, 1], reduce(&[0, 2], false)), "%1 = reshape %0 : f64[B, 3]; output 0 = %1");
    assert_eq!(
        of(&[1, 3], reduce(&[0, 1], true)),
        "%1 = reshape %0 : f64[B, 3]; %2 = reduce %1 {kind=sum, axes=[0], batch=true} : f64[]; output 0 = %2"
    );
    let constant = |op: Reduce| {
        shaped(&[3, 2], |build, x| {
            let ones = build.splat(0.5, x);
            build.op(op, &[ones])
        })
    };
    assert_eq!(
        constant(reduce(&[0, 1], false)),
        "%0 = constant {value=3.0} : f64[]; %1 = broadcast %0 : f64[B]; output 0 = %1"
    );
    assert_eq!(
        constant(reduce(&[0, 1], true)),
        "%0 = hyper {kind=rows} : f64[]; %1 = constant {value=3.0} : f64[]; %2 = mul %0, %1 : f64[]; output 0 = %2"
    );
    let largest = Reduce { kind: ReduceKind::Max, axes: vec![0], batch: true };
    assert_eq!(constant(largest), "%0 = constant {value=0.5} : f64[]; %1 = broadcast %0 : f64[2]; output 0 = %1");
}

#[test]
fn products_of_transposes() {
    let text = shaped(&[3], |build, x| {
        let w = build.param(&[4, 3]);
        let turned = build.op(Transpose { perm: vec![1, 0] }, &[w]);
        build.op(MatMul { transpose: false }, &[x, turned])
    });
    assert!(text.contains("matmul %0, %1 {transpose=true} : f64[B, 4]"), "{text}");
    let text = shaped(&[2, 3, 4], |build, x| {
        let turned = build.op(Transpose { perm: vec![0, 2, 1] }, &[x]);
        build.op(BatchMatMul { ta: true, tb: false }, &[turned, turned])
    });
    assert!(text.contains("batch_matmul %0, %0 {ta=false, tb=true} : f64[B, 2, 3, 3]"), "{text}");
}

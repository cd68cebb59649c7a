//! The dump example: what it prints, and what it says when it can't.

#[path = "../examples/dump/networks.rs"]
mod networks;
#[path = "../examples/dump/stages.rs"]
mod stages;

use stages::dump;

const NETWORK: &str = "pub Tiny<batch = 4> {
    let x = input([3]);
    let digit = class(2);
    let logits = x.dense(2);
    output(softmax(logits));
    loss(cross_entropy(logits, digit));
    optimizer(sgd(lr = 0.1));
}";

#[test]
fn every_stage_has_text() {
    let all = dump("tiny.rs", NETWORK, Some("all")).unwrap();
    for part in ["// Tiny, resolved", "// step: autodiff", "// run: dce", "// step: kernels", "// loss: an arena"] {
        assert!(all.contains(part), "{part} is missing");
    }
    let simplified = dump("tiny.rs", NETWORK, Some("simplify")).unwrap();
    assert!(simplified.starts_with("// step: simplify (run 1), "), "{simplified}");
    assert!(simplified.lines().filter(|line| line.starts_with("//")).all(|line| line.contains(": simplify (run ")));
}

#[test]
fn without_a_stage_it_is_rust() {
    let rust = dump("tiny.rs", NETWORK, None).unwrap();
    assert!(rust.contains("pub struct Tiny"), "{rust}");
}

#[test]
fn networks_are_found_in_programs() {
    let program = format!("use kiln::network;\nmod deep {{ kiln::network! {{ {NETWORK} }} }}\nfn main() {{ }}");
    assert_eq!(dump("main.rs", &program, Some("dce")), dump("tiny.rs", NETWORK, Some("dce")));
}

#[test]
fn mistakes_have_their_places() {
    let unknown = dump("tiny.rs", NETWORK, Some("simplfy")).unwrap_err();
    assert!(unknown.contains("no stage `simplfy`, did you mean `simplify`?"), "{unknown}");
    assert!(unknown.contains("network, dce, specialise, cse, prune, autodiff, strip, simplify, fold"), "{unknown}");
    let broken = dump("tiny.rs", &NETWORK.replace("dense", "desne"), None).unwrap_err();
    assert!(broken.contains("--> tiny.rs:4:20"), "{broken}");
    let unlexable = dump("tiny.rs", "pub Net<batch = 4> {\n  (", None).unwrap_err();
    assert!(unlexable.contains("tiny.rs:2:3"), "{unlexable}");
}

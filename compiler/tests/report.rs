//! Reports of every network that the tests have, and whether the chapter about them says what is so.

use std::fs;
use std::path::Path;

use kiln_compiler::diag::Diagnostics;
use kiln_compiler::functions::functions;
use kiln_compiler::module::assemble;
use kiln_compiler::report::{Facts, Passes, Program, files};
use kiln_compiler::resolve::resolve;
use kiln_compiler::syntax::parse;

#[path = "../examples/dump/networks.rs"]
mod networks;

/// The facts of the networks in a file.
fn facts(path: &Path) -> Vec<Facts> {
    let source = fs::read_to_string(path).unwrap();
    let file = path.to_string_lossy();
    let networks = networks::networks(&file, &source).unwrap();
    let report = |tokens| {
        let mut errors = Diagnostics::default();
        let network = parse(tokens, &mut errors).and_then(|decl| resolve(&decl, &mut errors));
        assert!(!errors.any(), "{}", errors.render(&file, &source));
        let network = network.unwrap();
        let functions = functions(&network, false).unwrap();
        let passes = Passes::of(&functions);
        Facts::of(&assemble(network, functions).unwrap(), passes)
    };
    networks.into_iter().map(report).collect()
}

fn check(name: &str, program: &Program) {
    let sum = program.kernels.iter().fold(program.scalars, |sum, kernel| sum.and(kernel.flops));
    assert_eq!(sum, program.flops, "{name}: the kernels add up");
    for pair in &program.neighbours {
        let kernel = |index: usize| &program.kernels[index].name;
        assert!(pair.why.is_some(), "{name}: nothing says why {} and {} are two", kernel(pair.from), kernel(pair.to));
    }
    for (index, node) in program.nodes.iter().enumerate() {
        assert!(node.group < program.groups.len(), "{name}: node {index} has a group");
        assert!(node.inputs.iter().all(|&input| input < index), "{name}: operands come first");
    }
    let memory = &program.memory;
    let live = memory.buffers.iter().filter(|buffer| (buffer.from..buffer.to).contains(&memory.peak));
    assert_eq!(
        live.map(|buffer| buffer.size).sum::<usize>(),
        memory.bound,
        "{name}: the bound is what lives at the peak"
    );
    for inner in &program.loops {
        check(&format!("{name}, {}", program.kernels[inner.kernel].name), &inner.program);
    }
}

#[test]
fn every_network_has_a_report() {
    let mut seen = 0;
    for path in glob::glob("../tests/fixtures/networks/*.kiln").unwrap() {
        for facts in facts(&path.unwrap()) {
            for function in &facts.functions {
                check(&format!("{}, {}", facts.name, function.name), &function.program);
            }
            for (name, text) in files(&facts) {
                if name.ends_with(".json") {
                    serde_json::from_str::<serde_json::Value>(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
                }
            }
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen} networks");
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let parts: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|part| std::str::from_utf8(part).unwrap()).collect();
    parts.join(",")
}

#[test]
fn the_chapter_says_what_is_so() {
    let found = facts(Path::new("../examples/src/bin/mnist_cnn.rs"));
    let [cnn] = found.as_slice() else { panic!("one network") };
    // Lines end anywhere.
    let chapter = fs::read_to_string("../docs/report.md").unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    let says = |text: &str| assert!(chapter.contains(text), "docs/report.md has to say: {text}");
    let constant = |name: &str| {
        let found = cnn.constants.iter().find(|(each, _)| *each == name);
        grouped(found.unwrap_or_else(|| panic!("{name}")).1)
    };
    says(&format!("{} parameters", constant("PARAMETERS")));
    says(&format!("{} operations in an arena of {} bytes", constant("TRAIN_FLOPS"), constant("TRAIN_ARENA_BYTES")));
    says(&format!("inference in {}", constant("INFER_ARENA_BYTES")));
    let [step, run, ..] = cnn.functions.as_slice() else { panic!("step and run") };
    says(&format!("A step is {} primitives in {} kernels", step.program.nodes.len(), step.program.kernels.len()));
    says(&format!("`run` is {} in {}", run.program.nodes.len(), run.program.kernels.len()));
    says(&format!("After {} runs {} are left", step.passes.len(), step.program.nodes.len()));
    says(&format!("{} runs having changed anything", step.passes.iter().filter(|pass| pass.changed).count()));
    let peak = step.program.memory.peak;
    says(&format!("Kernel {peak} is the peak"));
    assert_eq!(step.program.memory.arena, step.program.memory.bound, "the chapter says that the arena is as large");
    for pair in &step.program.neighbours {
        // The three that it quotes.
        if [(0, 1), (3, 4), (0, 12)].contains(&(pair.from, pair.to)) {
            let why = pair.why.as_deref().unwrap();
            says(&format!("\"{}\"", why.trim_start_matches("it ")));
        }
    }
}

//! Reports of whole networks: what they say agrees with what is compiled.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::TokenStream;
use serde_json::Value;

use super::facts::{Facts, Phase, Program, Role};
use super::{Passes, files, write};
use crate::codegen::{Module, generate};
use crate::diag::Diagnostics;
use crate::functions::functions;

const CNN: &str = "pub Cnn<batch = 6> {
    let image = input([8, 8, 1]);
    let digit = class(3);
    let features = image.conv2d(4, kernel = 3).relu().max_pool2d(2).flatten();
    let hidden = features.dense(5).relu();
    let logits = hidden.dense(3);
    output(softmax(logits));
    loss(cross_entropy(logits, digit));
    optimizer(adam(lr = 1e-3));
    gradients();
}";

const LOOPED: &str = "Looped<batch = 3> {
    let x = input([5, 2]);
    let y = target([1]);
    let out = x.lstm(4).dense(1);
    output(out);
    loss(mse(out, y));
    optimizer(sgd);
    method(encode, from = x, to = out);
}";

const DEEP: &str = "Deep<batch = 2> {
    fn block(x: Tensor) -> Tensor { let inner = x.dense(4).tanh(); x + inner.dense(4) }
    let x = input([4]);
    let y = target([4]);
    let mut h = x;
    for _ in 0..3 { h = block(h).relu(); }
    output(h);
    loss(mse(h, y));
    optimizer(adam);
}";

const INFERENCE: &str = "Größe<batch = 1> { let größe = input([3]); output(größe.dense(2).softmax()); }";

const ALL: [&str; 4] = [CNN, LOOPED, DEEP, INFERENCE];

fn compiled(text: &str) -> (Module, Facts) {
    let mut errors = Diagnostics::default();
    let tokens: TokenStream = text.parse().expect("tokens");
    let network =
        crate::syntax::parse(tokens, &mut errors).and_then(|decl| crate::resolve::resolve(&decl, &mut errors));
    let network = network.unwrap_or_else(|| panic!("{}", errors.render("test", text)));
    let functions = functions(&network, false).expect("passes");
    let passes = Passes::of(&functions);
    let module = crate::module::assemble(network, functions).expect("kernels");
    let facts = Facts::of(&module, passes);
    (module, facts)
}

/// A program and those of its loops.
fn programs(program: &Program) -> Vec<&Program> {
    [program].into_iter().chain(program.loops.iter().flat_map(|inner| programs(&inner.program))).collect()
}

fn all_programs(facts: &Facts) -> Vec<&Program> {
    facts.functions.iter().flat_map(|function| programs(&function.program)).collect()
}

#[test]
fn the_constants_are_those_of_the_generated_type() {
    for text in ALL {
        let (module, facts) = compiled(text);
        let code = generate(&module).to_string();
        for (name, value) in &facts.constants {
            let found = ["usize", "u64"].iter().any(|ty| code.contains(&format!("const {name} : {ty} = {value} ;")));
            // A network for inference only has no constants of training.
            assert!(found, "{name} is not {value} in {}", facts.name);
        }
    }
}

#[test]
fn the_kernels_add_up_to_the_function() {
    for text in ALL {
        let (_, facts) = compiled(text);
        for function in &facts.functions {
            let sum =
                function.program.kernels.iter().fold(function.program.scalars, |sum, kernel| sum.and(kernel.flops));
            assert_eq!(sum, function.program.flops, "{}", function.name);
        }
        let constants: BTreeMap<&str, u64> = facts.constants.iter().copied().collect();
        for (function, flops, arena) in
            [("step", "TRAIN_FLOPS", "TRAIN_ARENA_BYTES"), ("run", "INFER_FLOPS", "INFER_ARENA_BYTES")]
        {
            let Some(found) = facts.functions.iter().find(|each| each.name == function) else { continue };
            assert_eq!(found.program.flops.of_rows(facts.batch), constants[flops]);
            assert!(found.program.memory.arena as u64 <= constants[arena]);
        }
    }
}

#[test]
fn every_neighbour_says_why_it_is_one() {
    for text in ALL {
        let (_, facts) = compiled(text);
        for program in all_programs(&facts) {
            for pair in &program.neighbours {
                let name = |kernel: usize| &program.kernels[kernel].name;
                assert!(pair.why.is_some(), "{}: {} and {}", facts.name, name(pair.from), name(pair.to));
            }
        }
    }
}

#[test]
fn the_plan_is_within_its_bounds() {
    for text in ALL {
        let (_, facts) = compiled(text);
        for program in all_programs(&facts) {
            let memory = &program.memory;
            let live = |step: usize| {
                let live = memory.buffers.iter().filter(|buffer| (buffer.from..buffer.to).contains(&step));
                live.map(|buffer| buffer.size).sum::<usize>()
            };
            assert_eq!(live(memory.peak), memory.bound, "{}", facts.name);
            assert!(memory.bound <= memory.arena);
            assert!(memory.buffers.iter().all(|buffer| buffer.offset + buffer.size <= memory.arena));
        }
    }
}

#[test]
fn groups_follow_the_source() {
    let (_, facts) = compiled(DEEP);
    let step = &facts.functions[0].program;
    let titles: Vec<&str> = step.groups.iter().map(|group| group.title.as_str()).collect();
    for title in ["x · input([4])", "h #1", "h #2", "h #3", "block", "inner", "dense(4)", "tanh", "relu"] {
        assert!(titles.contains(&title), "{title} is not among {titles:?}");
    }
    let second = titles.iter().position(|title| *title == "h #2").expect("a second round");
    let inside = |mut group: usize| {
        while let Some(parent) = step.groups[group].parent {
            group = parent;
        }
        group == second
    };
    let in_second: Vec<_> = step.nodes.iter().filter(|node| inside(node.group)).collect();
    // Two products forward; of each its weight's and, past the first round, its operand's gradient.
    let count = |op: &str, phase: Phase| in_second.iter().filter(|node| node.op == op && node.phase == phase).count();
    assert_eq!(count("matmul", Phase::Forward), 2);
    assert_eq!(count("contract", Phase::Backward), 2);
    let layers: BTreeSet<&str> = step.groups.iter().filter_map(|group| group.layer.as_deref()).collect();
    assert!(layers.contains("h.1.inner"), "{layers:?}");
    for group in &step.groups {
        assert!(group.line.as_deref().is_some_and(|line| line.starts_with("line ")), "{group:?}");
    }
    for (index, group) in step.groups.iter().enumerate() {
        assert!(group.parent.is_none_or(|parent| parent < index), "parents come first");
    }
}

#[test]
fn phases_part_the_step() {
    let (_, facts) = compiled(CNN);
    let phases = |name: &str| {
        let function = facts.functions.iter().find(|function| function.name == name).expect("the function");
        function.program.nodes.iter().map(|node| node.phase).collect::<BTreeSet<_>>()
    };
    assert_eq!(phases("step"), BTreeSet::from([Phase::Forward, Phase::Backward, Phase::Update]));
    assert_eq!(phases("gradients"), BTreeSet::from([Phase::Forward, Phase::Backward]));
    assert_eq!(phases("run"), BTreeSet::from([Phase::Forward]));
    let step = &facts.functions[0].program;
    let moments = step.nodes.iter().filter(|node| node.op == "state");
    assert!(moments.clone().count() > 0 && moments.clone().all(|node| node.phase == Phase::Update));
    assert!(step.nodes.iter().all(|node| (node.role == Role::Work) == node.kernel.is_some()));
}

#[test]
fn the_json_says_the_same() {
    for text in ALL {
        let (_, facts) = compiled(text);
        let files: BTreeMap<String, String> = files(&facts).into_iter().collect();
        let json = &files[&format!("{}.json", facts.name)];
        let value: Value = serde_json::from_str(json).expect("JSON");
        assert_eq!(value["name"], facts.name);
        assert_eq!(value["functions"].as_array().map(Vec::len), Some(facts.functions.len()));
        for (function, found) in facts.functions.iter().zip(value["functions"].as_array().expect("functions")) {
            let program = &found["program"];
            assert_eq!(program["nodes"].as_array().map(Vec::len), Some(function.program.nodes.len()));
            assert_eq!(program["kernels"][0]["name"], function.program.kernels[0].name);
            assert_eq!(program["memory"]["arena"], function.program.memory.arena);
            assert_eq!(found["passes"].as_array().map(Vec::len), Some(function.passes.len()));
        }
        let page = &files[&format!("{}.html", facts.name)];
        assert!(page.contains(json.trim_end()) && !page.contains("{{"), "the page holds the same text");
        // Nothing of it comes from elsewhere.
        for source in ["http://", "https://", "src=", "@import", "fetch("] {
            let elsewhere = page.matches(source).count();
            let named = usize::from(source == "http://") * page.matches("http://www.w3.org/2000/svg").count();
            assert_eq!(elsewhere, named, "{source}");
        }
    }
}

/// Quotes are closed, and braces outside of them.
fn balanced(text: &str) -> bool {
    let (mut depth, mut quoted, mut letters) = (0i32, false, text.chars());
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if quoted => drop(letters.next()),
            '"' => quoted = !quoted,
            '{' if !quoted => depth += 1,
            '}' if !quoted => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0 && !quoted
}

#[test]
fn the_drawings_are_whole() {
    for text in ALL {
        let (_, facts) = compiled(text);
        for (name, text) in files(&facts) {
            let count = |start: &str| text.lines().filter(|line| line.trim_start().starts_with(start)).count();
            if name.ends_with(".dot") {
                assert!(balanced(&text), "{name}:\n{text}");
                let nodes: usize = all_nodes(&facts, &name);
                assert_eq!(text.matches("fillcolor=\"").count(), nodes, "{name}");
            } else if name.ends_with(".mmd") {
                assert_eq!(count("subgraph "), count("end"), "{name}:\n{text}");
                assert!(text.lines().all(|line| line.matches('"').count() % 2 == 0), "{name}:\n{text}");
            }
        }
    }
}

/// The nodes of the function that a file is of, with those of its loops.
fn all_nodes(facts: &Facts, file: &str) -> usize {
    let of = |name: &str| file == format!("{}.{name}.dot", facts.name);
    let function = facts.functions.iter().find(|function| of(&function.name)).expect("its function");
    programs(&function.program).iter().map(|program| program.nodes.len()).sum()
}

#[test]
fn files_are_written_where_they_are_asked_for() {
    let folder = std::env::temp_dir().join(format!("kiln-report-{}", std::process::id()));
    let (_, mut facts) = compiled(INFERENCE);
    let inner = folder.join("deep/er");
    let written = write(&inner, &facts).expect("a folder that is made");
    let names: Vec<String> =
        written.iter().map(|path| path.file_name().expect("a name").to_string_lossy().into()).collect();
    assert_eq!(names, ["Größe.html", "Größe.json", "Größe.run.dot", "Größe.run.mmd"]);
    assert!(written.iter().all(|path| path.is_file()));
    // A file stands where the folder would be.
    let taken = written[1].join("more");
    let problem = write(&taken, &facts).expect_err("no folder there");
    assert!(problem.contains("Größe.json"), "{problem}");
    let mut errors = Diagnostics::default();
    super::at_build(&taken, facts.clone(), &mut errors);
    let text: Vec<String> = errors.iter().map(crate::diag::Diagnostic::text).collect();
    assert!(text.len() == 1 && text[0].contains("the report of `Größe` can't be written"), "{text:?}");
    assert!(text[0].contains("KILN_REPORT"), "{text:?}");
    // What was measured stands beside it, or what is wrong with the file.
    let profile = inner.join("Größe.profile.tsv");
    facts.measured(&profile);
    assert!(facts.profile.is_none());
    std::fs::write(&profile, "other").expect("a file");
    facts.measured(&profile);
    assert!(matches!(&facts.profile, Some(Err(problem)) if problem.contains("no profile")), "{:?}", facts.profile);
    std::fs::remove_dir_all(&folder).expect("what was written");
}

#[test]
fn loops_stand_in_the_report() {
    let (_, facts) = compiled(LOOPED);
    let step = &facts.functions[0].program;
    assert_eq!(step.loops.len(), 2, "forward and backward");
    for inner in &step.loops {
        assert_eq!(inner.steps, 5);
        let kernel = &step.kernels[inner.kernel];
        assert_eq!(kernel.kind, "loop");
        assert_eq!(kernel.body.map(|body| step.loops[body].kernel), Some(inner.kernel));
        assert!(!inner.program.kernels.is_empty());
    }
    let phases: BTreeSet<Phase> = step.loops.iter().map(|inner| step.kernels[inner.kernel].phase).collect();
    assert_eq!(phases, BTreeSet::from([Phase::Forward, Phase::Backward]));
}

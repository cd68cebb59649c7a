//! Random graphs as kernels with memory: on a machine that knows whose every byte is.

use std::fs;

use kiln_compiler::codegen::{self, Entry, Module};
use kiln_compiler::diag::Diagnostics;
use kiln_compiler::functions::{self, Optimised};
use kiln_compiler::ir::verify::Stage;
use kiln_compiler::ir::{Clip, DType, Function, Network, NodeId, Optimizer, Root, RootKind, Rule};
use kiln_compiler::ops::Op;
use kiln_compiler::optimizer::Trained;
use kiln_compiler::passes::{Driver, Failure, Mode, cse, dce, legalise, specialise};
use kiln_compiler::plan::{Place, Plan};
use kiln_compiler::recompute::recompute;
use kiln_compiler::{module, resolve, syntax};
use proc_macro2::{Ident, Span};
use proptest::prelude::*;

use crate::Case;
use crate::machine::Machine;

/// Rows of the batch: shares of two to four threads differ.
const BATCH: usize = 5;

/// The case's function, optimised, as a module of its own; `tight` with as little memory as recomputation reaches.
fn assemble(
    program: &[(u8, u64)],
    seed: u64,
    mode: Mode,
    optimizer: Option<Optimizer>,
    tight: bool,
) -> Result<Module, String> {
    let mut case = Case::new(program, seed);
    let mut graph = case.builder.graph.clone();
    let failed = |failure: Failure| failure.to_string();
    let mut driver = Driver::new(case.scope(), false);
    driver.apply("specialise", Stage::Function, &mut graph, |graph| specialise(graph, mode)).map_err(failed)?;
    if let Some(optimizer) = optimizer {
        case.builder.graph = graph;
        let (loss, gradients) = case.gradients();
        graph = case.builder.graph.clone();
        graph.roots.push(Root { kind: RootKind::Loss, node: loss });
        let trained = gradients.into_iter().filter_map(|(leaf, gradient)| match graph.op(leaf) {
            Op::Param(param) => Some(Trained { index: param.index, param: leaf, gradient }),
            _ => None,
        });
        let trained: Vec<Trained> = trained.collect();
        optimizer.update(&mut graph, &trained, &case.builder.params);
    }
    let mut driver = Driver::new(case.scope(), false);
    driver.optimise(&mut graph).map_err(failed)?;
    driver.apply("legalise", Stage::Backward, &mut graph, |graph| Ok(legalise(graph))).map_err(failed)?;
    driver.apply("dce", Stage::Backward, &mut graph, dce).map_err(failed)?;
    driver.apply("cse", Stage::Backward, &mut graph, cse).map_err(failed)?;
    if tight {
        driver.apply("recompute", Stage::Backward, &mut graph, |graph| recompute(graph, BATCH, 0)).map_err(failed)?;
    }
    let builder = &case.builder;
    let network = Network {
        attributes: Default::default(),
        visibility: Default::default(),
        name: Ident::new("Net", Span::call_site()),
        batch: BATCH,
        dtype: DType::F64,
        graph: graph.clone(),
        inputs: builder.inputs.clone(),
        params: builder.params.clone(),
        outputs: Vec::new(),
        loss: None,
        optimizer: None,
        gradients: None,
        methods: Vec::new(),
        explanations: Vec::new(),
        updates: Vec::new(),
        layers: Vec::new(),
        origins: Vec::new(),
        memory_max: None,
    };
    let function = Function { name: "run".into(), inputs: builder.inputs.clone(), graph };
    let text = function.graph.to_string();
    module::assemble(network, vec![Optimised { function, trace: Vec::new(), recomputed: 0 }])
        .map_err(|error| format!("{error}\n{text}"))
}

fn check(program: &[(u8, u64)], seed: u64) -> Result<(), TestCaseError> {
    let rule = match seed % 3 {
        0 => Rule::Sgd { momentum: 0.0, nesterov: false },
        1 => Rule::Sgd { momentum: 0.5, nesterov: true },
        _ => Rule::Adam { beta1: 0.9, beta2: 0.99, epsilon: 1e-7, amsgrad: true },
    };
    let optimizer = Optimizer {
        rule,
        lr: 0.1,
        weight_decay: (seed % 2) as f64 * 0.1,
        decay_vectors: !seed.is_multiple_of(5),
        clip: [None, Some(Clip::Value(0.1)), Some(Clip::Norm(0.1)), Some(Clip::GlobalNorm(0.1))]
            [(seed / 3 % 4) as usize],
        ema: (seed / 12).is_multiple_of(2).then_some(0.9),
        accumulate: 1 + (seed / 24 % 2) as usize,
    };
    for (mode, optimizer, tight) in [
        (Mode::Training, Some(optimizer), false),
        (Mode::Training, Some(optimizer), true),
        (Mode::Training, None, false),
        (Mode::Inference, None, false),
    ] {
        let module = assemble(program, seed, mode, optimizer, tight).map_err(TestCaseError::fail)?;
        for entry in &module.entries {
            let found = Machine::new(&entry.program, &entry.plan, BATCH).check();
            let text = || format!("{}\n{}", entry.program.function.graph, entry.plan.describe(&entry.program));
            prop_assert!(found.is_ok(), "{}\n{}", found.unwrap_err(), text());
            prop_assert!(entry.plan.arena_bytes >= entry.plan.lower_bound);
        }
        let code = codegen::generate(&module).to_string();
        let graph = &module.entries[0].program.function.graph;
        // Only second derivatives have it, which no network asks for: there is no kernel of it.
        let take = graph.ids().into_iter().any(|node| matches!(graph.op(node), Op::MaxPool2dTake(_)));
        if let Some((before, after)) = code.split_once("compile_error").filter(|_| !take) {
            let around = (before.len().saturating_sub(1000), after.len().min(200));
            let (before, after) =
                (before.get(around.0..).unwrap_or_default(), after.get(..around.1).unwrap_or_default());
            let entry = &module.entries[0];
            let text = format!("{}\n{}", entry.program.function.graph, entry.plan.describe(&entry.program));
            prop_assert!(false, "the code refuses itself: {before}compile_error{after}\n{text}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(crate::config(300))]

    #[test]
    fn plans_hold_on_a_machine_of_bytes(
        program in prop::collection::vec((any::<u8>(), any::<u64>()), 1..30),
        seed in any::<u64>(),
    ) {
        check(&program, seed)?;
    }
}

/// A network's functions with kernels and memory.
fn compile(source: &str) -> Module {
    let mut errors = Diagnostics::default();
    let declaration = syntax::parse(source.parse().expect("tokens"), &mut errors);
    let network = declaration.and_then(|declaration| resolve::resolve(&declaration, &mut errors));
    let network = network.unwrap_or_else(|| panic!("{}", errors.render("network", source)));
    let functions = functions::functions(&network, false).expect("sound passes");
    module::assemble(network, functions).expect("sound plans")
}

/// Lets `found` see the primitives of a training step that computes values again.
pub(crate) fn recomputed(found: &mut dyn FnMut(&Op)) {
    let module = compile(
        "Net<batch = 5> {
            memory(max = \"1 KiB\");
            let x = input([30]);
            let y = class(2);
            let logits = x.dense(30).tanh().dense(30).tanh().dense(30).tanh().dense(30).tanh().dense(2);
            loss(cross_entropy(logits, y));
            optimizer(adam);
        }",
    );
    let graph = &module.entries[0].program.function.graph;
    graph.ids().into_iter().for_each(|node| found(graph.op(node)));
}

#[test]
fn plans_of_networks_hold() {
    // The machine knows every byte: large networks would take it long.
    const MOST: usize = 100_000;
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/networks");
    let mut files: Vec<_> =
        fs::read_dir(fixtures).expect("fixtures").map(|file| file.expect("a file").path()).collect();
    files.sort();
    let mut checked = 0;
    for file in files {
        let module = compile(&fs::read_to_string(&file).expect("a file"));
        for entry in module.entries.iter().filter(|entry| entry.plan.arena_bytes + module.layout.len * 4 < MOST) {
            checked += 1;
            if let Err(message) = Machine::new(&entry.program, &entry.plan, module.network.batch).check() {
                panic!("`{}` of {}: {message}", entry.program.function.name, file.display());
            }
        }
    }
    assert!(checked > 20, "{checked} functions");
}

#[test]
fn broken_plans_are_caught() {
    let module = compile(
        "Net<batch = 5> {
            let x = input([3]);
            let y = class(2);
            let logits = x.dense(7).tanh().dense(2);
            output(softmax(logits));
            loss(cross_entropy(logits, y));
            optimizer(adam);
        }",
    );
    let Entry { program, plan, .. } = module.entry("step").expect("it trains");
    let broken = |change: &dyn Fn(&mut Plan)| {
        let mut plan = plan.clone();
        change(&mut plan);
        Machine::new(program, &plan, 5).check()
    };
    assert_eq!(broken(&|_| {}), Ok(()));
    // Each barrier is needed.
    for (place, _) in plan.barriers.iter().enumerate().filter(|&(_, &barrier)| barrier) {
        let found = broken(&|plan| plan.barriers[place] = false);
        assert!(found.as_ref().is_err_and(|message| message.contains("both touch")), "barrier {place}: {found:?}");
    }
    // No value may move to where another is.
    let arena = |plan: &Plan| -> Vec<(NodeId, usize)> {
        let at = |(&node, place): (&NodeId, &Place)| match place {
            Place::Arena(offset) => Some((node, *offset)),
            _ => None,
        };
        plan.places.iter().filter_map(at).collect()
    };
    let largest = arena(plan).into_iter().max_by_key(|&(node, _)| program.function.graph.ty(node).bytes(5));
    let (largest, _) = largest.expect("values in the arena");
    let alone = || plan.buffers.iter().filter(|(_, _, values)| values.len() == 1);
    let pairs = alone().flat_map(|one| alone().map(move |other| (one, other)));
    let together = pairs
        .filter(|((one, at, _), (other, there, _))| at != there && one.lower < other.upper && other.lower < one.upper);
    let mut moved = 0;
    for ((_, _, values), (_, there, _)) in together {
        assert!(
            broken(&|plan| plan.places.extend([(values[0], Place::Arena(*there))])).is_err(),
            "{values:?} at {there}"
        );
        moved += 1;
    }
    assert!(moved > 0, "no two values live together");
    assert!(broken(&|plan| plan.places.extend([(largest, Place::Arena(plan.arena_bytes))])).is_err());
    assert!(broken(&|plan| plan.places.retain(|&node, _| node != largest)).is_err());
    let all_at_0 = broken(&|plan| plan.places.extend(arena(plan).into_iter().map(|(node, _)| (node, Place::Arena(0)))));
    assert!(all_at_0.is_err_and(|message| message.contains("lies over it") || message.contains("over")));
}

//! Every case of `tests/goldens/cases` by the reference interpreter, in f64, against Keras and PyTorch.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use kiln_compiler::diag::Diagnostics;
use kiln_compiler::eval::{self, Array, Context};
use kiln_compiler::ir::{Graph, Network, NodeId, ParamId, Root, RootKind};
use kiln_compiler::ops::Op;
use kiln_compiler::passes::{self, Mode};
use kiln_compiler::{autodiff, functions, layers, resolve, syntax};
use kiln_tests::golden::{self, Case, Tensor};
use kiln_tests::oracle::Oracle;

const TOLERANCE: f64 = 1e-6;

#[test]
fn every_case_agrees() {
    let mut mistakes = Vec::new();
    let cases = cases();
    let count = cases.len();
    for (family, case) in &cases {
        match std::panic::catch_unwind(|| check(case)) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => mistakes.push(format!("{family}, {}: {error}", case.name)),
            Err(_) => mistakes.push(format!("{family}, {}: a panic", case.name)),
        }
    }
    assert!(count > 100, "{count} cases");
    assert!(mistakes.is_empty(), "{} of {count} cases differ:\n{}", mistakes.len(), mistakes.join("\n"));
}

fn check(case: &Case) -> Result<(), String> {
    let text = format!("Net<batch = {}, dtype = f64> {{\n{}\n}}", case.rows(), case.body());
    let network = network(&text)?;
    let inputs: Vec<Array> = network
        .inputs
        .iter()
        .map(|input| array(case.input(&input.name.to_string()), &input.name.to_string()))
        .collect::<Result<_, _>>()?;
    let params: Vec<Array> = network
        .params
        .iter()
        .map(|param| array(case.param(&param.name).as_ref(), &param.name))
        .collect::<Result<_, _>>()?;
    if case.optimizer.is_some() {
        return steps(case, &text, &network, &params, &inputs);
    }
    for (expected, mode) in [(&case.outputs, Mode::Training), (&case.inferred, Mode::Inference)] {
        for expected in expected {
            let Some((_, node)) = network.outputs.iter().find(|(name, _)| *name == expected.name) else {
                return Err(format!("no output {}", expected.name));
            };
            let graph = part(&network, *node, mode);
            close(&expected.name, &values(&graph, case, &inputs, &params)[&graph.roots[0].node], expected)?;
        }
    }
    let Some(loss) = network.loss else { return Ok(()) };
    gradients(case, &network, loss, &params, &inputs)?;
    for expected in &case.after {
        let index = network.params.iter().position(|param| param.name == expected.name);
        let update = network.updates.iter().find(|(param, _)| Some(param.0) == index);
        let Some((_, node)) = update else { return Err(format!("nothing updates {}", expected.name)) };
        let graph = part(&network, *node, Mode::Training);
        close(&expected.name, &values(&graph, case, &inputs, &params)[&graph.roots[0].node], expected)?;
    }
    Ok(())
}

fn gradients(case: &Case, network: &Network, loss: NodeId, params: &[Array], inputs: &[Array]) -> Result<(), String> {
    let mut graph = part(network, loss, Mode::Training);
    let loss = graph.roots[0].node;
    let mut sources: BTreeMap<String, NodeId> = BTreeMap::new();
    for node in graph.ids() {
        match graph.op(node) {
            Op::Input(input) => {
                let name = network.inputs[input.index].name.to_string();
                sources.insert(name.strip_suffix("_data").unwrap_or(&name).to_string(), node)
            }
            Op::Param(param) => sources.insert(network.params[param.index.0].name.clone(), node),
            _ => None,
        };
    }
    let wrt: Vec<(&Tensor, NodeId)> =
        case.gradients.iter().filter_map(|expected| Some((expected, *sources.get(&expected.name)?))).collect();
    let nodes: Vec<NodeId> = wrt.iter().map(|&(_, node)| node).collect();
    let found = autodiff::gradients(&mut graph, loss, &nodes);
    let values = values(&graph, case, inputs, params);
    agree("loss", &[values[&loss].sum()], &case.losses)?;
    for ((expected, _), gradient) in wrt.iter().zip(found) {
        let name = format!("gradient by {}", expected.name);
        match gradient {
            Some(gradient) => close(&name, &values[&gradient], expected)?,
            None => agree(&name, &vec![0.0; expected.values.len()], &expected.values)?,
        }
    }
    match case.gradients.iter().find(|expected| !sources.contains_key(&expected.name)) {
        Some(missing) if missing.values.iter().any(|&value| value != 0.0) => {
            Err(format!("the loss does not depend on {}", missing.name))
        }
        _ => Ok(()),
    }
}

/// Steps of an optimiser.
fn steps(case: &Case, text: &str, network: &Network, params: &[Array], inputs: &[Array]) -> Result<(), String> {
    let outcome = Oracle::of(text).outcome(params, inputs, case.rows(), case.losses.len(), &[], &[]);
    agree("losses", &outcome.losses, &case.losses)?;
    for expected in &case.after {
        let index = network.params.iter().position(|param| param.name == expected.name);
        let found = index.and_then(|index| outcome.after.get(index));
        close(&expected.name, found.ok_or_else(|| format!("no parameter {}", expected.name))?, expected)?;
    }
    Ok(())
}

fn network(text: &str) -> Result<Network, String> {
    let mut errors = Diagnostics::default();
    let tokens = text.parse().map_err(|error| format!("{error}"))?;
    let network = syntax::parse(tokens, &mut errors).and_then(|decl| resolve::resolve(&decl, &mut errors));
    network.filter(|_| !errors.any()).ok_or_else(|| errors.render("network", text))
}

/// The graph behind one value, as a training or an inference pass computes it.
fn part(network: &Network, node: NodeId, mode: Mode) -> Graph {
    let mut graph = network.graph.clone();
    graph.roots = vec![Root { kind: RootKind::Output(0), node }];
    passes::specialise(&mut graph, mode).expect("phases have two operands");
    passes::dce(&mut graph).expect("dead code goes");
    graph
}

fn values(graph: &Graph, case: &Case, inputs: &[Array], params: &[Array]) -> BTreeMap<NodeId, Array> {
    static NONE: BTreeMap<(ParamId, usize), Array> = BTreeMap::new();
    eval::run(graph, &Context { inputs, params, states: &NONE, ..Context::new(case.rows()) })
}

fn array(tensor: Option<&Tensor>, name: &str) -> Result<Array, String> {
    let tensor = tensor.ok_or_else(|| format!("nothing is given for {name}"))?;
    Array::from_shape_vec(tensor.shape.clone(), tensor.values.clone()).map_err(|error| error.to_string())
}

fn close(name: &str, found: &Array, expected: &Tensor) -> Result<(), String> {
    if found.shape() != expected.shape {
        return Err(format!("{name} has shape {:?} instead of {:?}", found.shape(), expected.shape));
    }
    agree(name, &found.iter().copied().collect::<Vec<f64>>(), &expected.values)
}

fn agree(name: &str, found: &[f64], expected: &[f64]) -> Result<(), String> {
    golden::compare(found, expected, golden::largest(expected), TOLERANCE).map_err(|error| format!("{name}: {error}"))
}

/// What has no golden, and why.
const EXEMPT: &[(&str, &str)] = &[
    ("memory", "it bounds the build and computes nothing"),
    ("gradients", "it gives gradients, which every case compares"),
    ("loss", "each case's loss is one"),
    ("optimizer", "each case's optimiser is one"),
    ("random_normal", "its numbers are kiln's own; runtime's tests hold their distribution"),
    ("random_uniform", "its numbers are kiln's own; runtime's tests hold their distribution"),
];

#[test]
fn every_row_of_the_reference_has_a_case() {
    let words: BTreeSet<String> = cases().iter().flat_map(|(_, case)| words(&case.body())).collect();
    let covered = |name: &str| words.contains(name) || EXEMPT.iter().any(|(exempt, _)| *exempt == name);
    let missing: Vec<&str> = layers::all()
        .filter(|template| !covered(template.name) && !template.aliases.iter().any(|alias| covered(alias)))
        .map(|template| template.name)
        .collect();
    assert!(missing.is_empty(), "no golden of {missing:?}: add a case to tests/goldens and run make.py");
    for (exempt, why) in EXEMPT {
        assert!(layers::find(exempt).is_some(), "{exempt} is gone ({why})");
    }
}

/// The identifiers of some tokens.
fn words(text: &str) -> Vec<String> {
    let letter = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.split(|character| !letter(character)).filter(|word| !word.is_empty()).map(str::to_string).collect()
}

/// Primitives that no golden reaches, and why. Each has a gradient check of its own all the same (`ops/testing.rs`).
const UNREACHED: &[(&str, &str)] = &[
    ("MaxPool2dTake", "a pass makes it of pools under other layers, and random graphs hold it against the interpreter"),
    (
        "Later",
        "it stands in networks with a budget alone; emitted_budget and random graphs hold those to the same bits",
    ),
];

#[test]
fn every_primitive_is_reached_by_a_case() {
    let mut reached: BTreeSet<String> = BTreeSet::new();
    for (_, case) in cases() {
        let text = format!("Net<batch = {}, dtype = f64> {{\n{}\n}}", case.rows(), case.body());
        let network = network(&text).expect("a sound case");
        let functions = functions::functions(&network, false).expect("sound passes");
        let optimised = functions.iter().map(|optimised| &optimised.function.graph);
        for graph in optimised.chain([&network.graph]) {
            collect(graph, &mut reached);
        }
    }
    let missing: Vec<&&str> = Op::ALL
        .iter()
        .filter(|name| !reached.contains(**name) && !UNREACHED.iter().any(|(unreached, _)| unreached == *name))
        .collect();
    assert!(missing.is_empty(), "no golden reaches {missing:?}");
}

/// The names of a graph's primitives, those of loops' bodies, too.
fn collect(graph: &Graph, names: &mut BTreeSet<String>) {
    for node in graph.ids() {
        let op = graph.op(node);
        names.insert(format!("{op:?}").split(['(', ' ']).next().unwrap_or_default().to_string());
        if let Op::Scan(scan) = op {
            collect(scan.body.graph(), names);
        }
    }
}

fn cases() -> Vec<(String, Case)> {
    let files = golden::files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/cases"));
    let family = |file: &Path| file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    files.iter().flat_map(|file| golden::read(file).into_iter().map(|case| (family(file), case))).collect()
}

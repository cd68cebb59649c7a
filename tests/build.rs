//! Makes networks of the golden cases: several cases in each, so that they compile in bearable time.

#[path = "src/golden.rs"]
#[allow(dead_code, unreachable_pub, reason = "the tests use the rest")]
mod golden;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use golden::Case;

/// Cases of one network, at most.
const TOGETHER: usize = 10;

fn main() {
    let here = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("Cargo says where the crate is"));
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("Cargo says where to write"));
    let folder = here.join("goldens/cases");
    println!("cargo::rerun-if-changed={}", folder.display());
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/golden.rs");
    for float in ["f32", "f64"] {
        std::fs::write(out.join(format!("goldens_{float}.rs")), networks(&folder, float)).expect("a file in OUT_DIR");
    }
}

fn networks(folder: &Path, float: &str) -> String {
    let mut code = String::new();
    let mut table = String::new();
    for file in golden::files(folder) {
        let family = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        println!("cargo::rerun-if-changed={}", file.display());
        let cases = golden::read(&file);
        for (number, group) in golden::groups(&cases, TOGETHER).iter().enumerate() {
            let module = format!("{family}_{number}");
            code += &network(&module, float, &cases, group);
            writeln!(table, "    Emitted {{ family: {family:?}, cases: &{group:?}, run: {module}::run }},")
                .expect("text");
        }
    }
    code + &format!("/// All networks.\npub const NETWORKS: &[Emitted<{float}>] = &[\n{table}];\n")
}

/// A module with one network of several cases, and how it is run.
fn network(module: &str, float: &str, cases: &[Case], group: &[usize]) -> String {
    let mut statements = String::new();
    let mut losses = Vec::new();
    let mut outputs = Vec::new();
    let mut all = Vec::new();
    let mut used = Vec::new();
    let mut optimizer = format!("sgd(lr = {:?})", golden::RATE);
    let mut rows = 1;
    for &index in group {
        let Some(case) = cases.get(index) else { continue };
        rows = case.rows();
        for statement in case.shifted_statements() {
            statements += &format!("            {}\n", case.renamed(&statement, index));
        }
        losses.extend(case.loss.iter().map(|loss| case.renamed(loss, index)));
        outputs.extend(case.values().iter().map(|name| case.renamed(name, index)));
        if let Some(own) = &case.optimizer {
            optimizer.clone_from(own);
        }
        for input in &case.inputs {
            let argument = format!("given.{}({:?})", case.kind(input), case.renamed(&input.name, index));
            if !case.values().is_empty() && !case.only_for_the_loss(input) {
                used.push(argument.clone());
            }
            all.push(argument);
        }
    }
    let collect = |result: &str| match outputs.as_slice() {
        [] => String::new(),
        [one] => format!("answer.values.push(({one:?}, emitted::numbers({result}.iter())));"),
        several => several
            .iter()
            .map(|name| format!("answer.values.push(({name:?}, emitted::numbers({result}.{name}.iter())));\n"))
            .collect(),
    };
    let bound = |arguments: &[String]| arguments.iter().map(|text| format!("&{text}")).collect::<Vec<_>>().join(", ");
    let output = if outputs.is_empty() { String::new() } else { format!("output({});", outputs.join(", ")) };
    let loss = match losses.is_empty() {
        true => String::new(),
        false => format!("loss({}); optimizer({optimizer});", losses.join(" + ")),
    };
    let train = match losses.is_empty() {
        true => String::new(),
        false => format!(
            "let mut trainer = model.trainer();
            trainer.set_isa(isa);
            for _ in 0..given.steps {{
                let step = trainer.step({}).expect(\"good data\");
                answer.losses.extend(emitted::numbers([step.loss].iter()));
                answer.values.clear();
                {}
            }}
            answer.after = emitted::kept(trainer.model().parameters());",
            bound(&all),
            collect("step.output"),
        ),
    };
    let infer = match outputs.is_empty() {
        true => String::new(),
        false => format!(
            "let mut predictor = model.predictor();
            predictor.set_isa(isa);
            let output = predictor.run({}).expect(\"good data\");
            {}
            answer.inferred = std::mem::take(&mut answer.values);",
            bound(&used),
            collect("output"),
        ),
    };
    format!(
        "mod {module} {{
    use kiln_tests::emitted::{{self, Answer, Given}};

    kiln::network! {{
        pub(super) Net<batch = {rows}, dtype = {float}> {{
{statements}            {output}
            {loss}
        }}
    }}

    pub(super) fn run(given: &Given<{float}>, isa: kiln::simd::Isa) -> Answer {{
        let mut model = Net::new(1);
        for (name, values) in &given.params {{
            model.set_parameter(name, values.view()).expect(\"a parameter of the network\");
        }}
        let mut answer = Answer::default();
        {infer}
        {train}
        answer
    }}
}}
"
    )
}

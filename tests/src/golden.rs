//! Golden files: cases that Keras or PyTorch has computed (`tests/goldens/`). The build script reads them, too.

use std::path::{Path, PathBuf};

/// A tensor of a golden file.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// The name of a value or parameter of the network.
    pub name: String,
    /// Its axes, the batch first where there is one.
    pub shape: Vec<usize>,
    /// Row-major.
    pub values: Vec<f64>,
}

/// A network, what it is given, and what it must give.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// Unique in its file.
    pub name: String,
    /// Its statements, without outputs, loss and optimiser.
    pub statements: Vec<String>,
    /// The expression of its loss.
    pub loss: Option<String>,
    /// Its optimiser; gradients are compared if there is none.
    pub optimizer: Option<String>,
    /// Data in order of declaration.
    pub inputs: Vec<Tensor>,
    /// Parameters.
    pub params: Vec<Tensor>,
    /// Values in a training pass.
    pub outputs: Vec<Tensor>,
    /// Values out of training.
    pub inferred: Vec<Tensor>,
    /// The loss, or that of each step.
    pub losses: Vec<f64>,
    /// The gradients of the loss by inputs and parameters.
    pub gradients: Vec<Tensor>,
    /// Parameters after all steps.
    pub after: Vec<Tensor>,
}

impl Case {
    /// Rows of its data.
    pub fn rows(&self) -> usize {
        self.inputs.first().and_then(|input| input.shape.first()).copied().unwrap_or(1)
    }

    /// Whether one training step is to be compared.
    pub fn trains(&self) -> bool {
        self.loss.is_some()
    }

    /// The names of the values that are compared, each once.
    pub fn values(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for value in self.outputs.iter().chain(&self.inferred) {
            if !names.contains(&value.name.as_str()) {
                names.push(&value.name);
            }
        }
        names
    }

    /// Inputs whose gradient is compared.
    pub fn shifted(&self) -> Vec<&Tensor> {
        let watched = |input: &&Tensor| self.gradients.iter().any(|gradient| gradient.name == input.name);
        self.inputs.iter().filter(watched).collect()
    }

    /// The statements, with a parameter of zeros added to each input whose gradient is compared: an input has no
    /// gradient in emitted code, and a network must have something to train. `x` becomes `x_data + x_shift`.
    pub fn shifted_statements(&self) -> Vec<String> {
        let mut statements = self.statements.clone();
        for input in self.shifted() {
            let name = &input.name;
            let head = format!("let {name} = input(");
            for statement in &mut statements {
                if let Some(shape) = statement.strip_prefix(&head).and_then(|rest| rest.strip_suffix(");")) {
                    *statement = format!(
                        "let {name}_data = input({shape}); let {name}_shift = param({shape}, init = zeros); \
                         let {name} = {name}_data + {name}_shift;"
                    );
                }
            }
        }
        statements
    }

    /// The tensor of a parameter of `shifted_statements`.
    pub fn param(&self, name: &str) -> Option<Tensor> {
        let shift = |input: &Tensor| {
            let shape = input.shape.get(1..).unwrap_or_default().to_vec();
            let values = vec![0.0; shape.iter().product()];
            Tensor { name: name.to_string(), shape, values }
        };
        let own = self.params.iter().find(|param| param.name == name).cloned();
        own.or_else(|| self.shifted().into_iter().find(|input| format!("{}_shift", input.name) == name).map(shift))
    }

    /// The tensor of an input of `shifted_statements`.
    pub fn input(&self, name: &str) -> Option<&Tensor> {
        self.inputs.iter().find(|input| input.name == name || format!("{}_data", input.name) == name)
    }

    /// The body of a network of this case alone.
    pub fn body(&self) -> String {
        let mut body = self.shifted_statements().join("\n");
        if !self.values().is_empty() {
            body += &format!("\noutput({});", self.values().join(", "));
        }
        if let Some(loss) = &self.loss {
            let optimizer = self.optimizer.as_deref().unwrap_or("sgd(lr = 1.0)");
            body += &format!("\nloss({loss});\noptimizer({optimizer});");
        }
        body
    }
}

/// The files under a folder, sorted.
///
/// # Panics
/// If the folder can't be read.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "golden"));
    files.sort();
    files
}

/// The cases of a file.
///
/// # Panics
/// If it isn't as `make.py` writes it.
pub fn read(path: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (word, rest) = line.split_once(' ').unwrap_or_else(|| panic!("{}: {line}", path.display()));
        if word == "case" {
            cases.push(Case { name: rest.to_string(), ..Case::default() });
            continue;
        }
        let case = cases.last_mut().expect("a file starts with a case");
        match word {
            "|" => case.statements.push(rest.to_string()),
            "loss" => case.loss = Some(rest.to_string()),
            "optimizer" => case.optimizer = Some(rest.to_string()),
            "input" => case.inputs.push(tensor(rest)),
            "param" => case.params.push(tensor(rest)),
            "output" => case.outputs.push(tensor(rest)),
            "inferred" => case.inferred.push(tensor(rest)),
            "value" => case.losses = tensor(rest).values,
            "grad" => case.gradients.push(tensor(rest)),
            "after" => case.after.push(tensor(rest)),
            _ => panic!("{}: {line}", path.display()),
        }
    }
    cases
}

/// `name [3 4] 0.5 …`
fn tensor(text: &str) -> Tensor {
    let parts = text.split_once(" [").and_then(|(name, rest)| Some((name, rest.split_once(']')?)));
    let (name, (shape, values)) = parts.unwrap_or_else(|| panic!("no tensor: {text}"));
    let shape: Vec<usize> = shape.split_whitespace().map(|extent| extent.parse().expect("an extent")).collect();
    let values: Vec<f64> = values.split_whitespace().map(|value| value.parse().expect("a number")).collect();
    assert_eq!(values.len(), shape.iter().product::<usize>(), "elements of {name}");
    Tensor { name: name.to_string(), shape, values }
}

/// How far `found` may be off: relative to the value, and where a value is small beside `largest`, relative to a thousandth
/// of that (f64) or to all of it (f32, whose terms are rounded before they cancel). `largest` is the largest of its
/// neighbours, or of the terms that it is the sum of.
///
/// # Errors
/// With the first element that is too far off.
pub fn compare(found: &[f64], expected: &[f64], largest: f64, tolerance: f64) -> Result<(), String> {
    if found.len() != expected.len() {
        return Err(format!("{} elements instead of {}", found.len(), expected.len()));
    }
    let floor = if tolerance < 1e-5 { 1e-3 * largest } else { largest }.max(tolerance * 1e-3);
    for (index, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let same = (found - expected).abs() <= tolerance * expected.abs().max(floor);
        if !(same || found == expected) {
            return Err(format!("element {index} is {found} instead of {expected}"));
        }
    }
    Ok(())
}

/// The largest magnitude.
pub fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()))
}

/// The learning rate of emitted networks: a step changes a parameter by its gradient times this. A power of two loses
/// nothing, and a large one keeps a gradient above the rounding of its parameter.
pub const RATE: f64 = 64.0;

impl Case {
    /// An expression with its values named apart from those of other cases in the same network.
    pub fn renamed(&self, text: &str, index: usize) -> String {
        let names: Vec<String> = self.shifted_statements().iter().flat_map(|statement| declared(statement)).collect();
        let mut result = String::new();
        let mut word = String::new();
        let mut before = ' ';
        for letter in text.chars().chain([' ']) {
            if letter.is_alphanumeric() || letter == '_' {
                word.push(letter);
                continue;
            }
            if !word.is_empty() {
                if before != '.' && names.contains(&word) {
                    result += &format!("c{index}_");
                }
                result += &word;
                word.clear();
                // The last letter of a word is no dot.
                before = 'a';
            }
            result.push(letter);
            if letter != ' ' {
                before = letter;
            }
        }
        result.trim_end().to_string()
    }

    /// Which method of `Given` reads an input: `float` or `index`.
    pub fn kind(&self, input: &Tensor) -> &'static str {
        let index =
            |data: &str| self.statements.iter().any(|text| text.starts_with(&format!("let {} = {data}(", input.name)));
        if index("class") || index("classes") || index("tokens") { "index" } else { "float" }
    }

    /// Whether an input stands in the loss alone.
    pub fn only_for_the_loss(&self, input: &Tensor) -> bool {
        let letter = |letter: char| letter.is_alphanumeric() || letter == '_';
        let own = format!("let {} = ", input.name);
        let others = self.statements.iter().filter(|statement| !statement.starts_with(&own));
        !others.flat_map(|statement| statement.split(|character| !letter(character))).any(|word| word == input.name)
    }
}

/// What the `let`s of a statement name.
fn declared(statement: &str) -> Vec<String> {
    statement
        .split("let ")
        .skip(1)
        .filter_map(|rest| rest.split_once('='))
        .flat_map(|(pattern, _)| pattern.split(['(', ')', ',', ':', ' ']).map(str::to_string).collect::<Vec<_>>())
        .filter(|name| !name.is_empty() && name != "mut")
        .collect()
}

/// Which cases share an emitted network: those with the same rows and without an optimiser of their own.
pub fn groups(cases: &[Case], together: usize) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let fits = |group: &&mut Vec<usize>| {
            let first = group.first().and_then(|&first| cases.get(first));
            group.len() < together
                && first.is_some_and(|first| {
                    first.rows() == case.rows() && first.optimizer.is_none() && case.optimizer.is_none()
                })
        };
        match groups.iter_mut().find(fits) {
            Some(group) => group.push(index),
            None => groups.push(vec![index]),
        }
    }
    groups
}

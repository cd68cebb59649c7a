//! Writes the reports of networks: `cargo run -p kiln-compiler --example report -- FILE [--out DIR] [--profile FILE]`.

#[path = "../dump/answer.rs"]
mod answer;
#[path = "../dump/networks.rs"]
mod networks;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use kiln_compiler::diag::Diagnostics;
use kiln_compiler::functions::functions;
use kiln_compiler::module::assemble;
use kiln_compiler::report::{Facts, Passes, write};
use kiln_compiler::resolve::resolve;
use kiln_compiler::syntax::parse;
use networks::networks;
use proc_macro2::TokenStream;

const USAGE: &str = "usage: report FILE [--out DIR] [--profile FILE]

Writes what the compiler makes of the networks in FILE, which is Rust source with `network! { … }` in it, or just what
stands between the braces: NAME.html, NAME.json, and the graph of each function as NAME.FUNCTION.dot and
NAME.FUNCTION.mmd. They go to DIR, by default `report`. Measured times come from --profile, which a trainer's `profile`
writes, or from DIR/NAME.profile.tsv.";

fn main() -> ExitCode {
    answer::answer(run(std::env::args().skip(1)))
}

fn run(mut arguments: impl Iterator<Item = String>) -> Result<String, String> {
    let (mut file, mut profile) = (None, None);
    let mut folder = PathBuf::from("report");
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--help" | "-h" => return Ok(format!("{USAGE}\n")),
            "--out" => folder = arguments.next().ok_or("error: --out takes a folder")?.into(),
            "--profile" => profile = Some(PathBuf::from(arguments.next().ok_or("error: --profile takes a file")?)),
            option if option.starts_with('-') => return Err(format!("error: there is no option {option}\n\n{USAGE}")),
            _ if file.is_some() => {
                return Err(format!("error: one file at a time, `{argument}` is one more\n\n{USAGE}"));
            }
            _ => file = Some(argument),
        }
    }
    let file = file.ok_or_else(|| format!("error: which file?\n\n{USAGE}"))?;
    if let Some(profile) = profile.as_ref().filter(|profile| !profile.is_file()) {
        return Err(format!("error: there is no file {}", profile.display()));
    }
    let source = std::fs::read_to_string(&file).map_err(|error| format!("error: {file} can't be read: {error}"))?;
    let mut text = String::new();
    for network in networks(&file, &source)? {
        let mut facts = facts(network, &file, &source)?;
        facts.measured(&profile.clone().unwrap_or_else(|| folder.join(format!("{}.profile.tsv", facts.name))));
        if let Some(Err(problem)) = &facts.profile {
            return Err(format!("error: {problem}"));
        }
        for path in write(Path::new(&folder), &facts).map_err(|problem| format!("error: {problem}"))? {
            text += &format!("{}\n", path.display());
        }
    }
    Ok(text)
}

fn facts(network: TokenStream, file: &str, source: &str) -> Result<Facts, String> {
    let mut errors = Diagnostics::default();
    let resolved = parse(network, &mut errors).and_then(|decl| resolve(&decl, &mut errors));
    let Some(network) = resolved.filter(|_| !errors.any()) else { return Err(errors.render(file, source)) };
    let functions = functions(&network, false).map_err(|failure| failure.to_string())?;
    let passes = Passes::of(&functions);
    Ok(Facts::of(&assemble(network, functions)?, passes))
}

//! Shows what becomes of a network: `cargo run -p kiln-compiler --example dump -- FILE [--after STAGE]`.

mod answer;
mod networks;
mod stages;

use std::process::ExitCode;

const USAGE: &str = "usage: dump FILE [--after STAGE]

Compiles the networks in FILE, which is Rust source with `network! { … }` in it, or just what stands between the
braces, and prints the generated Rust. With --after, prints the graphs as they are after that stage or pass; `all`
shows every one. An unknown name lists them.";

fn main() -> ExitCode {
    answer::answer(run(std::env::args().skip(1)))
}

fn run(mut arguments: impl Iterator<Item = String>) -> Result<String, String> {
    let mut file = None;
    let mut after = None;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--help" | "-h" => return Ok(format!("{USAGE}\n")),
            "--after" => after = Some(arguments.next().ok_or("error: --after takes the name of a stage")?),
            option if option.starts_with('-') => return Err(format!("error: there is no option {option}\n\n{USAGE}")),
            _ if file.is_some() => {
                return Err(format!("error: one file at a time, `{argument}` is one more\n\n{USAGE}"));
            }
            _ => file = Some(argument),
        }
    }
    let file = file.ok_or_else(|| format!("error: which file?\n\n{USAGE}"))?;
    let source = std::fs::read_to_string(&file).map_err(|error| format!("error: {file} can't be read: {error}"))?;
    stages::dump(&file, &source, after.as_deref())
}

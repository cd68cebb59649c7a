//! What the compiler makes of a network, stage by stage: each file of `fixtures/networks` holds one network, and
//! `snapshots/networks` what it becomes.
//!
//! To add a network, add a file. To accept a change: `INSTA_UPDATE=always cargo test -p kiln-tests`, then read the
//! difference that `git diff` shows.

use std::fmt::Write as _;
use std::fs;

use kiln_compiler::diag::Diagnostics;
use kiln_compiler::{codegen, functions, module, resolve, syntax};
use proc_macro2::TokenStream;

/// The graph as resolved, each function optimised, its kernels with their memory, and the code.
fn stages(file: &str, source: &str) -> [(&'static str, String); 4] {
    let tokens: TokenStream = source.parse().unwrap();
    let mut errors = Diagnostics::default();
    let network = syntax::parse(tokens, &mut errors).and_then(|decl| resolve::resolve(&decl, &mut errors));
    assert!(!errors.any(), "{}", errors.render(file, source));
    let network = network.unwrap();
    let resolved = network.graph.to_string();
    let functions = functions::functions(&network, false).unwrap();
    let optimised = functions.iter().fold(String::new(), |mut text, optimised| {
        writeln!(text, "{}:\n{}", optimised.function.name, optimised.function.graph).unwrap();
        text
    });
    let module = module::assemble(network, functions).unwrap();
    let kernels = module.entries.iter().fold(String::new(), |mut text, entry| {
        writeln!(
            text,
            "{}: arena {} bytes, lower bound {}\n{}",
            entry.program.function.name,
            entry.plan.arena_bytes,
            entry.plan.lower_bound,
            entry.plan.describe(&entry.program)
        )
        .unwrap();
        text
    });
    let code = prettyplease::unparse(&syn::parse2(codegen::generate(&module)).unwrap());
    [("1-resolved", resolved), ("2-optimised", optimised), ("3-kernels", kernels), ("4-code", code)]
}

#[test]
fn stages_read_as_held() {
    insta::with_settings!({
        snapshot_path => "../snapshots/networks",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::glob!("../fixtures/networks", "*.kiln", |path| {
            let file = path.file_name().unwrap().to_string_lossy();
            let source = fs::read_to_string(path).unwrap();
            for (stage, text) in stages(&file, &source) {
                insta::assert_snapshot!(stage, text);
            }
        });
    });
}

#[test]
fn the_same_tokens_give_the_same_code() {
    for path in glob::glob("fixtures/networks/*.kiln").unwrap() {
        let path = path.unwrap();
        let source = fs::read_to_string(&path).unwrap();
        let file = path.to_string_lossy();
        let first = stages(&file, &source);
        assert!(first == stages(&file, &source), "{file} is not compiled the same twice");
    }
}

//! What users read when something is wrong: each file of `fixtures/diagnostics` holds one network with
//! mistakes, and its errors are held in `snapshots/diagnostics`, to the column.
//!
//! To add a case, add a file. To accept what it prints: `INSTA_UPDATE=always cargo test -p kiln-tests`,
//! then read the difference that `git diff` shows.

use std::fs;

use kiln_compiler::diag::Diagnostics;
use proc_macro2::TokenStream;

/// The errors of a network, as they stand in its snapshot.
fn errors(file: &str, source: &str) -> String {
    let tokens: TokenStream = source.parse().unwrap();
    let mut errors = Diagnostics::default();
    kiln_compiler::compile(tokens, &mut errors);
    assert!(errors.any(), "{file} has no mistake");
    errors.render(file, source)
}

#[test]
fn errors_read_as_held() {
    insta::with_settings!({
        snapshot_path => "../snapshots/diagnostics",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::glob!("../fixtures/diagnostics", "*.kiln", |path| {
            let file = path.file_name().unwrap().to_string_lossy();
            let source = fs::read_to_string(path).unwrap();
            insta::assert_snapshot!("error", errors(&file, &source));
        });
    });
}

//! What rustc itself shows: errors with their notes, each in its place, and no errors that follow from
//! them in the rest of the program. To accept what it shows: `TRYBUILD=overwrite cargo test -p kiln-tests --test rustc`.

#[test]
fn errors_under_rustc() {
    trybuild::TestCases::new().compile_fail("ui/*.rs");
}

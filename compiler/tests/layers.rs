//! `docs/layers.md` is what the compiler's tables say.

#[path = "../examples/layers/reference.rs"]
mod reference;

#[test]
fn the_reference_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/layers.md");
    let held = std::fs::read_to_string(path).unwrap_or_default().replace("\r\n", "\n");
    let now = reference::reference();
    let first = held.lines().zip(now.lines()).find(|(held, now)| held != now);
    assert!(
        held == now,
        "docs/layers.md is out of date, first at {first:?}; to write it anew: \
         `cargo run -p kiln-compiler --example layers > docs/layers.md`"
    );
}

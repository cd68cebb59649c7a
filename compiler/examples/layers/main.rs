//! Prints the reference of layers, operations, losses and optimisers:
//! `cargo run -p kiln-compiler --example layers > docs/layers.md`.

mod reference;

fn main() {
    print!("{}", reference::reference());
}

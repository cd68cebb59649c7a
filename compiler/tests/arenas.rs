//! The arenas of all examples and fixtures beside their lower bounds.

#[path = "../examples/dump/networks.rs"]
mod networks;
#[path = "../examples/dump/stages.rs"]
mod stages;

use std::path::{Path, PathBuf};

/// Networks of the repository, as files.
fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folders = ["examples/src/bin", "examples/src/bin/workloads", "tests/fixtures/networks"];
    let entries = folders.iter().flat_map(|folder| std::fs::read_dir(root.join(folder)).unwrap());
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|kind| kind == "kiln" || kind == "rs"));
    files.sort();
    files
}

/// For each function and each body of a loop: its name, the bytes of its arena, and those needed at once.
fn arenas(file: &str, source: &str) -> Vec<(String, usize, usize)> {
    let text = stages::dump(file, source, Some("plan")).unwrap_or_else(|error| panic!("{error}"));
    let said = text.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("// ")?.split_once(": an arena of ")?;
        let (arena, needed) = rest.split_once(" bytes, of which ")?;
        let needed = needed.strip_suffix(" are needed at once")?;
        Some((name.to_string(), arena.parse().ok()?, needed.parse().ok()?))
    });
    said.collect()
}

#[test]
fn arenas_are_close_to_their_lower_bounds() {
    let mut seen = 0;
    for file in files() {
        let source = std::fs::read_to_string(&file).unwrap();
        // A program may have its network elsewhere.
        if !source.contains("network! {") && file.extension().is_some_and(|kind| kind == "rs") {
            continue;
        }
        for (name, arena, needed) in arenas(&file.display().to_string(), &source) {
            println!("{}: {name} {arena} / {needed}", file.file_name().unwrap_or_default().display());
            assert!(arena * 100 <= needed * 102, "{}, {name}: {arena} bytes, {needed} at once", file.display());
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen} arenas");
}

#[test]
fn a_step_of_the_cnn_takes_at_most_8_mb() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/networks/cnn.kiln");
    let source = std::fs::read_to_string(file).unwrap();
    assert!(source.contains("<batch = 128>"));
    let arenas = arenas("cnn.kiln", &source);
    let step = arenas.iter().find(|(name, ..)| name == "step").unwrap();
    println!("the CNN's step: {} bytes", step.1);
    assert!(step.1 <= 8_000_000, "{} bytes", step.1);
}

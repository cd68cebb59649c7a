//! Every function of the language stands in a test of its values or gradients.

use std::collections::BTreeSet;

/// The tests of templates, against their definitions and of emitted code against the reference.
const TESTS: &[&str] = &[
    include_str!("../tests.rs"),
    include_str!("activations.rs"),
    include_str!("keras.rs"),
    include_str!("losses.rs"),
    include_str!("optimizers.rs"),
    include_str!("picking.rs"),
    include_str!("tensors.rs"),
];

/// The names that stand in a text.
fn words(text: &str) -> BTreeSet<&str> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').collect()
}

/// The families of activations, losses and tensor functions, whose every function is checked here.
const FAMILIES: &[&str] = &[
    "Activations",
    "More activations",
    "Softmax",
    "Element by element",
    "Reductions",
    "Matrix products",
    "Sums of products",
    "Picking",
    "Shapes",
    "Joining",
    "Repeating, splitting, running sums",
    "Noise and random numbers",
    "Cross entropy and mean errors",
    "Other losses",
    "Losses of embeddings, counts and shares",
];

#[test]
fn no_function_is_left_out() {
    let tested: BTreeSet<&str> = TESTS.iter().flat_map(|text| words(text)).collect();
    let mut missing = Vec::new();
    for title in FAMILIES {
        let family = crate::layers::FAMILIES.iter().find(|(name, _)| name == title);
        let (_, templates) = family.unwrap_or_else(|| panic!("there is no family {title}"));
        let untested = templates.iter().filter(|template| {
            !tested.contains(template.name) && !template.aliases.iter().any(|alias| tested.contains(alias))
        });
        missing.extend(untested.map(|template| template.name));
    }
    assert!(missing.is_empty(), "no test calls {missing:?}");
}

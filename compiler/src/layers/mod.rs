//! The functions of the language: templates over the primitives. One family is one file with its documentation,
//! its arguments and how it is built; one line in the list below.

mod activation;
mod attention;
mod batch_norm;
mod builder;
mod constant;
mod conv2d;
mod data;
mod dense;
mod depthwise;
mod distance;
mod dropout;
mod einsum;
mod embedding;
mod explain;
mod init;
mod join;
mod layer_norm;
mod loss;
mod math;
mod matmul;
mod metric;
mod noise;
mod norm;
mod optimizer;
mod pick;
mod pool;
mod recurrent;
mod reduce;
mod repeat;
mod reshape;
mod resize;
mod sequence;
mod sequence_depthwise;
mod settings;
mod shrink;
mod slice;
mod softmax;
mod statement;
mod template;
#[cfg(all(test, feature = "eval"))]
mod tests;
mod transposed;
mod window;

pub(crate) use crate::resolve::{Arg, Bound};
pub(crate) use builder::Builder;
pub use settings::SETTINGS;
pub use template::{Fallback, Kind, Parameter, Template};

/// Every family under its title, in the order of the reference.
pub const FAMILIES: &[(&str, &[Template])] = &[
    ("Data", data::TEMPLATES),
    ("Dense", dense::TEMPLATES),
    ("Convolution", conv2d::TEMPLATES),
    ("Transposed convolution", transposed::TEMPLATES),
    ("Depthwise convolution", depthwise::TEMPLATES),
    ("Pooling", pool::TEMPLATES),
    ("Sequences", sequence::TEMPLATES),
    ("Depthwise convolution of sequences", sequence_depthwise::TEMPLATES),
    ("Recurrence", recurrent::TEMPLATES),
    ("Upsampling and cropping", resize::TEMPLATES),
    ("Embeddings and positions", embedding::TEMPLATES),
    ("Attention", attention::TEMPLATES),
    ("Dropout", dropout::TEMPLATES),
    ("Noise and random numbers", noise::TEMPLATES),
    ("Batch normalisation", batch_norm::TEMPLATES),
    ("Layer normalisation", layer_norm::TEMPLATES),
    ("Other normalisations", norm::TEMPLATES),
    ("Activations", activation::TEMPLATES),
    ("More activations", shrink::TEMPLATES),
    ("Softmax", softmax::TEMPLATES),
    ("Element by element", math::TEMPLATES),
    ("Reductions", reduce::TEMPLATES),
    ("Matrix products", matmul::TEMPLATES),
    ("Sums of products", einsum::TEMPLATES),
    ("Picking", pick::TEMPLATES),
    ("Shapes", reshape::TEMPLATES),
    ("Parts and padding", slice::TEMPLATES),
    ("Joining", join::TEMPLATES),
    ("Repeating, splitting, running sums", repeat::TEMPLATES),
    ("Parameters and constants", constant::TEMPLATES),
    ("Cross entropy and mean errors", loss::TEMPLATES),
    ("Other losses", distance::TEMPLATES),
    ("Losses of embeddings, counts and shares", metric::TEMPLATES),
    ("Optimisers", optimizer::TEMPLATES),
    ("Statements", statement::TEMPLATES),
];

/// Initialisers that take numbers.
pub const INITIALISERS: &[Template] = init::TEMPLATES;

/// What `explain(…)` takes first, with its arguments.
pub const EXPLANATIONS: &[Template] = explain::TEMPLATES;

/// Every template, in the order of the reference.
pub fn all() -> impl Iterator<Item = &'static Template> {
    FAMILIES.iter().flat_map(|(_, family)| family.iter())
}

/// The template of a name or alias.
pub fn find(name: &str) -> Option<&'static Template> {
    all().find(|template| template.name == name || template.aliases.contains(&name))
}

/// An initialiser with arguments; these names mean something only where an initialiser is asked for.
pub(crate) fn init(name: &str) -> Option<&'static Template> {
    init::TEMPLATES.iter().find(|template| template.name == name)
}

/// A kind of explanation; these names mean something only in `explain(…)`.
pub(crate) fn explanation(name: &str) -> Option<&'static Template> {
    EXPLANATIONS.iter().find(|template| template.name == name)
}

/// Optimisers by name, for where one is asked for.
pub(crate) fn optimizers() -> impl Iterator<Item = &'static str> {
    optimizer::TEMPLATES.iter().map(|template| template.name)
}

/// What an activation may be: functions of one tensor that keep its shape. `linear` does nothing.
pub(crate) fn functions() -> impl Iterator<Item = &'static str> {
    let families = activation::TEMPLATES.iter().chain(softmax::TEMPLATES).chain(math::TEMPLATES);
    let unary =
        |template: &&Template| template.params.iter().filter(|param| param.default == Fallback::Required).count() == 1;
    families.filter(unary).map(|template| template.name).chain(["linear"])
}

/// Whether the name declares data that the user hands over.
pub(crate) fn is_data(name: &str) -> bool {
    data::TEMPLATES.iter().any(|template| template.name == name)
}

#[cfg(test)]
mod table_tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_and_keywords_are_unique_and_documented() {
        let mut seen = BTreeSet::new();
        for template in all().chain(init::TEMPLATES) {
            for name in template.aliases.iter().chain([&template.name]) {
                assert!(seen.insert(*name), "{name} is there twice");
            }
            assert!(template.docs.ends_with('.'), "{}: {}", template.name, template.docs);
            let mut keywords = BTreeSet::new();
            let mut optional = false;
            for param in template.params {
                assert!(keywords.insert(param.name), "{}: {}", template.name, param.name);
                assert!(param.docs.ends_with('.'), "{}: {}", template.name, param.name);
                assert!(!optional || param.default != Fallback::Required, "{}: {}", template.name, param.name);
                optional |= param.default != Fallback::Required;
            }
        }
    }

    #[test]
    fn signatures_read_as_calls() {
        let signature = |name| find(name).map(Template::signature);
        assert_eq!(signature("max_pool2d").as_deref(), Some("max_pool2d(x, size = 2, stride = …, pad = valid)"));
        assert_eq!(signature("concatenate").as_deref(), Some("concat(a, …, axis = -1)"));
    }
}

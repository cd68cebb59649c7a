//! Vectors for indices, and for places in a sequence.

use super::sequence::sequence;
use super::template::{Fallback, Kind, Parameter, Template};
use super::{Arg, Bound, Builder, constant};
use crate::ir::{Init, NodeId};
use crate::ops::{Embed, OneHot, Slice};
use crate::resolve::{Eval, Value};

const SEQUENCE: Parameter = Parameter::required("x", Kind::Tensor, "The sequence, [steps, features].");

pub(super) const TEMPLATES: &[Template] = &[
    Template {
        name: "embedding",
        aliases: &[],
        docs: "For each index the vector of that row of a table; weight [vocabulary, features], as Keras's Embedding. \
               The index `padding` gives zeros, and its row gets no gradient, as PyTorch's padding_idx.",
        params: &[
            Parameter::required("index", Kind::Indices, "Tokens or class indices, of any axes."),
            Parameter::required("features", Kind::Size, "The extent of the new last axis.").known_as(&[
                "output_dim",
                "dim",
                "embedding_dim",
            ]),
            Parameter::optional("vocabulary", Kind::Size, Fallback::Absent, "Rows of the table; known for inputs.")
                .known_as(&["input_dim", "num_embeddings"]),
            Parameter::optional("padding", Kind::Integer, Fallback::Absent, "The index that stands for nothing; none.")
                .known_as(&["padding_idx"]),
            Parameter::optional("init", Kind::Init, Fallback::Word("uniform"), "How the weight starts.")
                .known_as(&["embeddings_initializer"]),
        ],
        layer: true,
        build: embedding,
    },
    Template {
        name: "mask",
        aliases: &[],
        docs: "1 for each index that is not padding, and 0 for those that are: the mask of attention and recurrent \
               layers, and the weights of a loss over steps.",
        params: &[
            Parameter::required("index", Kind::Indices, "Tokens or class indices."),
            Parameter::optional("padding", Kind::Integer, Fallback::Int(0), "The index that stands for nothing."),
        ],
        layer: false,
        build: |b, args| {
            let index = b.tensor(args, "index")?;
            let padding = padding(b, args, constant::classes(b, index))?.unwrap_or_default();
            let hit = is_index(b, index, padding)?;
            b.number_minus(1.0, hit).map(Value::Tensor)
        },
    },
    Template {
        name: "positional_embedding",
        aliases: &[],
        docs: "Adds a trained vector to each step of a sequence; weight [steps, features], as KerasHub's \
               PositionEmbedding (Gehring et al., 2017).",
        params: &[
            SEQUENCE,
            Parameter::optional("init", Kind::Init, Fallback::Word("glorot_uniform"), "How the weight starts.")
                .known_as(&["initializer"]),
        ],
        layer: true,
        build: |b, args| {
            let x = b.tensor(args, "x")?;
            let [steps, features] = sequence(b, args, x)?;
            let init = b.init(args, "init")?;
            let positions = b.param("weight", &[steps, features], init)?;
            b.add(x, positions).map(Value::Tensor)
        },
    },
    Template {
        name: "sinusoidal_encoding",
        aliases: &["sine_position_encoding"],
        docs: "Adds to step t of a sequence sin(t·w) to its even and cos(t·w) to its odd features, where w falls from 1 \
               to 1 / max_wavelength (Vaswani et al., 2017, as KerasHub's SinePositionEncoding). The table is a \
               parameter that is not trained.",
        params: &[
            SEQUENCE,
            Parameter::optional(
                "max_wavelength",
                Kind::Positive,
                Fallback::Float(10000.0),
                "The longest wave, over 2π.",
            ),
        ],
        layer: true,
        build: |b, args| {
            let x = b.tensor(args, "x")?;
            let [steps, features] = sequence(b, args, x)?;
            let wavelength = b.number(args, "max_wavelength")?;
            let (_, table) = b.statistic("table", &[steps, features], Init::Sinusoidal(wavelength))?;
            b.add(x, table).map(Value::Tensor)
        },
    },
];

fn embedding(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let index = b.tensor(args, "index")?;
    let known = constant::classes(b, index);
    let vocabulary = match (args.get("vocabulary"), known) {
        (Arg::Int(_), known) => {
            let vocabulary = b.size(args, "vocabulary")?;
            if let Some(known) = known.filter(|&known| known > vocabulary) {
                let message =
                    format!("`vocabulary` of `embedding` is {vocabulary}, but the indices go up to {}", known - 1);
                return b.fail_at(args, "vocabulary", message);
            }
            vocabulary
        }
        (_, Some(known)) => known,
        _ => return b.fail("`embedding` needs `vocabulary` here"),
    };
    let features = b.size(args, "features")?;
    let padding = padding(b, args, Some(vocabulary))?;
    let init = b.init(args, "init")?;
    b.fits(args, "features", &[vocabulary, features])?;
    let dims = [b.dims(index), vec![features]].concat();
    b.fits(args, "features", &dims)?;
    let weight = b.param("weight", &[vocabulary, features], init)?;
    b.node(Embed { padding }, &[weight, index]).map(Value::Tensor)
}

/// The padding's index, if there is one, below the number of indices.
fn padding(b: &mut Builder<'_, '_>, args: &Bound, count: Option<usize>) -> Eval<Option<usize>> {
    let Arg::Int(value) = *args.get("padding") else { return Ok(None) };
    match usize::try_from(value).ok().filter(|&padding| padding < count.unwrap_or(1 << 30)) {
        Some(padding) => Ok(Some(padding)),
        None => {
            let below = count.map_or_else(String::new, |count| format!(": they are below {count}"));
            b.fail_at(args, "padding", format!("`padding` is {value}, which no index is{below}"))
        }
    }
}

/// 1 where the index is a given one, else 0.
fn is_index(b: &mut Builder<'_, '_>, index: NodeId, which: usize) -> Eval<NodeId> {
    let dims = b.dims(index);
    let dtype = b.resolver.net.dtype;
    let hot = b.node(OneHot { classes: which + 1, dtype }, &[index])?;
    let starts: Vec<usize> = dims.iter().map(|_| 0).chain([which]).collect();
    let ends: Vec<usize> = dims.iter().copied().chain([which + 1]).collect();
    let column = match which {
        0 => hot,
        _ => b.node(Slice { steps: vec![1; starts.len()], starts, ends }, &[hot])?,
    };
    b.reshape(column, &dims)
}

//! `dense`

use super::template::{Fallback, Kind, Parameter, Template, X};
use super::{Bound, Builder};
use crate::ops::MatMul;
use crate::resolve::{Eval, Value};

pub(super) const TEMPLATES: &[Template] = &[Template {
    name: "dense",
    aliases: &[],
    docs: "A fully connected layer over the last axis: x·weight + bias, weight [in, units], as Keras's Dense.",
    params: &[
        X,
        Parameter::required("units", Kind::Size, "The extent of the new last axis."),
        Parameter::optional("bias", Kind::Flag, Fallback::Flag(true), "Whether a bias is added.")
            .known_as(&["use_bias"]),
        Parameter::optional("init", Kind::Init, Fallback::Word("glorot_uniform"), "How the weight starts.")
            .known_as(&["kernel_initializer"]),
        Parameter::optional("bias_init", Kind::Init, Fallback::Word("zeros"), "How the bias starts.")
            .known_as(&["bias_initializer"]),
    ],
    layer: true,
    build,
}];

fn build(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (x, units) = (b.tensor(args, "x")?, b.size(args, "units")?);
    let dims = b.dims(x);
    let Some((&inputs, lead)) = dims.split_last() else {
        let help = "reshape([1]) makes one of it".to_string();
        return b.shape_error(b.span, "`dense` needs an axis to connect, and [] has none", &[x], Some(help));
    };
    let (init, bias_init) = (b.init(args, "init")?, b.init(args, "bias_init")?);
    b.fits(args, "units", &[inputs, units])?;
    b.fits(args, "units", &[lead, &[units]].concat())?;
    let weight = b.param("weight", &[inputs, units], init)?;
    let product = b.node(MatMul { transpose: false }, &[x, weight])?;
    if !b.flag(args, "bias")? {
        return Ok(Value::Tensor(product));
    }
    let bias = b.param("bias", &[units], bias_init)?;
    b.add(product, bias).map(Value::Tensor)
}

//! What generated code says of its kernels, a line of text each: one token for rustc, and nothing at run time until
//! somebody wants to look.
//!
//! `name <f32:1024:512* >f32:0:10 -1024:65536`: the kernel's name; the values that it reads (`<`) and writes (`>`) as
//! type, offset in bytes and number of elements, with `*` for each row of the batch; the bytes of the arena that nobody
//! needs after it (`-`), as offset and length. `param` and `state` in a type's place are values in those blocks, whose
//! offsets count elements.

/// What a value's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Elements of the network's type in the arena.
    Float,
    /// Indices in the arena.
    U32,
    /// Numbers of cells in the arena.
    U8,
    /// Elements of the block of parameters.
    Param,
    /// Elements of the optimiser's slots.
    State,
}

/// A value that a kernel reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub kind: Kind,
    pub offset: usize,
    pub elements: usize,
    /// Whether there are so many for each row of the batch.
    pub batched: bool,
}

/// A kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kernel {
    pub name: &'static str,
    pub reads: Vec<Value>,
    pub writes: Vec<Value>,
    /// Offsets and lengths in bytes.
    pub dies: Vec<(usize, usize)>,
}

impl Kernel {
    /// From its line.
    pub(super) fn of(line: &'static str) -> Self {
        let mut words = line.split(' ');
        let mut kernel = Self { name: words.next().unwrap_or_default(), ..Self::default() };
        for word in words {
            if let Some(value) = word.strip_prefix('<').and_then(Value::of) {
                kernel.reads.push(value);
            } else if let Some(value) = word.strip_prefix('>').and_then(Value::of) {
                kernel.writes.push(value);
            } else if let Some((offset, bytes)) = word.strip_prefix('-').and_then(|range| range.split_once(':')) {
                kernel.dies.extend(offset.parse().ok().zip(bytes.parse().ok()));
            }
        }
        kernel
    }
}

impl Value {
    fn of(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let kind = match parts.next()? {
            "f32" | "f64" => Kind::Float,
            "u32" => Kind::U32,
            "u8" => Kind::U8,
            "param" => Kind::Param,
            "state" => Kind::State,
            _ => return None,
        };
        let offset = parts.next()?.parse().ok()?;
        let elements = parts.next()?;
        let each = elements.strip_suffix('*');
        Some(Self { kind, offset, elements: each.unwrap_or(elements).parse().ok()?, batched: each.is_some() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let kernel = Kernel::of("hidden_matmul <f32:1024:512* <u8:0:4* >param:16:10 -1024:65536 -0:64");
        let value = |kind, offset, elements, batched| Value { kind, offset, elements, batched };
        assert_eq!(kernel.name, "hidden_matmul");
        assert_eq!(kernel.reads, [value(Kind::Float, 1024, 512, true), value(Kind::U8, 0, 4, true)]);
        assert_eq!(kernel.writes, [value(Kind::Param, 16, 10, false)]);
        assert_eq!(kernel.dies, [(1024, 65536), (0, 64)]);
        assert_eq!(Kernel::of("alone"), Kernel { name: "alone", ..Kernel::default() });
    }
}

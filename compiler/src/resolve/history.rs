//! How each shape came about, for the notes under a shape error.

use std::collections::BTreeMap;

use proc_macro2::Span;

use crate::diag::location;
use crate::ir::{Graph, NodeId, shape};

/// More lines than this are shortened in the middle.
const MAX_LINES: usize = 12;

/// How a step's line reads.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Trace {
    /// Where values come from: `image  [28, 28, 1]`.
    Source(String),
    /// A window that moves over an image: `conv2d k=3 pad=same 28→28`. The shape is said once at the end.
    Window(String),
    /// A line that says the new shape: `flatten gives 7*7*64 = 3136`.
    Gives(String),
    /// The shape stays as it is.
    Silent,
}

/// What a step does to a shape, where that can be done again with other settings.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// A window: filters (`None` keeps the channels), effective size, stride, padding low + high per axis.
    Window { conv: bool, channels: Option<usize>, size: [usize; 2], stride: [usize; 2], pad: [usize; 2], same: bool },
    /// All axes become one.
    Flatten,
    /// The shape stays as it is.
    Keep,
    /// Anything else.
    Other,
}

#[derive(Clone, Debug)]
struct Step {
    trace: Trace,
    effect: Effect,
    span: Span,
    from: Option<NodeId>,
}

/// The steps behind every value.
#[derive(Debug, Default)]
pub(super) struct History {
    steps: BTreeMap<NodeId, Step>,
}

impl History {
    /// Records how a value came about. The last record of a value stands: a template tells its own story over
    /// that of the operators inside it.
    pub(super) fn record(&mut self, node: NodeId, from: Option<NodeId>, span: Span, trace: Trace, effect: Effect) {
        if from != Some(node) {
            self.steps.insert(node, Step { trace, effect, span, from });
        }
    }

    /// The steps from the source to a value.
    fn chain(&self, node: NodeId) -> Vec<(NodeId, &Step)> {
        let mut steps = Vec::new();
        let mut next = Some(node);
        while let Some(node) = next {
            let Some(step) = self.steps.get(&node) else { break };
            steps.push((node, step));
            // Operands are older than results, so this ends.
            next = step.from.filter(|&from| from < node);
        }
        steps.reverse();
        steps
    }

    /// The notes under an error at `at` about the shape of `node`.
    pub(super) fn notes(&self, graph: &Graph, node: NodeId, at: Span) -> Vec<String> {
        let here = location(at);
        let mut lines: Vec<(String, Option<String>, bool)> = Vec::new();
        let mut last: Option<(Option<String>, NodeId)> = None;
        for (node, step) in self.chain(node) {
            let (text, window) = match &step.trace {
                Trace::Silent => continue,
                Trace::Source(text) => {
                    lines.push((text.clone(), None, false));
                    last = None;
                    continue;
                }
                Trace::Window(text) => (text, true),
                Trace::Gives(text) => (text, false),
            };
            let place = location(step.span);
            match (&mut last, lines.last_mut()) {
                (Some((group, end)), Some(line)) if place.is_some() && *group == place => {
                    line.0 += ", ";
                    line.0 += text;
                    line.2 = window;
                    *end = node;
                }
                (before, line) => {
                    // A run of windows ends here: say what has become of the shape.
                    if let (Some((_, end)), Some(line)) = (&before, line)
                        && line.2
                        && !window
                    {
                        line.0 += &format!(", so {}", shape(&graph.ty(*end).dims));
                    }
                    lines.push((text.clone(), place.clone().filter(|_| place != here), window));
                    *before = Some((place, node));
                }
            }
        }
        if let (Some((_, end)), Some(line)) = (&last, lines.last_mut())
            && line.2
        {
            line.0 += &format!(", so {}", shape(&graph.ty(*end).dims));
        }
        layout(lines)
    }

    /// Advice for a value that was to have the shape `wanted`, if other padding would give it.
    pub(super) fn advice(&self, graph: &Graph, node: NodeId, wanted: &[usize]) -> Option<String> {
        let actual = &graph.ty(node).dims;
        let chain = self.chain(node);
        for (want_same, word) in [(true, "valid"), (false, "same")] {
            let count = chain.iter().filter(|(_, step)| is_conv(&step.effect, want_same)).count();
            if count > 0 && replay(graph, &chain, want_same).as_deref() == Some(wanted) {
                let place = match count {
                    1 => "in the convolution".to_string(),
                    2 => "in both convolutions".to_string(),
                    _ => format!("in all {count} convolutions"),
                };
                return Some(format!("pad = {word} {place} gives {}", short(wanted)));
            }
        }
        if wanted.len() == 1 && actual.len() > 1 && actual.iter().product::<usize>() == wanted[0] {
            return Some(format!("flatten() gives {}", wanted[0]));
        }
        if wanted.iter().product::<usize>() == actual.iter().product::<usize>() {
            return Some(format!("reshape({}) gives the annotated shape from the same elements", shape(wanted)));
        }
        None
    }
}

fn is_conv(effect: &Effect, same_padded: bool) -> bool {
    matches!(effect, Effect::Window { conv: true, same, pad, size, .. }
        if *same == same_padded && (*same || *pad == [0, 0]) && *size != [1, 1])
}

/// The shape at the end of the chain if every convolution padded `same` (or every `valid` one) were the other.
fn replay(graph: &Graph, chain: &[(NodeId, &Step)], from_same: bool) -> Option<Vec<usize>> {
    let mut dims: Option<Vec<usize>> = None;
    for (node, step) in chain {
        let before = dims.take();
        dims = Some(match (&step.effect, before) {
            (Effect::Window { channels, size, stride, pad, same, .. }, Some(before)) => {
                let [height, width, depth] = <[usize; 3]>::try_from(before).ok()?;
                let mut next = vec![0, 0, channels.unwrap_or(depth)];
                let flipped = is_conv(&step.effect, from_same);
                for (axis, extent) in [height, width].into_iter().enumerate() {
                    next[axis] = if *same != flipped {
                        extent.div_ceil(stride[axis])
                    } else {
                        let pad = if *same { 0 } else { pad[axis] };
                        (extent + pad).checked_sub(size[axis])? / stride[axis] + 1
                    };
                }
                next
            }
            (Effect::Flatten, Some(before)) => vec![before.iter().product()],
            (Effect::Keep, Some(before)) => before,
            // What can't be replayed gives what it gave: right as long as it does not depend on the input.
            _ => graph.ty(*node).dims.clone(),
        });
    }
    dims
}

/// One number alone stands without brackets.
fn short(dims: &[usize]) -> String {
    match dims {
        [only] => only.to_string(),
        _ => shape(dims),
    }
}

/// Places in a column of their own.
fn layout(mut lines: Vec<(String, Option<String>, bool)>) -> Vec<String> {
    if lines.len() > MAX_LINES {
        let tail = lines.split_off(lines.len() - (MAX_LINES - 2));
        lines.truncate(1);
        lines.push(("…".into(), None, false));
        lines.extend(tail);
    }
    let width = lines.iter().filter(|line| line.1.is_some()).map(|line| line.0.chars().count()).max().unwrap_or(0);
    lines
        .into_iter()
        .map(|(text, place, _)| match place {
            Some(place) => format!("{text}{}  {place}", " ".repeat(width - text.chars().count())),
            None => text,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_stand_in_one_column_and_long_traces_are_cut_in_the_middle() {
        let line = |text: &str, place: Option<&str>| (text.to_string(), place.map(str::to_string), false);
        let lines = layout(vec![line("x  [4]", None), line("a", Some("m.rs:1")), line("bbb", Some("m.rs:2"))]);
        assert_eq!(lines, ["x  [4]", "a    m.rs:1", "bbb  m.rs:2"]);
        let long = layout((0..30).map(|i| line(&i.to_string(), None)).collect());
        assert_eq!(long.len(), MAX_LINES);
        assert_eq!((long[0].as_str(), long[1].as_str(), long[11].as_str()), ("0", "…", "29"));
    }
}

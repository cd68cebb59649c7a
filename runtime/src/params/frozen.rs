//! Parameters that are not to change for a while.

use std::ops::Range;

use super::{Element, ParamInfo};
use crate::{Error, Result};

/// Which parameters a trainer leaves alone. A step computes their updates as it does all others; what it writes over
/// them and over the optimiser's memory of them is put back, bit for bit.
#[derive(Clone, Debug)]
pub struct Frozen<E> {
    frozen: Vec<bool>,
    ranges: Vec<Range<usize>>,
    kept: Vec<E>,
}

impl<E: Element> Frozen<E> {
    /// Nothing is frozen.
    pub fn new(infos: &[ParamInfo]) -> Self {
        Self { frozen: vec![false; infos.len()], ranges: Vec::new(), kept: Vec::new() }
    }

    /// Freezes the parameters whose names match the pattern, in which `*` stands for any text, or lets them change
    /// again. `state` has slots of `len` elements. Gives back how many names match.
    ///
    /// # Errors
    /// If none does.
    pub fn set(&mut self, infos: &[ParamInfo], len: usize, state: usize, pattern: &str, frozen: bool) -> Result<usize> {
        let mut count = 0;
        for (info, place) in infos.iter().zip(&mut self.frozen) {
            if matches(pattern, info.name) {
                *place = frozen;
                count += 1;
            }
        }
        if count == 0 {
            let known = infos.iter().map(|info| info.name.to_owned()).collect();
            return Err(Error::UnknownParameter { name: pattern.to_owned(), known });
        }
        let chosen = infos.iter().zip(&self.frozen).filter(|(_, frozen)| **frozen).map(|(info, _)| info.range());
        let slots = state.checked_div(len).unwrap_or(0);
        // Block 0 is the parameters themselves, then come the slots.
        self.ranges = chosen
            .flat_map(|range| (0..=slots).map(move |block| block * len + range.start..block * len + range.end))
            .collect();
        self.kept = vec![E::default(); self.ranges.iter().map(Range::len).sum()];
        Ok(count)
    }

    /// Whether each parameter is frozen, in order of declaration.
    pub fn frozen(&self) -> &[bool] {
        &self.frozen
    }

    /// Before a step: copies what is frozen.
    pub fn keep(&mut self, params: &[E], state: &[E]) {
        let mut kept = self.kept.as_mut_slice();
        for range in &self.ranges {
            let source =
                if range.start < params.len() { params.get(range.clone()) } else { state.get(behind(range, params)) };
            let (part, rest) = kept.split_at_mut(range.len());
            if let Some(source) = source {
                part.copy_from_slice(source);
            }
            kept = rest;
        }
    }

    /// After a step: puts it back.
    pub fn put_back(&self, params: &mut [E], state: &mut [E]) {
        let mut kept = self.kept.as_slice();
        for range in &self.ranges {
            let (part, rest) = kept.split_at(range.len());
            let within = behind(range, params);
            let target = if range.start < params.len() { params.get_mut(range.clone()) } else { state.get_mut(within) };
            if let Some(target) = target {
                target.copy_from_slice(part);
            }
            kept = rest;
        }
    }
}

/// The same elements counted from the end of the parameters.
fn behind<E>(range: &Range<usize>, params: &[E]) -> Range<usize> {
    range.start.saturating_sub(params.len())..range.end.saturating_sub(params.len())
}

/// Whether a text is what a pattern says, in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let (middle, tail) = rest.rsplit_once('*').map_or((None, rest), |(middle, tail)| (Some(middle), tail));
    for part in middle.into_iter().flat_map(|middle| middle.split('*')) {
        match text.find(part) {
            Some(place) => text = &text[place + part.len()..],
            None => return false,
        }
    }
    text.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::super::Init;
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("a.weight", "a.weight", true),
            ("a", "a.weight", false),
            ("*", "a.weight", true),
            ("a.*", "a.weight", true),
            ("a.*", "ab.weight", false),
            ("*.bias", "a.0.bias", true),
            ("*.bias", "a.0.weight", false),
            ("a*0*s", "a.0.bias", true),
            ("a*1*s", "a.0.bias", false),
            ("ab*b", "ab", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn what_is_frozen_is_put_back_in_all_slots() {
        let info = |name, offset| ParamInfo { name, shape: &[2], offset, init: Init::Zeros, trainable: true };
        let infos = [info("a.w", 0), info("b.w", 4)];
        let mut frozen = Frozen::<f32>::new(&infos);
        assert_eq!(frozen.set(&infos, 8, 16, "b.*", true).ok(), Some(1));
        assert!(frozen.set(&infos, 8, 16, "c.*", true).is_err());
        assert_eq!(frozen.frozen(), [false, true]);
        let (mut params, mut state) = (vec![1.0; 8], vec![2.0; 16]);
        frozen.keep(&params, &state);
        params.fill(3.0);
        state.fill(4.0);
        frozen.put_back(&mut params, &mut state);
        assert_eq!(params, [3.0, 3.0, 3.0, 3.0, 1.0, 1.0, 3.0, 3.0]);
        assert_eq!(state[..8], [4.0, 4.0, 4.0, 4.0, 2.0, 2.0, 4.0, 4.0]);
        assert_eq!(state[8..], state[..8]);
        assert_eq!(frozen.set(&infos, 8, 16, "*", false).ok(), Some(2));
        assert!(frozen.ranges.is_empty());
    }
}

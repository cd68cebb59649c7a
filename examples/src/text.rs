//! Texts as indices of characters, and windows of them.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::Random;

/// What travels in the binaries, see `examples/data/README.md`.
const SHAKESPEARE: &str = include_str!("../data/shakespeare.txt");

/// The characters of a text, each with an index: they ascend in the order of Unicode.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    known: Vec<char>,
    unknown: Option<u32>,
}

impl Vocabulary {
    /// The characters of a text, at most `capacity` of them. Where it has more, the most frequent ones are taken, and the
    /// last index stands for all others.
    pub fn of(text: &str, capacity: usize) -> Self {
        let mut counts: HashMap<char, usize> = HashMap::new();
        for c in text.chars() {
            *counts.entry(c).or_default() += 1;
        }
        let mut known: Vec<char> = counts.keys().copied().collect();
        let mut unknown = None;
        if known.len() > capacity {
            known.sort_by_key(|c| (std::cmp::Reverse(counts.get(c).copied()), *c));
            known.truncate(capacity.saturating_sub(1));
            unknown = Some(known.len() as u32);
        }
        known.sort_unstable();
        Self { known, unknown }
    }

    /// The known characters in order of their indices.
    pub fn characters(&self) -> &[char] {
        &self.known
    }

    /// The index that stands for all characters that are not known, if there are any.
    pub fn unknown(&self) -> Option<u32> {
        self.unknown
    }

    /// The index of a character.
    ///
    /// # Errors
    /// If it is not known, and no index stands for such.
    pub fn index(&self, c: char) -> Result<u32> {
        match (self.known.binary_search(&c), self.unknown) {
            (Ok(index), _) => Ok(index as u32),
            (Err(_), Some(unknown)) => Ok(unknown),
            (Err(_), None) => bail!("the character {c:?} does not occur in the text"),
        }
    }

    /// The indices of a text's characters.
    ///
    /// # Errors
    /// As [`Vocabulary::index`].
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        text.chars().map(|c| self.index(c)).collect()
    }
}

/// A text to learn: its first nine tenths train, the last tenth validates.
#[derive(Clone, Debug)]
pub struct Text {
    /// Its characters.
    pub vocabulary: Vocabulary,
    /// The indices of the training part.
    pub train: Vec<u32>,
    /// The indices of what is held out.
    pub held_out: Vec<u32>,
}

impl Text {
    /// Reads a file, or without one the text that the binary carries with it. `capacity` bounds the vocabulary.
    ///
    /// # Errors
    /// If the file can't be read or isn't UTF-8, or the text is too short for windows of `steps` characters.
    pub fn read(path: Option<&Path>, capacity: usize, steps: usize) -> Result<Self> {
        let Some(path) = path else { return Self::new(SHAKESPEARE, capacity, steps) };
        let bytes = fs::read(path).with_context(|| format!("can't read {}", path.display()))?;
        let text = String::from_utf8(bytes).with_context(|| format!("{} is not a text in UTF-8", path.display()))?;
        Self::new(&text, capacity, steps).with_context(|| path.display().to_string())
    }

    /// A text of at least `10 * (steps + 1)` characters, so that both parts hold a window.
    ///
    /// # Errors
    /// If it is shorter.
    pub fn new(text: &str, capacity: usize, steps: usize) -> Result<Self> {
        let vocabulary = Vocabulary::of(text, capacity);
        let mut train = vocabulary.encode(text)?;
        let needed = 10 * (steps + 1);
        if train.len() < needed {
            bail!("expected a text of at least {needed} characters, found {}", train.len());
        }
        let held_out = train.split_off(train.len() / 10 * 9);
        Ok(Self { vocabulary, train, held_out })
    }
}

/// Windows of a text, one after another: what a network reads, and at each step the character that comes next.
#[derive(Clone, Debug, Default)]
pub struct Windows {
    /// `steps` characters of each window.
    pub characters: Vec<u32>,
    /// The same, one character further on.
    pub next: Vec<u32>,
}

impl Windows {
    /// Windows of `steps` characters from each start. A window that would reach over the end is left out.
    pub fn at(text: &[u32], steps: usize, starts: impl IntoIterator<Item = usize>) -> Self {
        let mut windows = Self::default();
        for start in starts {
            if let Some((window, [_, next @ ..])) = text.get(start..start + steps).zip(text.get(start..=start + steps))
            {
                windows.characters.extend_from_slice(window);
                windows.next.extend_from_slice(next);
            }
        }
        windows
    }

    /// Windows from random places, each place as likely.
    pub fn random(text: &[u32], steps: usize, rows: usize, random: &mut Random) -> Self {
        let places = text.len().saturating_sub(steps);
        Self::at(text, steps, (0..rows).map(|_| random.below(places)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_characters_share_an_index() -> Result<()> {
        let all = Vocabulary::of("abca", 3);
        assert_eq!((all.characters(), all.unknown()), (&['a', 'b', 'c'][..], None));
        assert_eq!(all.encode("cab")?, [2, 0, 1]);
        let error = all.encode("abd").err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("the character 'd' does not occur in the text"));

        let frequent = Vocabulary::of("zzz äää bcde", 3);
        assert_eq!((frequent.characters(), frequent.unknown()), (&['z', 'ä'][..], Some(2)));
        assert_eq!(frequent.encode("äbz")?, [1, 2, 0]);
        Ok(())
    }

    #[test]
    fn windows_know_what_comes_next() {
        let text: Vec<u32> = (0..10).collect();
        let windows = Windows::at(&text, 3, [0, 6, 7]);
        assert_eq!(windows.characters, [0, 1, 2, 6, 7, 8], "the window from 7 has no next character at its end");
        assert_eq!(windows.next, [1, 2, 3, 7, 8, 9]);
        let windows = Windows::random(&text, 9, 4, &mut Random::new(0));
        assert_eq!(windows.characters.len(), 36, "there is one place");
    }

    #[test]
    fn texts_are_split_or_too_short() -> Result<()> {
        let text = Text::read(None, 65, 64)?;
        assert_eq!(
            (text.train.len() + text.held_out.len(), text.vocabulary.characters().len()),
            (SHAKESPEARE.len(), 61)
        );
        assert!(text.train.len() / 9 <= text.held_out.len());
        let error = Text::new(&"ab".repeat(54), 65, 10).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("expected a text of at least 110 characters, found 108"));
        let text = Text::new(&"ab".repeat(55), 65, 10)?;
        assert_eq!((text.train.len(), text.held_out.len()), (99, 11));
        let error = Text::read(Some(Path::new("not/there.txt")), 65, 64).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("can't read not/there.txt"));
        Ok(())
    }
}

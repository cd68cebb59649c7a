//! Short films of digits that move, made from images of digits.

use anyhow::{Result, ensure};
use kiln::data::Dataset;

use crate::random::Random;

/// Where digits move to, in order of their classes: the pixels down and to the right from a frame to the next.
pub const DIRECTIONS: [(&str, isize, isize); 8] = [
    ("up", -1, 0),
    ("up right", -1, 1),
    ("right", 0, 1),
    ("down right", 1, 1),
    ("down", 1, 0),
    ("down left", 1, -1),
    ("left", 0, -1),
    ("up left", -1, -1),
];

/// Films of `frames` square frames, `side` pixels a side, `[frames, side, side, 1]` each, with the direction as the
/// class: each shows a random digit that moves by a pixel from frame to frame. It starts anywhere, and what leaves at
/// an edge comes in at the opposite one, so that no single frame tells the direction. On it lies normal noise of
/// deviation `noise`.
///
/// # Errors
/// If there are no digits, or they are no square images that fit into a frame.
pub fn moving_digits(
    digits: &Dataset,
    films: usize,
    [frames, side]: [usize; 2],
    noise: f64,
    seed: u64,
) -> Result<Dataset> {
    let digit = digits.features().isqrt();
    ensure!(digits.rows() > 0, "there are no digits");
    ensure!(digit * digit == digits.features(), "images of {} pixels are not square", digits.features());
    ensure!(digit <= side, "digits of {digit}×{digit} pixels do not fit into frames of {side}×{side}");
    let mut random = Random::new(seed);
    let mut x = Vec::with_capacity(films * frames * side * side);
    let mut labels = Vec::with_capacity(films);
    for _ in 0..films {
        let first = random.below(digits.rows()) * digits.features();
        let class = random.below(DIRECTIONS.len());
        let (_, down, right) = DIRECTIONS[class];
        let [mut top, mut left] = [random.below(side), random.below(side)];
        for _ in 0..frames {
            let start = x.len();
            x.extend((0..side * side).map(|_| (noise * random.normal()) as f32));
            for (row, line) in digits.x()[first..][..digits.features()].chunks(digit).enumerate() {
                let y = start + (top + row) % side * side;
                line.iter().enumerate().for_each(|(column, value)| x[y + (left + column) % side] += value);
            }
            top = top.wrapping_add_signed(down + side as isize) % side;
            left = left.wrapping_add_signed(right + side as isize) % side;
        }
        labels.push(class as u32);
    }
    Ok(Dataset::new(frames * side * side, x, labels)?)
}

/// Images of half the height and width: means of 2×2 pixels.
///
/// # Errors
/// If the images are not square with an even side.
pub fn halved(images: &Dataset) -> Result<Dataset> {
    let side = images.features().isqrt();
    ensure!(side * side == images.features() && side.is_multiple_of(2), "images have {} pixels", images.features());
    let pairs = images.x().chunks(2 * side).flat_map(|two| {
        let (above, below) = two.split_at(side);
        above.chunks(2).zip(below.chunks(2)).map(|(a, b)| a.iter().chain(b).sum::<f32>() / 4.0)
    });
    Ok(Dataset::new(images.features() / 4, pairs.collect(), images.labels().to_vec())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digit() -> Dataset {
        Dataset::new(4, vec![1.0, 2.0, 3.0, 4.0], vec![0]).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn they_move_as_labelled() {
        let films = moving_digits(&digit(), 200, [3, 5], 0.0, 7).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((films.rows(), films.features()), (200, 3 * 25));
        for (film, &class) in films.x().chunks(75).zip(films.labels()) {
            let places: Vec<usize> =
                film.chunks(25).filter_map(|frame| frame.iter().position(|&pixel| pixel == 1.0)).collect();
            assert_eq!(places.len(), 3, "every frame shows the digit");
            let (_, down, right) = DIRECTIONS[class as usize];
            for pair in places.windows(2) {
                let moved = |from: usize, by: isize| (from as isize + by).rem_euclid(5) as usize;
                assert_eq!(pair[1], moved(pair[0] / 5, down) * 5 + moved(pair[0] % 5, right));
            }
            film.chunks(25).for_each(|frame| assert_eq!(frame.iter().sum::<f32>(), 10.0));
        }
        assert!((0..8).all(|class| films.labels().contains(&class)));
        let again = moving_digits(&digit(), 200, [3, 5], 0.0, 7).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(films, again, "a seed decides everything");
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let error = moving_digits(&digit(), 1, [3, 1], 0.0, 7).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("digits of 2×2 pixels do not fit into frames of 1×1"));
    }

    #[test]
    fn halves_are_means() {
        let images = Dataset::new(16, (0..16).map(|i| i as f32).collect(), vec![3]);
        let half = images.map_err(Into::into).and_then(|images| halved(&images));
        let half = half.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(half.x(), [2.5, 4.5, 10.5, 12.5]);
        assert_eq!(half.labels(), [3]);
    }
}

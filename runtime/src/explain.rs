//! Heat maps: attributions over the image that they explain, as PNG.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use ndarray::ArrayView2;

use crate::{Error, Result};

/// Writes an attribution over a grey image with values from 0 to 1: red where it is above 0, blue where it is below,
/// the stronger the larger. A smaller map (Grad-CAM's) is stretched to the image, bilinearly, half-pixel centres.
///
/// # Errors
/// If one of them has no cells, or the file can't be written.
pub fn write_heat_map(path: impl AsRef<Path>, image: ArrayView2<'_, f32>, map: ArrayView2<'_, f32>) -> Result<()> {
    let pixels = heat_map(image, map)?;
    let (height, width) = image.dim();
    write(path.as_ref(), [width, height], &pixels).map_err(|error| Error::Io(error).in_file(path))
}

/// The pixels of [`write_heat_map`]: red, green, blue, row by row.
///
/// # Errors
/// If one of them has no cells.
pub fn heat_map(image: ArrayView2<'_, f32>, map: ArrayView2<'_, f32>) -> Result<Vec<u8>> {
    if image.is_empty() || map.is_empty() {
        return Err(Error::argument("map", "an image and a map with cells", "none"));
    }
    let largest = map.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    let scale = if largest > 0.0 { 1.0 / largest } else { 0.0 };
    let mut pixels = Vec::with_capacity(3 * image.len());
    for ((y, x), &grey) in image.indexed_iter() {
        let value = scale * sample(map, image.dim(), (y, x));
        let strength = value.abs().min(1.0);
        let colour = if value > 0.0 { [1.0, 0.0, 0.0] } else { [0.0, 0.0, 1.0] };
        // Half of the image's contrast is left beneath. The cast saturates.
        pixels.extend(colour.map(|c| (255.0 * (0.5 * grey * (1.0 - strength) + c * strength)).round() as u8));
    }
    Ok(pixels)
}

/// The map's value at a pixel of an image of another size.
fn sample(map: ArrayView2<'_, f32>, (height, width): (usize, usize), (y, x): (usize, usize)) -> f32 {
    let at = |place: usize, pixels: usize, cells: usize| {
        let centre = (place as f32 + 0.5) * cells as f32 / pixels as f32 - 0.5;
        let centre = centre.clamp(0.0, (cells - 1) as f32);
        let low = centre.floor() as usize;
        (low, (low + 1).min(cells - 1), centre - low as f32)
    };
    let (rows, cols) = map.dim();
    let ((top, bottom, down), (left, right, across)) = (at(y, height, rows), at(x, width, cols));
    let line = |row: usize| map[[row, left]] * (1.0 - across) + map[[row, right]] * across;
    line(top) * (1.0 - down) + line(bottom) * down
}

fn write(path: &Path, [width, height]: [usize; 2], pixels: &[u8]) -> io::Result<()> {
    let side = |side: usize| u32::try_from(side).map_err(io::Error::other);
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), side(width)?, side(height)?);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    Ok(writer.finish()?)
}

#[cfg(test)]
mod tests {
    use ndarray::arr2;

    use super::*;

    #[test]
    fn signs_have_colours_and_small_maps_are_stretched() {
        let image = arr2(&[[0.0, 1.0], [0.0, 0.0]]);
        let map = arr2(&[[2.0, 0.0], [-2.0, 0.0]]);
        let pixels = heat_map(image.view(), map.view()).unwrap_or_default();
        assert_eq!(pixels, [255, 0, 0, 128, 128, 128, 0, 0, 255, 0, 0, 0]);
        let one = heat_map(image.view(), arr2(&[[1.0]]).view()).unwrap_or_default();
        assert_eq!(one, [255, 0, 0].repeat(4));
        assert!(heat_map(image.view(), ndarray::Array2::zeros((0, 3)).view()).is_err());
    }
}

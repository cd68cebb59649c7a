//! Square images side by side in one array.

use anyhow::{Result, ensure};
use kiln::ndarray::Array2;

/// Pixels between two images, and around them.
const GAP: usize = 4;

/// Rows of square images, `size` pixels a side, each pixel enlarged to `scale` × `scale`; `between` fills the gaps.
///
/// # Errors
/// If a row is no whole number of images.
pub fn sheet(size: usize, scale: usize, between: f32, rows: &[&[f32]]) -> Result<Array2<f32>> {
    let image = size * size;
    ensure!(image > 0 && rows.iter().all(|row| row.len().is_multiple_of(image)), "images are {size}×{size} pixels");
    let columns = rows.iter().map(|row| row.len() / image).max().unwrap_or(0);
    let cell = size * scale + GAP;
    let side = |images: usize| images * cell + GAP;
    // The place of a pixel in its cell, `None` in the gap before the image.
    let place = |at: usize| (at % cell).checked_sub(GAP).map(|inside| inside / scale);
    Ok(Array2::from_shape_fn((side(rows.len()), side(columns)), |(y, x)| {
        let (Some(line), Some(column)) = (place(y), place(x)) else { return between };
        let pixel = x / cell * image + line * size + column;
        rows.get(y / cell).and_then(|row| row.get(pixel)).copied().unwrap_or(between)
    }))
}

#[cfg(test)]
mod tests {
    use kiln::ndarray::s;

    use super::*;

    #[test]
    fn images_are_enlarged_in_their_places() {
        let (first, second) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], [9.0; 4]);
        let sheet = sheet(2, 2, 0.5, &[&first, &second]).unwrap_or_default();
        assert_eq!(sheet.dim(), (20, 20));
        let line = |y: usize| sheet.slice(s![y, 2..]).to_vec();
        let gap = [0.5; 4];
        let expected = |values: [f32; 8]| [&gap[..2], &values[..4], &gap, &values[4..], &gap].concat();
        assert_eq!(line(5), expected([1.0, 1.0, 2.0, 2.0, 5.0, 5.0, 6.0, 6.0]));
        assert_eq!(line(7), expected([3.0, 3.0, 4.0, 4.0, 7.0, 7.0, 8.0, 8.0]));
        assert_eq!(line(12), expected([9.0, 9.0, 9.0, 9.0, 0.5, 0.5, 0.5, 0.5]));
        assert_eq!(line(8), [0.5; 18]);
        assert!(super::sheet(2, 2, 0.5, &[&[0.0; 5]]).is_err());
    }
}

//! Grey images side by side in a PNG file.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// Pixels between two images, and around them.
const GAP: usize = 2;

/// Writes rows of square images, `size` pixels a side with values between 0 and 1, each row under the one before.
///
/// # Errors
/// If a row is no whole number of images or they can't be written; names the file.
pub fn write_png(path: &Path, size: usize, rows: &[&[f32]]) -> Result<()> {
    let image = size * size;
    ensure!(image > 0 && rows.iter().all(|row| row.len().is_multiple_of(image)), "images are {size}×{size} pixels");
    let columns = rows.iter().map(|row| row.len() / image).max().unwrap_or(0);
    let side = |images: usize| images * (size + GAP) + GAP;
    let (width, height) = (side(columns), side(rows.len()));
    let mut pixels = vec![64_u8; width * height];
    for (down, row) in rows.iter().enumerate() {
        for (across, image) in row.chunks(image).enumerate() {
            for (y, line) in image.chunks(size).enumerate() {
                let start = (side(down) + y) * width + side(across);
                for (pixel, &value) in pixels[start..].iter_mut().zip(line) {
                    // The cast saturates.
                    *pixel = (value * 255.0).round() as u8;
                }
            }
        }
    }
    write(path, [width, height], &pixels).with_context(|| path.display().to_string())
}

fn write(path: &Path, [width, height]: [usize; 2], pixels: &[u8]) -> Result<()> {
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), width.try_into()?, height.try_into()?);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    // Here, where an error can still be reported.
    Ok(writer.finish()?)
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn read(path: &Path) -> Result<(u32, u32, Vec<u8>)> {
        let mut reader = png::Decoder::new(BufReader::new(File::open(path)?)).read_info()?;
        let mut pixels = vec![0; reader.output_buffer_size().context("too large")?];
        let info = reader.next_frame(&mut pixels)?;
        Ok((info.width, info.height, pixels))
    }

    #[test]
    fn rows_lie_under_each_other() {
        let path = std::env::temp_dir().join(format!("kiln-picture-{}.png", std::process::id()));
        let first = [0.0, 1.0, 2.0, -1.0, 0.2, 0.2, 0.2, 0.2];
        let result = write_png(&path, 2, &[&first, &[0.4; 8]]).and_then(|()| read(&path));
        let _ = std::fs::remove_file(&path);
        let (width, height, pixels) = result.unwrap_or_else(|error| panic!("{error:#}"));
        assert_eq!((width, height), (10, 10));
        let line = |y: usize| &pixels[y * 10..][..10];
        assert_eq!(line(1), [64; 10]);
        assert_eq!(line(2), [64, 64, 0, 255, 64, 64, 51, 51, 64, 64]);
        assert_eq!(line(3), [64, 64, 255, 0, 64, 64, 51, 51, 64, 64]);
        assert_eq!(line(6), [64, 64, 102, 102, 64, 64, 102, 102, 64, 64]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = write_png(Path::new("no/such/directory/a.png"), 2, &[&[0.0; 4]]).err();
        let text = error.map(|error| format!("{error:#}")).unwrap_or_default();
        assert!(text.starts_with("no/such/directory/a.png: "), "{text}");
        assert!(write_png(Path::new("a.png"), 2, &[&[0.0; 5]]).is_err());
    }
}

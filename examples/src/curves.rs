//! Curves of training as an SVG file.

use std::path::Path;

use anyhow::{Context, Result};
use plotters::prelude::*;

/// A chart of the picture: lines with their names, a value for each epoch.
#[derive(Clone, Debug)]
pub struct Chart {
    /// Stands above it.
    pub title: String,
    /// What it shows, at most as many as there are colours.
    pub lines: Vec<(&'static str, Vec<f64>)>,
}

/// A chart's width and height.
const SIZE: (u32, u32) = (420, 300);
/// Okabe and Ito's colours, which the colour-blind can tell apart.
const COLOURS: [RGBColor; 4] = [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115), RGBColor(0, 0, 0)];

/// Writes charts in two columns, all with the same axes: epochs from 1, values from 0 to `top`; what is above is drawn at
/// the edge.
///
/// # Errors
/// If the file can't be written; names it.
pub fn write_curves(path: &Path, values: &str, top: f64, charts: &[Chart]) -> Result<()> {
    let drawn = draw(values, top, charts).map_err(|error| anyhow::anyhow!("{error}"));
    drawn.and_then(|text| Ok(std::fs::write(path, text)?)).with_context(|| path.display().to_string())
}

fn draw(values: &str, top: f64, charts: &[Chart]) -> Result<String, Box<dyn std::error::Error>> {
    let rows = charts.len().div_ceil(2).max(1);
    let epochs = charts.iter().flat_map(|chart| &chart.lines).map(|(_, line)| line.len()).max().unwrap_or(0).max(2);
    let mut text = String::new();
    {
        let all = SVGBackend::with_string(&mut text, (2 * SIZE.0, u32::try_from(rows)? * SIZE.1)).into_drawing_area();
        all.fill(&WHITE)?;
        for (area, Chart { title, lines }) in all.split_evenly((rows, 2)).iter().zip(charts) {
            let mut chart = ChartBuilder::on(area)
                .caption(title, ("sans-serif", 16))
                .margin(10)
                .x_label_area_size(34)
                .y_label_area_size(44)
                .build_cartesian_2d(1.0..epochs as f64, 0.0..top)?;
            let mesh = &mut chart.configure_mesh();
            mesh.light_line_style(TRANSPARENT).x_label_formatter(&|x| format!("{x:.0}"));
            mesh.x_desc("epoch").y_desc(values).draw()?;
            for ((name, line), colour) in lines.iter().zip(COLOURS) {
                let points = line.iter().enumerate().map(|(at, value)| ((at + 1) as f64, value.min(top)));
                chart
                    .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
                    .label(*name)
                    .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
            }
            chart.configure_series_labels().background_style(WHITE).border_style(BLACK).draw()?;
        }
        all.present()?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_there() {
        let chart = |title: &str| Chart {
            title: title.to_owned(),
            lines: vec![("training", vec![2.0, 1.0, 0.5]), ("validation", vec![2.1, 1.4])],
        };
        let text = draw("loss", 2.0, &[chart("without"), chart("with"), chart("third")]).unwrap_or_default();
        assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"), "{text}");
        for words in ["without", "with", "third", "training", "validation", "epoch", "loss"] {
            assert!(text.contains(&format!("\n{words}\n")), "{words}: {text}");
        }
        assert!(draw("loss", 1.0, &[]).is_ok());
        let error = write_curves(Path::new("no/such/directory/a.svg"), "loss", 1.0, &[]).err();
        let text = error.map(|error| format!("{error:#}")).unwrap_or_default();
        assert!(text.starts_with("no/such/directory/a.svg: "), "{text}");
    }
}

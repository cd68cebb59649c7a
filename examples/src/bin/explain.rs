//! Trains a convolutional network on embedded digits and draws what its decisions come from.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use kiln::data::Dataset;
use kiln::explain::write_heat_map;
use kiln::network;
use kiln::train::Accuracy;
use kiln_examples::{Training, digits, fit, labelled, prepared, sheet};

network! {
    /// Two convolutions and a hidden layer, with five explanations of the true digit's score.
    pub Explained<batch = 32> {
        let image = input([8, 8, 1]);
        let digit = class(10);

        let features = image
            .conv2d(16, kernel = 3, pad = same).relu()
            .conv2d(32, kernel = 3, pad = same).relu();
        let hidden = features.max_pool2d(2).flatten().dropout(0.3).dense(64).relu();
        let logits = hidden.dense(10);

        output(softmax(logits), logits);
        loss(cross_entropy(logits, digit));
        optimizer(adam(lr = 1e-3));

        explain(saliency, of = logits, wrt = image, class = digit);
        explain(input_x_gradient, of = logits, wrt = image, class = digit);
        explain(smooth_grad, of = logits, wrt = image, class = digit, samples = 32);
        explain(integrated_gradients, of = logits, wrt = image, class = digit, steps = 128);
        explain(grad_cam, of = logits, layer = features, class = digit);
    }
}

/// Train a convolutional network on the UCI digits and draw which pixels its decisions come from
#[derive(Parser)]
#[command(version)]
struct Options {
    /// The picture to write: test images over what each explanation says about them
    #[arg(long, value_name = "FILE", default_value = "explain.png")]
    out: PathBuf,
    #[command(flatten)]
    training: Training<30, { Explained::BATCH }>,
}

/// Pixels of an image and of every map over it.
const PIXELS: usize = 64;
/// Images across the picture, and how many times their pixels are enlarged.
const SHOWN: usize = 10;
const SCALE: usize = 12;
/// Pixels that are blanked to see whether they mattered.
const BLANKED: usize = 8;

/// A map for each row of a data set.
struct Maps {
    name: &'static str,
    values: Vec<f32>,
}

/// What every explanation says about all images; the pixels' brightness is there to compare with.
fn explain(predictor: &mut ExplainedPredictor, data: &Dataset) -> kiln::Result<[Maps; 6]> {
    let names = ["brightness", "saliency", "input x gradient", "SmoothGrad", "integrated gradients", "Grad-CAM"];
    let mut all = names.map(|name| Maps { name, values: Vec::with_capacity(data.x().len()) });
    let [brightness, saliency, product, smooth, integrated, cam] = &mut all;
    brightness.values.extend(data.x());
    for batch in data.batches(Explained::BATCH) {
        saliency.values.extend(predictor.saliency(batch.x, batch.labels)?);
        product.values.extend(predictor.input_x_gradient(batch.x, batch.labels)?);
        smooth.values.extend(predictor.smooth_grad(batch.x, batch.labels)?);
        integrated.values.extend(predictor.integrated_gradients(batch.x, batch.labels)?);
        cam.values.extend(predictor.grad_cam(batch.x, batch.labels)?);
    }
    Ok(all)
}

/// Each row's score of its digit, the network's logit.
fn scores(predictor: &mut ExplainedPredictor, data: &Dataset) -> kiln::Result<Vec<f32>> {
    let mut scores = Vec::with_capacity(data.rows());
    for batch in data.batches(Explained::BATCH) {
        let output = predictor.run(batch.x)?;
        scores.extend(output.logits.outer_iter().zip(batch.labels).map(|(row, &digit)| row[digit as usize]));
    }
    Ok(scores)
}

/// How far the sums of the integrated gradients are from what they must sum to, the rise of the score from a black image:
/// the mean of both, and the share of rows that are less than 1 % off.
fn completeness(predictor: &mut ExplainedPredictor, data: &Dataset, maps: &Maps) -> anyhow::Result<[f64; 3]> {
    let black = Dataset::new(PIXELS, vec![0.0; data.x().len()], data.labels().to_vec())?;
    let (before, after) = (scores(predictor, &black)?, scores(predictor, data)?);
    let (mut rise, mut error, mut close) = (0.0, 0.0, 0.0);
    for ((map, before), after) in maps.values.chunks(PIXELS).zip(before).zip(after) {
        let expected = f64::from(after - before);
        let off = (map.iter().copied().map(f64::from).sum::<f64>() - expected).abs();
        rise += expected.abs();
        error += off;
        close += f64::from(u8::from(off <= 0.01 * expected.abs()));
    }
    let rows = data.rows() as f64;
    Ok([rise / rows, error / rows, close / rows])
}

/// The mean score when the pixels that a map ranks highest are blanked.
fn blanked(predictor: &mut ExplainedPredictor, data: &Dataset, maps: &Maps) -> anyhow::Result<f64> {
    let mut x = data.x().to_vec();
    for (image, map) in x.chunks_mut(PIXELS).zip(maps.values.chunks(PIXELS)) {
        let mut order: Vec<usize> = (0..PIXELS).collect();
        order.sort_by(|&a, &b| map[b].total_cmp(&map[a]));
        order[..BLANKED].iter().for_each(|&pixel| image[pixel] = 0.0);
    }
    mean_score(predictor, &Dataset::new(PIXELS, x, data.labels().to_vec())?)
}

fn mean_score(predictor: &mut ExplainedPredictor, data: &Dataset) -> anyhow::Result<f64> {
    let scores = scores(predictor, data)?;
    Ok(scores.iter().copied().map(f64::from).sum::<f64>() / scores.len() as f64)
}

/// The first images as they are, and below them each explanation, every map on a scale of its own.
fn draw(out: &PathBuf, data: &Dataset, maps: &[Maps]) -> anyhow::Result<()> {
    let shown = SHOWN * PIXELS;
    let images = &data.x()[..shown];
    let mut over = vec![vec![0.0; shown]];
    for maps in maps {
        let mut row = maps.values[..shown].to_vec();
        for map in row.chunks_mut(PIXELS) {
            let largest = map.iter().fold(f32::MIN_POSITIVE, |largest, value| largest.max(value.abs()));
            map.iter_mut().for_each(|value| *value /= largest);
        }
        over.push(row);
    }
    let below = vec![images; over.len()];
    let over: Vec<&[f32]> = over.iter().map(Vec::as_slice).collect();
    write_heat_map(out, sheet(8, SCALE, 0.25, &below)?.view(), sheet(8, SCALE, 0.0, &over)?.view())?;
    Ok(())
}

fn train(Options { out, training }: Options) -> anyhow::Result<()> {
    let (train, test) = digits()?;
    let mut trainer = prepared!(training, Explained);
    let [train_data, test_data] = [&train, &test].map(|data| labelled(data, "image", "digit"));
    let result = fit(&training, &mut trainer, &train_data, &test_data, Some(Accuracy::new()))?;
    if let Some(path) = &training.save {
        trainer.model().save(path)?;
    }

    let mut predictor = trainer.model().predictor();
    predictor.set_threads(training.threads)?;
    let maps = explain(&mut predictor, &test)?;
    let [brightness, .., integrated, _] = &maps;
    println!("mean score of the true digit: {:.2}", mean_score(&mut predictor, &test)?);
    for maps in std::iter::once(brightness).chain(&maps[1..]) {
        let score = blanked(&mut predictor, &test, maps)?;
        println!("  {score:>6.2} without the {BLANKED} pixels of highest {}", maps.name);
    }
    let [rise, error, close] = completeness(&mut predictor, &test, integrated)?;
    println!(
        "integrated gradients: scores rise by {rise:.3} from black, sums are off by {error:.4} ({:.2} %), {:.1} % of rows \
         by less than 1 %",
        100.0 * error / rise,
        100.0 * close
    );
    draw(&out, &test, &maps[1..])?;
    println!(
        "images, then {}: {}",
        maps[1..].iter().map(|maps| maps.name).collect::<Vec<_>>().join(", "),
        out.display()
    );
    println!("{result}");
    Ok(())
}

fn main() -> ExitCode {
    kiln_examples::run(train)
}

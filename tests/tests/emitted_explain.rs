//! Emitted explanations: against differences of the outputs, and against each other.

use kiln::network;

network! {
    /// A small convolutional network with every kind of explanation.
    Explained<batch = 3, dtype = f64> {
        let image = input([6, 5, 2]);
        let digit = class(4);
        let features = image.conv2d(3, kernel = 3).tanh();
        let hidden = features.flatten().dense(8).silu();
        let logits = hidden.dense(4);
        output(logits);
        loss(cross_entropy(logits, digit));
        optimizer(sgd(lr = 0.1));
        explain(saliency, of = logits, wrt = image);
        explain(input_x_gradient, of = logits, wrt = image, class = digit);
        explain(smooth_grad, of = logits, wrt = image, class = 2, samples = 64, noise = 0.02);
        explain(integrated_gradients, of = logits, wrt = image, class = digit, steps = 64, baseline = 0.25, name = why);
        explain(grad_cam, of = logits, layer = features, class = digit, name = "where_to_look");
    }
}

const ELEMENTS: usize = 6 * 5 * 2;

fn images(rows: usize) -> Vec<f64> {
    (0..rows * ELEMENTS).map(|i| ((i * 37 % 101) as f64 / 101.0 - 0.3) * 1.5).collect()
}

/// The logits of each row.
fn logits(predictor: &mut ExplainedPredictor, images: &[f64]) -> Vec<[f64; 4]> {
    let logits = predictor.run(images).expect("good data");
    logits.outer_iter().map(|row| [row[0], row[1], row[2], row[3]]).collect()
}

/// The gradient of a class's logit by each element of one image, by central differences.
fn differences(predictor: &mut ExplainedPredictor, image: &[f64], class: usize) -> Vec<f64> {
    let mut near = image.to_vec();
    let step = 1e-5;
    (0..image.len())
        .map(|place| {
            let mut at = |value: f64| {
                near[place] = value;
                logits(predictor, &near)[0][class]
            };
            let slope = (at(image[place] + step) - at(image[place] - step)) / (2.0 * step);
            near[place] = image[place];
            slope
        })
        .collect()
}

fn close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= tolerance * (1.0 + expected.abs()), "{what} {place}: {found}, {expected}");
    }
}

#[test]
fn gradients_are_those_of_the_chosen_score() {
    let mut predictor = Explained::new(3).predictor();
    let images = images(3);
    let scores = logits(&mut predictor, &images);
    let largest: Vec<usize> =
        scores.iter().map(|row| (0..4).max_by(|&a, &b| row[a].total_cmp(&row[b])).expect("four classes")).collect();
    let digits = [2u32, 0, 3];
    let saliency: Vec<f64> = predictor.saliency(&images).expect("good data").iter().copied().collect();
    let product: Vec<f64> = predictor.input_x_gradient(&images, &digits).expect("good data").iter().copied().collect();
    let smooth: Vec<f64> = predictor.smooth_grad(&images).expect("good data").iter().copied().collect();
    for row in 0..3 {
        let part = row * ELEMENTS..(row + 1) * ELEMENTS;
        let image = &images[part.clone()];
        let slopes = differences(&mut predictor, image, largest[row]);
        let magnitudes: Vec<f64> = slopes.iter().map(|slope| slope.abs()).collect();
        close(&saliency[part.clone()], &magnitudes, 1e-7, "saliency");
        let slopes = differences(&mut predictor, image, digits[row] as usize);
        let products: Vec<f64> = slopes.iter().zip(image).map(|(slope, x)| slope * x).collect();
        close(&product[part.clone()], &products, 1e-7, "input x gradient");
        // Little noise: nearly the gradient itself.
        let slopes = differences(&mut predictor, image, 2);
        close(&smooth[part.clone()], &slopes, 0.05, "smooth gradient");
        assert_ne!(smooth[part.start], slopes[0]);
    }
}

#[test]
fn integrated_gradients_sum_to_the_difference_of_the_outputs() {
    let mut predictor = Explained::new(5).predictor();
    let (images, digits) = (images(3), [1u32, 3, 0]);
    let baseline = logits(&mut predictor, &[0.25; ELEMENTS])[0];
    let scores = logits(&mut predictor, &images);
    let attributions = predictor.why(&images, &digits).expect("good data").to_owned();
    for (row, attribution) in attributions.outer_iter().enumerate() {
        let class = digits[row] as usize;
        let difference = scores[row][class] - baseline[class];
        let sum = attribution.sum();
        assert!((sum - difference).abs() <= 0.01 * difference.abs(), "row {row}: {sum} is not {difference}");
    }
    // Fewer rows, and into a buffer: the same.
    let mut buffer = vec![0.0; ELEMENTS];
    assert_eq!(predictor.why_into(&images[..ELEMENTS], &digits[..1], &mut buffer).expect("good data"), 1);
    close(&buffer, &attributions.as_slice().expect("in order")[..ELEMENTS], 1e-12, "one row");
}

#[test]
fn grad_cam_is_a_map_of_places() {
    let mut predictor = Explained::new(7).predictor();
    let map = predictor.where_to_look(&images(2), &[1u32, 2]).expect("good data");
    assert_eq!(map.shape(), [2, 4, 3]);
    assert!(map.iter().all(|&value| value >= 0.0));
    assert!(map.iter().any(|&value| value > 0.0));
}

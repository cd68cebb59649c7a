//! Training for any network: Keras's `fit`, `evaluate` and `predict`.
//!
//! [`Fit`] trains a generated trainer on a [`Data`] set and gives back a [`History`]; [`evaluate`] and [`predict`] run
//! over whole data sets. Metrics, schedules and callbacks have Keras's definitions and defaults unless they say
//! otherwise.
//!
//! ```
//! use kiln::train::{Accuracy, Data, EarlyStopping, Fit, evaluate, predict};
//!
//! kiln::network! {
//!     Sides<batch = 8> {
//!         let x = input([2]);
//!         let side = class(2);
//!         let logits = x.dense(2);
//!         output(softmax(logits));
//!         loss(cross_entropy(logits, side));
//!         optimizer(adam(lr = 0.1));
//!     }
//! }
//!
//! fn main() -> kiln::Result<()> {
//!     let x: Vec<f32> = (0..200).map(|i| (i as f32 * 0.7).sin()).collect();
//!     let side: Vec<u32> = x.chunks(2).map(|x| u32::from(x[0] > x[1])).collect();
//!     let data = Data::new().with("x", &x).with("side", &side);
//!
//!     let mut trainer = Sides::new(1).trainer();
//!     let history = Fit::new()
//!         .epochs(20)
//!         .batch(8)
//!         .validation_split(0.2)
//!         .metric(Accuracy::new())
//!         .callback(EarlyStopping::new("val_loss").patience(3))
//!         .quiet()
//!         .run(&mut trainer, &data)?;
//!     assert!(history.last("val_accuracy") > Some(0.9));
//!
//!     let mut predictor = trainer.model().predictor();
//!     let logs = evaluate(&mut predictor, &data, &mut [Box::new(Accuracy::new())])?;
//!     assert!(logs.get("accuracy") > Some(0.9));
//!     let probabilities = predict(&mut predictor, &Data::new().with("x", &x))?;
//!     assert_eq!(probabilities[0].shape(), [100, 2]);
//!     Ok(())
//! }
//! ```

mod callback;
mod callbacks;
#[cfg(feature = "safetensors")]
mod checkpoint;
mod confusion;
mod curve;
mod data;
mod evaluate;
mod fit;
mod history;
mod metric;
mod network;
mod plateau;
mod progress;
mod sampling;
mod schedule;
mod state;
mod training;
mod weights;

pub use callback::{Callback, Context, Position};
pub use callbacks::{CsvLog, LearningRate, TerminateOnNan};
#[cfg(feature = "safetensors")]
pub use checkpoint::{Checkpoint, load_checkpoint, save_checkpoint};
pub use confusion::{Average, Confusion, FromConfusion};
pub use curve::{R2, RocAuc, r2, roc_auc};
pub use data::{Columns, Data, IntoColumn};
pub use evaluate::{evaluate, predict};
pub use fit::Fit;
pub use history::{Epoch, History, Logs};
pub use metric::{Accuracy, BinaryAccuracy, MeanAbsoluteError, MeanSquaredError, Metric, Perplexity, Targets, TopK};
pub use network::{
    Column, Evaluator, InputInfo, InputKind, OutputInfo, Outputs, Predictor, Scalar, Trainer, column, numbers,
};
pub use plateau::{EarlyStopping, Mode, ReduceOnPlateau};
pub use sampling::{balanced_class_weights, weights_of_rows};
pub use schedule::Schedule;

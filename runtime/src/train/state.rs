//! The part of [`Trainer`](super::Trainer) that is the same for every generated type.

/// The methods that only hand on fields of the generated trainer.
#[doc(hidden)]
#[macro_export]
macro_rules! trainer_state {
    ($predictor:ident) => {
        fn evaluator(&self) -> $predictor {
            let mut predictor = self.model.predictor();
            // As many threads as the trainer has are not 0.
            let _ = predictor.set_threads(self.threads());
            predictor.set_isa(self.engine.isa());
            predictor
        }

        fn params(&self) -> &$crate::Params<Self::Float> {
            &self.model.params
        }

        fn params_mut(&mut self) -> &mut $crate::Params<Self::Float> {
            &mut self.model.params
        }

        fn optimizer_state(&self) -> &[Self::Float] {
            &self.state
        }

        fn optimizer_state_mut(&mut self) -> &mut [Self::Float] {
            &mut self.state
        }

        fn rate(&self) -> f64 {
            self.learning_rate
        }

        fn set_rate(&mut self, rate: f64) {
            self.learning_rate = rate;
        }

        fn counters(&self) -> (u64, u64) {
            (self.steps, self.seed)
        }

        fn set_counters(&mut self, steps: u64, seed: u64) {
            self.steps = steps;
            self.seed = seed;
        }
    };
}

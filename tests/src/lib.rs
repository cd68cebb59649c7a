//! What the tests of kiln as a whole share: networks that are compiled into the tests by `network!`, held against
//! the reference interpreter, which runs the same tokens in f64.

pub mod check;
pub mod emitted;
pub mod golden;
pub mod oracle;

pub use check::{Data, Outcome, Question, check};

/// Compiles a network with `network!` and holds its training steps and its inference against the reference.
///
/// `against_reference! { Mlp(x: float, y: index) run(x) as f32, pub Mlp<batch = 4> { … } }`: the inputs in order of
/// declaration (a `float` of the network's element type, or an `index`), and those that `run` takes. Behind `run(x)`
/// may stand `-> (a, b)`, the names of several outputs, and then `method encode(x: float)` for each method.
/// `inference Mlp(x: float) …` is a network without a loss.
#[macro_export]
macro_rules! against_reference {
    (
        $name:ident($($input:ident: $kind:ident),*) run($($used:ident),*) $(-> $outputs:tt)?
        $(method $method:ident($($cut:ident: $cut_kind:ident),*))* as $float:ident, $($tokens:tt)*
    ) => {{
        ::kiln::network! { $($tokens)* }
        $crate::check::check::<$float>(
            stringify!($($tokens)*),
            $name::BATCH,
            &[$(stringify!($method)),*],
            &mut |question| {
                let mut outcome = $crate::Outcome::default();
                $crate::bind!(question.data => $float, $($input: $kind),*);
                let model = $name::new(7);
                outcome.before = $crate::check::parameters(model.parameters());
                let mut trainer = model.trainer();
                trainer.set_isa(question.isa);
                trainer.set_threads(question.threads).expect("some threads");
                trainer.set_seed(5);
                for _ in 0..question.steps {
                    let step = trainer.step($(&$input),*).expect("good data");
                    outcome.losses.push(f64::from(step.loss));
                    outcome.trained_output = $crate::collect!(step.output $(=> $outputs)?);
                }
                outcome.after = $crate::check::parameters(trainer.model().parameters());
                let mut predictor = trainer.model().predictor();
                predictor.set_isa(question.isa);
                predictor.set_threads(question.threads).expect("some threads");
                outcome.held_out.push(f64::from(predictor.loss($(&$input),*).expect("good data")));
                let output = predictor.run($(&$used),*).expect("good data");
                outcome.output = $crate::collect!(output $(=> $outputs)?);
                $crate::methods!(question, outcome, predictor, $float, $($method($($cut: $cut_kind),*))*);
                outcome
            },
        );
    }};
    (
        inference $name:ident($($input:ident: $kind:ident),*) run($($used:ident),*) $(-> $outputs:tt)?
        $(method $method:ident($($cut:ident: $cut_kind:ident),*))* as $float:ident, $($tokens:tt)*
    ) => {{
        ::kiln::network! { $($tokens)* }
        $crate::check::check::<$float>(
            stringify!($($tokens)*),
            $name::BATCH,
            &[$(stringify!($method)),*],
            &mut |question| {
                let mut outcome = $crate::Outcome::default();
                $crate::bind!(question.data => $float, $($input: $kind),*);
                let model = $name::new(7);
                outcome.before = $crate::check::parameters(model.parameters());
                outcome.after = outcome.before.clone();
                let mut predictor = model.predictor();
                predictor.set_isa(question.isa);
                predictor.set_threads(question.threads).expect("some threads");
                let output = predictor.run($(&$used),*).expect("good data");
                outcome.output = $crate::collect!(output $(=> $outputs)?);
                $crate::methods!(question, outcome, predictor, $float, $($method($($cut: $cut_kind),*))*);
                outcome
            },
        );
    }};
}

/// Binds data to the names of inputs.
#[doc(hidden)]
#[macro_export]
macro_rules! bind {
    ($data:expr => $float:ident, $($input:ident: $kind:ident),*) => {
        #[allow(unused_mut, unused_variables)]
        let mut columns = $data.iter();
        $(let $input = columns.next().expect("data for each input").$kind::<$float>();)*
    };
}

/// The elements of one output or of several.
#[doc(hidden)]
#[macro_export]
macro_rules! collect {
    ($output:expr) => {
        $output.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>()
    };
    ($output:expr => ($($field:ident),+)) => {{
        let outputs = &$output;
        [$($crate::collect!(outputs.$field)),+].concat()
    }};
}

/// Calls each method.
#[doc(hidden)]
#[macro_export]
macro_rules! methods {
    ($question:ident, $outcome:ident, $predictor:ident, $float:ident,
     $($method:ident($($cut:ident: $kind:ident),*))*) => {
        #[allow(unused_mut, unused_variables)]
        let mut given = $question.methods.iter();
        $({
            $crate::bind!(given.next().expect("data for each method") => $float, $($cut: $kind),*);
            let result = $predictor.$method($(&$cut),*).expect("good data");
            $outcome.methods.push($crate::collect!(result));
        })*
    };
}

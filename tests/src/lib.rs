//! What the tests of kiln as a whole share: networks that are compiled into the tests by `network!`, held against
//! the reference interpreter, which runs the same tokens in f64.

pub mod check;
pub mod oracle;

pub use check::{Data, Step, check};

/// Compiles a network with `network!` and holds its training steps and its inference against the reference.
///
/// `against_reference! { Mlp(x: f32, y: u32) -> f32, { pub Mlp<batch = 4> { … } } }`: the inputs in order of
/// declaration (a `float` of the network's element type, or an `index`), and those that `run` takes.
#[macro_export]
macro_rules! against_reference {
    ($name:ident($($input:ident: $kind:ident),*) run($($used:ident),*) as $float:ident, $($tokens:tt)*) => {{
        ::kiln::network! { $($tokens)* }
        $crate::check::<$float>(
            stringify!($($tokens)*),
            $name::BATCH,
            &mut |isa, threads, data, steps| {
                #[allow(unused_mut, unused_variables)]
                let mut columns = data.iter();
                $(let $input = columns.next().expect("data for each input").$kind::<$float>();)*
                let model = $name::new(7);
                let before = $crate::check::parameters(model.parameters());
                let mut trainer = model.trainer();
                trainer.set_isa(isa);
                trainer.set_threads(threads).expect("some threads");
                trainer.set_seed(5);
                let mut losses = Vec::new();
                for _ in 0..steps {
                    losses.push(f64::from(trainer.step($(&$input),*).expect("good data").loss));
                }
                let after = $crate::check::parameters(trainer.model().parameters());
                let mut predictor = trainer.model().predictor();
                predictor.set_isa(isa);
                predictor.set_threads(threads).expect("some threads");
                let held_out = f64::from(predictor.loss($(&$input),*).expect("good data"));
                let output = predictor.run($(&$used),*).expect("good data").iter().map(|&x| f64::from(x)).collect();
                $crate::Step { before, losses, after, held_out, output }
            },
        );
    }};
}

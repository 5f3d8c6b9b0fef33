//! What the tests share.

use emotone::check::{Case, Input, Vars};
use emotone::compile::Options;
use emotone::graph::{Graph, Var};

pub use emotone::check::device;

/// Intermediate memory full of NaN and sentinels behind every value.
pub fn poisoned() -> Options {
    Options { poison: true, ..Options::default() }
}

/// Outputs of a graph as the GPU makes them of `inputs`, for what no tolerance on the largest value can tell.
pub fn outputs<V: Vars>(
    inputs: impl Into<Vec<Input>>,
    build: impl Fn(&mut Graph, &mut [Var]) -> emotone::Result<V> + 'static,
) -> Option<Vec<Vec<f32>>> {
    let case = Case::new("special", "values", inputs, build);
    Some(case.outputs(&device()?, poisoned()).unwrap_or_else(|e| panic!("{e}")))
}

/// An input of these values.
pub fn values(shape: impl Into<emotone::graph::Shape>, values: &[f32]) -> Input {
    emotone::check::given(shape, values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>())
}

//! Random convolutions over log-mel frames at several rates, statistics pooling, and a ridge regression. Nothing of it is trained by steps: a model
//! is made in the time it takes to hear the recordings, and starts from no one else's weights.

use super::kernels::{BANDS, Kernels};
use super::network::{Input, Network, Settings, Solver, TRUNK};
use super::ridge::{self, Centre, Ridged, Terms};
use crate::graph::Var;
use crate::nn::Context;
use crate::range::within;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// The settings: `[model]` with `name = "rocket"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rocket {
    /// Random kernels, as many at each rate.
    pub kernels: usize,
    /// Frames of a kernel, an odd number.
    pub length: usize,
    /// Rates of frames, each half the one before.
    pub rates: usize,
    /// Penalty of the ridge's weights for each value of the pooled vector.
    pub penalty: f64,
    /// How alike the ridge's machines of two corpora are, where it is solved on several for clips of one: 0 for nothing in common, 1 for the same.
    pub coupling: f64,
    /// Deviations from the mean beyond which values of the pooled vector are brought back before the ridge; 0 for none.
    pub reach: f64,
    /// What clips are centred by where the ridge is solved for clips of any other corpus.
    pub centre: Centre,
}

impl Settings for Rocket {
    const NAME: &'static str = "rocket";

    fn preset(size: &str) -> Self {
        let small = Rocket { kernels: 2048, length: 9, rates: 4, penalty: 0.1, coupling: 0.5, reach: 2.5, centre: Centre::Speaker };
        match size {
            "paper" => Rocket { kernels: 10_000, ..small },
            "tiny" => Rocket { kernels: 64, rates: 2, ..small },
            _ => small,
        }
    }

    fn config(_: &str) -> &'static str {
        include_str!("rocket.toml")
    }
}

impl Rocket {
    fn heard_by(&self) -> Kernels {
        Kernels { count: self.kernels, length: self.length, rates: self.rates }
    }
}

impl Network for Rocket {
    fn input(&self) -> Input {
        Input::Frames
    }

    fn check(&self, shape: &[usize]) -> Result<()> {
        self.heard_by().check()?;
        within("model.penalty", self.penalty, 1e-6, 1e6)?;
        within("model.coupling", self.coupling, 0.0, 1.0)?;
        within("model.reach", self.reach, 0.0, 1e3)?;
        let [_, BANDS] = *shape else { return Err(Error::Config(format!("model.name = \"rocket\": takes frames of {BANDS} bands"))) };
        Ok(())
    }

    /// (B, T, 80) -> (B, 2·kernels).
    fn features(&self, cx: &mut Context, x: Var) -> Result<Var> {
        let &[batch, frames, _] = cx.g.shape(x).0.as_slice() else {
            return Err(Error::shape("rocket", "frames (B, T, F)", cx.g.shape(x).to_string()));
        };
        let lengths = match cx.lengths {
            Some(lengths) => lengths,
            None => cx.g.constant([batch], &vec![f32::from_bits(frames as u32); batch])?,
        };
        self.heard_by().hear(cx, x, lengths)
    }

    fn head(&self, cx: &mut Context, features: Var, outputs: usize) -> Result<Var> {
        ridge::head(cx, features, outputs, self.reach)
    }

    /// The trunk at the root of names.
    fn scope<'a>(&self, group: &'a str) -> &'a str {
        if group == TRUNK { "" } else { group }
    }

    fn solver(&self) -> Option<&dyn Solver> {
        Some(self)
    }
}

impl Ridged for Rocket {
    fn terms(&self) -> Terms {
        Terms { penalty: self.penalty, coupling: self.coupling, reach: self.reach, centre: self.centre }
    }
}

//! The ridge on an encoder's pooled vectors.

use super::super::network::{Examples, Solution, Solver};
use super::super::ridge::{self, Terms};
use super::Encoder;
use crate::Result;
use crate::gpu::Device;
use std::sync::Arc;

impl Solver for Encoder {
    fn on_features(&self) -> bool {
        true
    }

    fn holds_out(&self) -> bool {
        true
    }

    fn solve(&self, device: &Arc<Device>, examples: &Examples, progress: &mut dyn FnMut(usize, usize) -> Result<()>) -> Result<Solution> {
        let terms = Terms { penalty: self.penalty, coupling: self.coupling, reach: self.reach, centre: self.centre };
        ridge::solution(device, examples, &terms, progress)
    }
}

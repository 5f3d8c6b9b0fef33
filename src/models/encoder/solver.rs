//! The ridge on an encoder's pooled vectors.

use super::super::network::{Examples, Solution, Solver};
use super::super::ridge;
use super::Encoder;
use crate::Result;
use crate::gpu::Device;
use crate::graph::Shape;
use crate::nn::Weights;
use std::sync::Arc;

impl Solver for Encoder {
    fn on_features(&self) -> bool {
        true
    }

    fn holds_out(&self) -> bool {
        true
    }

    fn solve(&self, device: &Arc<Device>, examples: &Examples, progress: &mut dyn FnMut(usize, usize) -> Result<()>) -> Result<Solution> {
        let terms = ridge::Terms { penalty: self.penalty, coupling: self.coupling, reach: self.reach, centre: self.centre };
        let found = ridge::solve(Some(device), examples, &terms, progress)?;
        let (width, outputs) = (found.standard.mean.len(), examples.outputs);
        let tensor = |shape: Vec<usize>, values: &[f64]| (Shape(shape), values.iter().map(|v| *v as f32).collect::<Vec<f32>>());
        let head = Weights::from([
            ("mean".into(), (Shape(vec![width]), found.standard.mean)),
            ("std".into(), (Shape(vec![width]), found.standard.std)),
            ("weight".into(), tensor(vec![outputs, width], &found.weight)),
            ("bias".into(), tensor(vec![outputs], &found.bias)),
        ]);
        let single = |answers: Vec<f64>| answers.into_iter().map(|v| v as f32).collect();
        let held_out = found.held_out.into_iter().map(|(i, answers)| (i, single(answers))).collect();
        Ok(Solution { head, objective: found.objective, gap: found.gap, held_out, divided_by: found.divided_by, ..Solution::default() })
    }
}

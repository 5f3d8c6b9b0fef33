//! What passes between a case, its graph and its reference, in whatever form is the shortest to write.

use super::input::{Input, Kind};
use crate::graph::Var;
use std::ops::Deref;

/// The values of a case's inputs in one run.
pub struct Values {
    /// Number of the run, from 0.
    pub run: usize,
    pub(super) tensors: Vec<Vec<f64>>,
}

impl Values {
    /// Moves on to the next run. State stays.
    pub(super) fn next(&mut self, inputs: &[Input]) {
        self.run += 1;
        for (values, input) in self.tensors.iter_mut().zip(inputs).filter(|(_, i)| i.kind != Kind::State) {
            *values = input.values(self.run);
        }
    }
}

impl Deref for Values {
    type Target = [Vec<f64>];
    fn deref(&self) -> &[Vec<f64>] {
        &self.tensors
    }
}

/// Outputs of an op.
pub trait Vars {
    /// All of them.
    fn vars(self) -> Vec<Var>;
}

/// Tensors of a reference; `None` where it knows nothing.
pub trait Tensors {
    /// All of them.
    fn tensors(self) -> Vec<Option<Vec<f64>>>;
}

macro_rules! vars {
    ($($({$n:ident})? $t:ty: $v:ident => $all:expr),* $(,)?) => {
        $(impl$(<const $n: usize>)? Vars for $t {
            fn vars(self) -> Vec<Var> {
                let $v = self;
                $all
            }
        })*
    };
}

vars! {
    (): _none => Vec::new(),
    Var: v => vec![v],
    (Var, Var): v => vec![v.0, v.1],
    {N} [Var; N]: v => v.to_vec(),
    Vec<Var>: v => v,
}

macro_rules! tensors {
    ($($({$n:ident})? $t:ty: $v:ident => $all:expr),* $(,)?) => {
        $(impl$(<const $n: usize>)? Tensors for $t {
            fn tensors(self) -> Vec<Option<Vec<f64>>> {
                let $v = self;
                $all
            }
        })*
    };
}

tensors! {
    Vec<f64>: v => vec![Some(v)],
    (Vec<f64>, Vec<f64>): v => vec![Some(v.0), Some(v.1)],
    (Vec<f64>, Vec<f64>, Vec<f64>): v => vec![Some(v.0), Some(v.1), Some(v.2)],
    {N} [Vec<f64>; N]: v => v.map(Some).into(),
    Vec<Vec<f64>>: v => v.into_iter().map(Some).collect(),
    Vec<Option<Vec<f64>>>: v => v,
}

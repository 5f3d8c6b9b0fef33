//! Product with a bank of narrow band filters.

use super::{arity, rank};
use crate::graph::{Graph, Lowering, Op, Shape, Single, Var};
use crate::kernels::mel as kernel;
use crate::{Error, Result};

/// Filters that each cover a run of neighbouring bins.
#[derive(Debug, Clone, PartialEq)]
pub struct Bands {
    /// Bins of a spectrum.
    pub bins: usize,
    /// First bin and weights of each filter; the weights may be none.
    pub filters: Vec<(usize, Vec<f64>)>,
}

/// Inputs `x`, `spans`, `weight`.
struct Mel {
    bins: usize,
    bands: usize,
    weights: usize,
}

impl Op for Mel {
    fn name(&self) -> &'static str {
        "mel"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("mel", inputs, 3)?;
        rank("mel", &inputs[0], 3)?;
        if inputs[0][1] != self.bins {
            return Err(Error::shape("mel", format!("spectra of {} bins", self.bins), inputs[0].to_string()));
        }
        Ok(vec![Shape::from([inputs[0][0], self.bands, inputs[0][2]])])
    }
    fn single(&self) -> Single {
        Single::Operands
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let extents = (cx.input_shape(0)[0], self.bins, self.bands, cx.input_shape(0)[2]);
        let launch = kernel::mel(cx.target(), extents, self.weights).bind("x", cx.input(0)).bind("spans", cx.input(1));
        cx.launch(launch.bind("weight", cx.input(2)).bind("y", cx.output(0)));
        Ok(())
    }
}

/// `y[b,m,t] = Σ_k w_m[k] · x[b,k,t]`.
///
/// # Shapes
/// `x` (B, K, T) → (B, M, T). No gradient.
///
/// # Errors
/// Another number of bins than the filters are for; filters that reach past the last bin; no filters.
pub fn mel(g: &mut Graph, x: Var, bank: &Bands) -> Result<Var> {
    let mut spans = Vec::with_capacity(3 * bank.filters.len());
    let mut weight: Vec<f32> = Vec::new();
    for (start, w) in &bank.filters {
        if start + w.len() > bank.bins {
            return Err(Error::shape("mel", format!("filters within {} bins", bank.bins), format!("{start} + {}", w.len())));
        }
        spans.extend([*start, w.len(), weight.len()].map(|v| f32::from_bits(v as u32)));
        weight.extend(w.iter().map(|&w| w as f32));
    }
    if bank.filters.is_empty() {
        return Err(Error::shape("mel", "at least one filter", "none"));
    }
    let weights = weight.len();
    if weight.is_empty() {
        weight.push(0.0);
    }
    let spans = g.constant([bank.filters.len(), 3], &spans)?;
    let weight = g.constant([weight.len()], &weight)?;
    g.apply1(Mel { bins: bank.bins, bands: bank.filters.len(), weights }, &[x, spans, weight])
}

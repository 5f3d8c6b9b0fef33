//! The gate of squeeze-excitation on pooled feature maps.

use super::{arity, linear, relu, sigmoid};
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Single, Var};
use crate::kernels::squeeze_excite::{Gate, MOST_HIDDEN};
use crate::{Error, Result};

fn gate(m: &Shape, w1: &Shape) -> Gate {
    Gate { batch: m[0], channels: m[1], hidden: w1[0] }
}

/// Inputs m, w1, w2; outputs s and the hidden values.
struct SqueezeExcite;

impl Op for SqueezeExcite {
    fn name(&self) -> &'static str {
        "squeeze_excite"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity(self.name(), inputs, 3)?;
        let [m, w1, w2] = inputs else { return Ok(vec![]) };
        let fits = m.rank() == 2 && w1.rank() == 2 && w1[1] == m[1] && **w2 == [w1[1], w1[0]];
        if !fits {
            return Err(Error::shape(self.name(), "m (B, C), W1 (R, C) and W2 (C, R)", format!("{m}, {w1} and {w2}")));
        }
        Ok(vec![m.clone(), [m[0], w1[0]].into()])
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], wanted: &[bool]) -> Result<Vec<Option<Var>>> {
        let Some(ds) = dy[0] else { return Ok(vec![None; 3]) };
        let (m, w1, w2) = (g.inputs(node)[0], g.inputs(node)[1], g.inputs(node)[2]);
        let (s, h) = (g.output_of(node, 0), g.output_of(node, 1));
        let back = g.apply(Backward, &[s, w1, w2, h, ds])?;
        let weights = match wanted[1] || wanted[2] {
            true => g.apply(BackwardWeights, &[s, m, back[0], h, ds])?.into_iter().map(Some).collect(),
            false => vec![None, None],
        };
        Ok(vec![Some(back[1]), weights[0], weights[1]])
    }
    fn single(&self) -> Single {
        Single::Operands
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let gate = gate(cx.input_shape(0), cx.input_shape(1));
        let launch = gate.forward(cx.target()).bind("m", cx.input(0)).bind("w1", cx.input(1)).bind("w2", cx.input(2));
        cx.launch(launch.bind("h", cx.output(1)).bind("s", cx.output(0)));
        Ok(())
    }
}

/// Inputs s, w1, w2, h, ds; outputs dh (before the ReLU) and dm.
struct Backward;

impl Op for Backward {
    fn name(&self) -> &'static str {
        "squeeze_excite_bwd"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![inputs[3].clone(), inputs[0].clone()])
    }
    fn single(&self) -> Single {
        Single::Operands
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let gate = gate(cx.input_shape(0), cx.input_shape(1));
        let launch = gate.backward(cx.target()).bind("s_saved", cx.input(0)).bind("w1", cx.input(1)).bind("w2", cx.input(2));
        let launch = launch.bind("h_saved", cx.input(3)).bind("ds", cx.input(4));
        cx.launch(launch.bind("dh", cx.output(0)).bind("dm", cx.output(1)));
        Ok(())
    }
}

/// Inputs s, m, dh, h, ds; outputs dw1, dw2.
struct BackwardWeights;

impl Op for BackwardWeights {
    fn name(&self) -> &'static str {
        "squeeze_excite_bwd_weights"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        let (c, r) = (inputs[0][1], inputs[2][1]);
        Ok(vec![[r, c].into(), [c, r].into()])
    }
    fn single(&self) -> Single {
        Single::Operands
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let gate = gate(cx.input_shape(0), cx.output_shape(0));
        let launch = gate.backward_weights(cx.target()).bind("s_saved", cx.input(0)).bind("m_saved", cx.input(1));
        let launch = launch.bind("dh_in", cx.input(2)).bind("h_saved", cx.input(3)).bind("ds", cx.input(4));
        cx.launch(launch.bind("dw1", cx.output(0)).bind("dw2", cx.output(1)));
        Ok(())
    }
}

/// The factors of squeeze-excitation (Hu et al. 2018) from pooled feature maps, without biases: `s = σ(W₂ max(W₁ m, 0))` for m (B, C),
/// W₁ (R, C), W₂ (C, R) -> (B, C).
///
/// # Errors
/// When the shapes do not fit each other.
pub fn squeeze_excite(g: &mut Graph, m: Var, w1: Var, w2: Var) -> Result<Var> {
    if g.shape(w1).first().is_some_and(|r| *r > MOST_HIDDEN) {
        let h = linear(g, m, w1, None)?;
        let h = relu(g, h)?;
        let z = linear(g, h, w2, None)?;
        return sigmoid(g, z);
    }
    Ok(g.apply(SqueezeExcite, &[m, w1, w2])?[0])
}

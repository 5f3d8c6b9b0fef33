//! Knowledge distillation (Hinton et al. 2015): how far a student's softened answer is from a teacher's.

use super::row_mean::{row_mean, rows, size, within};
use crate::Result;
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Single, Var};
use crate::kernels::kl_distillation as kernel;

/// Inputs the student's logits and the teacher's shares (B, K); output losses (B).
#[derive(Clone, Copy)]
struct KlDistillation {
    temperature: f32,
}

impl Op for KlDistillation {
    fn name(&self) -> &'static str {
        "kl_distillation"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        rows("kl_distillation", inputs, 1)
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], wanted: &[bool]) -> Result<Vec<Option<Var>>> {
        let (Some(dl), true) = (dy[0], wanted[0]) else { return Ok(vec![None, None]) };
        let (z, q) = (g.inputs(node)[0], g.inputs(node)[1]);
        Ok(vec![Some(g.apply1(KlDistillationBackward(*self), &[z, q, dl])?), None])
    }
    fn single(&self) -> Single {
        Single::Operands
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        cx.launch(kernel::forward(size(cx), self.temperature, cx.input(0), cx.input(1), cx.output(0)));
        Ok(())
    }
}

/// Inputs logits, shares, `dl`; output `dz`.
struct KlDistillationBackward(KlDistillation);

impl Op for KlDistillationBackward {
    fn name(&self) -> &'static str {
        "kl_distillation_bwd"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![inputs[0].clone()])
    }
    fn single(&self) -> Single {
        Single::Operands
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        cx.launch(kernel::backward(size(cx), self.0.temperature, cx.input(0), cx.input(1), cx.input(2), cx.output(0)));
        Ok(())
    }
}

/// Loss of every row, shape (B): see [`kl_distillation`].
///
/// # Errors
/// See [`kl_distillation`].
pub fn kl_distillation_rows(g: &mut Graph, student: Var, teacher: Var, temperature: f32) -> Result<Var> {
    within("kl_distillation", "temperature", temperature, f32::MIN_POSITIVE..=f32::MAX)?;
    g.apply1(KlDistillation { temperature }, &[student, teacher])
}

/// `mean_b T²·Σ_k q[b,k]·(ln q[b,k] − ln softmax(z/T)[b,k])`: the student's logits `z` (B, K), the teacher's distribution `q` (B, K)
/// *at temperature T* (`softmax(teacher/T)` of its logits, or a mixture of such), temperature `T`; shape (1). The factor T² keeps the
/// gradient's size, whatever the temperature (Hinton et al. 2015, "Distilling the knowledge in a neural network"). The teacher is not
/// differentiated.
///
/// `row_weight` (B), not negative, makes it a weighted mean over rows; see [`row_mean`].
///
/// # Errors
/// When shapes differ or the temperature is not positive.
pub fn kl_distillation(g: &mut Graph, student: Var, teacher: Var, row_weight: Option<Var>, temperature: f32) -> Result<Var> {
    let rows = kl_distillation_rows(g, student, teacher, temperature)?;
    row_mean(g, rows, row_weight)
}

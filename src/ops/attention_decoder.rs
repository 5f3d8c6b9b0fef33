//! The bidirectional attention decoder: products over all times, and a recurrence of products and kernels per step.

use super::matmul::Repeated;
use super::{arity, concat, linear, matmul, reshape, slice, sum, tanh};
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Single, Var};
use crate::kernels::attention_decoder::Decoder;
use crate::{Error, Result};

/// A linear map: weights (N, K) and biases (N).
pub type Affine = (Var, Var);

/// Weights of a decoder of U units that emits distributions over O, on vectors of D. Maps of all three take `[y, s, c]`, O + U + D wide.
#[derive(Debug, Clone, Copy)]
pub struct DecoderWeights {
    /// First state from the first vector (U, D).
    pub state: Var,
    /// Query from the state (U, U).
    pub query: Var,
    /// Keys from the vectors (U, D).
    pub key: Affine,
    /// Logits of the attention (1, U).
    pub score: Var,
    /// Reset gate (U, O + U + D).
    pub reset: Affine,
    /// Update gate (U, O + U + D).
    pub update: Affine,
    /// Candidate state (U, O + U + D), on `[y, r s, c]`.
    pub candidate: Affine,
    /// Output (O, O + U + D).
    pub output: Affine,
}

/// Inputs pk (B, T, W), the first state (B, U), recurrent weights (W, O + U), the candidate's (U, U), score (U); outputs y (B, T, O), and for
/// the backward pass `[y s]` before each step, attention (B, T, T), gates (B, T, 5U) and `r s` (B, T, U).
struct Recurrence {
    reverse: bool,
}

fn decoder(pk: &Shape, first: &Shape, reverse: bool) -> Decoder {
    Decoder { batch: pk[0], steps: pk[1], units: first[1], out: pk[2] - 4 * first[1], reverse }
}

impl Op for Recurrence {
    fn name(&self) -> &'static str {
        "attention_decoder"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity(self.name(), inputs, 5)?;
        let d = decoder(&inputs[0], &inputs[1], self.reverse);
        let rows = |n: usize| Shape::from([d.batch, d.steps, n]);
        Ok(vec![rows(d.out), rows(d.fed()), rows(d.steps), rows(5 * d.units), rows(d.units)])
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], wanted: &[bool]) -> Result<Vec<Option<Var>>> {
        let Some(dy) = dy[0] else { return Ok(vec![None; 5]) };
        let inputs = g.inputs(node).to_vec();
        let d = decoder(g.shape(inputs[0]), g.shape(inputs[1]), self.reverse);
        let [y, fed, a, gates, rs] = [0, 1, 2, 3, 4].map(|o| g.output_of(node, o));
        let back = RecurrenceBackward { reverse: self.reverse };
        let back = g.apply(back, &[inputs[0], inputs[2], inputs[3], inputs[4], y, a, gates, dy])?;
        let [columns, dkey, dscore, first] = [back[0], back[1], back[2], back[3]];
        let rows = d.batch * d.steps;
        let mut out = vec![None, Some(first), None, None, None];
        if wanted[0] {
            // Of Σ_t a[t] pk[t] by pk[t], for all steps at once.
            let context = slice(g, columns, 2, 0, d.columns())?;
            let context = matmul(g, a, context, true, false)?;
            out[0] = Some(concat(g, &[context, dkey], 2)?);
        }
        if wanted[2] {
            let [all, fed] = [reshape(g, columns, [rows, d.width()])?, reshape(g, fed, [rows, d.fed()])?];
            out[2] = Some(matmul(g, all, fed, true, false)?);
        }
        if wanted[3] {
            let candidate = slice(g, columns, 2, 0, d.units)?;
            let [candidate, rs] = [reshape(g, candidate, [rows, d.units])?, reshape(g, rs, [rows, d.units])?];
            out[3] = Some(matmul(g, candidate, rs, true, false)?);
        }
        if wanted[4] {
            out[4] = Some(sum(g, dscore, 0)?);
        }
        Ok(out)
    }
    fn single(&self) -> Single {
        Single::Operands
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let d = decoder(cx.input_shape(0), cx.input_shape(1), self.reverse);
        let [vs, rec, rs, rc] = [d.fed(), d.width(), d.units, d.units].map(|n| cx.scratch(d.batch * n));
        let (recurrent, candidate) = (Repeated::new(cx, d.recurrent()), Repeated::new(cx, d.candidate()));
        let [pk, first, w, w_rs, score] = [0, 1, 2, 3, 4].map(|i| cx.input(i));
        let [y, fed, a, gates, rs_kept] = [0, 1, 2, 3, 4].map(|o| cx.output(o));
        let target = cx.target().clone();
        cx.launch(d.start(&target, first, vs));
        for step in 0..d.steps {
            recurrent.launch(cx, vs, w, rec);
            cx.launch(d.attend(&target, step, [pk, vs, score], [rec, a, fed]));
            cx.launch(d.emit(&target, step, rec, vs, [gates, rs, rs_kept, y]));
            candidate.launch(cx, rs, w_rs, rc);
            cx.launch(d.advance(&target, step, [rec, rc], [gates, vs]));
        }
        Ok(())
    }
}

/// Inputs pk, recurrent weights, the candidate's, score, y, attention, gates, dy; outputs the gradients of the columns (B, T, W) at each
/// step, of the keys (B, T, U), of the score by clip (B, U) and of the first state (B, U).
struct RecurrenceBackward {
    reverse: bool,
}

impl Op for RecurrenceBackward {
    fn name(&self) -> &'static str {
        "attention_decoder_bwd"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        let (pk, units) = (&inputs[0], inputs[2][0]);
        let state = Shape::from([pk[0], units]);
        Ok(vec![pk.clone(), [pk[0], pk[1], units].into(), state.clone(), state])
    }
    fn single(&self) -> Single {
        Single::Operands
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let d = decoder(cx.input_shape(0), cx.output_shape(3), self.reverse);
        let [dvs, ds, dgs, drs, de] = [d.fed(), d.units, d.width(), d.units, d.steps].map(|n| cx.scratch(d.batch * n));
        let (recurrent, candidate) = (Repeated::new(cx, d.recurrent_back()), Repeated::new(cx, d.candidate_back()));
        let [pk, w, w_rs, score, y, a, gates, dy] = [0, 1, 2, 3, 4, 5, 6, 7].map(|i| cx.input(i));
        let [columns, dkey, dscore, first] = [0, 1, 2, 3].map(|o| cx.output(o));
        let target = cx.target().clone();
        for step in (0..d.steps).rev() {
            cx.launch(d.back_emit(&target, step, [dy, dvs, gates, y], [ds, dgs, columns]));
            candidate.launch(cx, dgs, w_rs, drs);
            cx.launch(d.back_attend(&target, step, [pk, drs, gates, a], [ds, dgs, de]));
            cx.launch(d.back_query(&target, step, [pk, de, gates, score], [dkey, dscore, dgs]));
            recurrent.launch(cx, dgs, w, dvs);
        }
        cx.launch(d.back_start(&target, dvs, [ds, dgs, columns, first]));
        Ok(())
    }
}

/// A decoder with additive attention (Bahdanau et al. 2015) of as many steps as the sequence x (B, T, D) has times, which emits
/// distributions and is fed with them (Atmaja & Akagi 2019): -> (B, T, O). Starting from s = tanh(state x₀), y = 0, each step with the old s
/// and y throughout:
///
///   a = softmax over t of score · tanh(query s + key x\[t\]),  c = Σ_t a\[t\] x\[t\]
///   r, z, y' = σ(reset), σ(update), softmax(output) of [y, s, c];  s' = (1 − z) s + z tanh(candidate of [y, r s, c])
///
/// With `reverse` it reads x from the last time on, and its outputs stand in x's order: the first at the last time.
///
/// # Errors
/// When the shapes do not fit each other.
pub fn attention_decoder(g: &mut Graph, x: Var, w: &DecoderWeights, reverse: bool) -> Result<Var> {
    let (shape, [units, out]) = (g.shape(x).clone(), fits(g, x, w)?);
    let (fed, t) = (out + units, if reverse { shape[1] - 1 } else { 0 });
    let first = slice(g, x, 1, t, t + 1)?;
    let first = reshape(g, first, [shape[0], shape[2]])?;
    let first = linear(g, first, w.state, None)?;
    let first = tanh(g, first)?;
    // By the columns' order: on the context, and on what is fed back.
    let maps = [w.candidate, w.reset, w.update, w.output];
    let mut on_x = maps.iter().map(|m| slice(g, m.0, 1, fed, fed + shape[2])).collect::<Result<Vec<Var>>>()?;
    on_x.push(w.key.0);
    let on_x = concat(g, &on_x, 0)?;
    let bias = concat(g, &[maps[0].1, maps[1].1, maps[2].1, maps[3].1, w.key.1], 0)?;
    let pk = linear(g, x, on_x, Some(bias))?;
    let zeros = |g: &mut Graph, n: usize| g.constant([units, n], &vec![0.0; units * n]);
    let (of_y, of_rs) = (slice(g, w.candidate.0, 1, 0, out)?, slice(g, w.candidate.0, 1, out, fed)?);
    let (no_s, no_y) = (zeros(g, units)?, zeros(g, out)?);
    let mut on_fed = vec![concat(g, &[of_y, no_s], 1)?];
    for m in &maps[1..] {
        on_fed.push(slice(g, m.0, 1, 0, fed)?);
    }
    on_fed.push(concat(g, &[no_y, w.query], 1)?);
    let on_fed = concat(g, &on_fed, 0)?;
    let score = reshape(g, w.score, [units])?;
    Ok(g.apply(Recurrence { reverse }, &[pk, first, on_fed, of_rs, score])?[0])
}

/// Units and outputs of a decoder whose weights fit its input.
fn fits(g: &Graph, x: Var, w: &DecoderWeights) -> Result<[usize; 2]> {
    let shape = |v: Var| g.shape(v).clone();
    let (x, query, output) = (shape(x), shape(w.query), shape(w.output.0));
    let [&[_, t, d], &[units, _], &[out, _]] = [x.0.as_slice(), query.0.as_slice(), output.0.as_slice()] else {
        return Err(Error::shape("attention_decoder", "x (B, T, D) and matrices", format!("{x}, {query} and {output}")));
    };
    let n = out + units + d;
    let gates = [w.reset, w.update, w.candidate].into_iter().flat_map(|(m, b)| [(m, vec![units, n]), (b, vec![units])]);
    let wanted = [(w.query, vec![units, units]), (w.state, vec![units, d]), (w.key.0, vec![units, d]), (w.key.1, vec![units])];
    let wanted = wanted.into_iter().chain([(w.score, vec![1, units]), (w.output.0, vec![out, n]), (w.output.1, vec![out])]);
    for (v, expected) in wanted.chain(gates) {
        if shape(v).0 != expected || t == 0 {
            return Err(Error::shape("attention_decoder", format!("{} of {units} units on x {x}", Shape(expected)), shape(v).to_string()));
        }
    }
    Ok([units, out])
}

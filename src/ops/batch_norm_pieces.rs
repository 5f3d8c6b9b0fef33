//! Batch normalisation of feature maps that lie in several tensors, one after the other by channel, each perhaps the first channels of a
//! wider one: nothing is copied together, and gradients are added where the wide tensor's gradient already lies.

use super::arity;
use super::batch_norm::{BatchNorm, Coefficients};
use crate::graph::{Graph, InPlace, Lowering, NodeId, Op, Shape, Single, Var, Writes};
use crate::kernels::batch_norm::Norm;
use crate::kernels::batch_norm_slices;
use crate::{Error, Result};

/// Inputs the pieces, weight, bias and (eval) mean, variance; outputs y, (train) mean and rstd, and the pieces again.
#[derive(Clone)]
struct Pieces {
    norm: BatchNorm,
    /// Channels of each piece that are normalised.
    channels: Vec<usize>,
}

impl Pieces {
    /// The shape of y.
    fn whole(&self, piece: &Shape) -> Shape {
        let mut shape = piece.clone();
        shape.0[1] = self.channels.iter().sum();
        shape
    }

    /// Extents of piece `i`, stored as `piece`.
    fn piece(&self, i: usize, piece: &Shape) -> Norm {
        let first = self.channels[..i].iter().sum();
        Norm { c: self.channels[i], whole: self.channels.iter().sum(), first, ..self.norm.norm(piece) }
    }

    /// Outputs before the pieces.
    fn before(&self) -> usize {
        if self.norm.train { 3 } else { 1 }
    }
}

impl Op for Pieces {
    fn name(&self) -> &'static str {
        if self.norm.train { "batch_norm_pieces_train" } else { "batch_norm_pieces_eval" }
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        let k = self.channels.len();
        arity(self.name(), inputs, k + if self.norm.train { 2 } else { 4 })?;
        let pieces = inputs.get(..k).filter(|p| !p.is_empty()).ok_or_else(|| Error::shape(self.name(), "a piece", "none"))?;
        let alike = |p: &Shape| p.rank() >= 2 && p[0] == pieces[0][0] && p.0[2..] == pieces[0].0[2..];
        if let Some((p, c)) = pieces.iter().zip(&self.channels).find(|(p, c)| !alike(p) || **c > p[1] || **c == 0) {
            return Err(Error::shape(self.name(), format!("(N, {c} channels or more, ...) as {}", pieces[0]), p.to_string()));
        }
        let whole = self.whole(&pieces[0]);
        let c: Shape = [whole[1]].into();
        if let Some(p) = inputs[k..].iter().find(|p| **p != c) {
            return Err(Error::shape(self.name(), format!("parameters {c}"), p.to_string()));
        }
        let statistics = vec![c; self.before() - 1];
        Ok([vec![whole], statistics, pieces.to_vec()].concat())
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], wanted: &[bool]) -> Result<Vec<Option<Var>>> {
        let (k, inputs) = (self.channels.len(), g.inputs(node).to_vec());
        if dy[1..self.before()].iter().any(Option::is_some) {
            return Err(Error::Graph(format!("{} passes no gradient through its statistics", self.name())));
        }
        let mut out = vec![None; inputs.len()];
        out[..k].copy_from_slice(&dy[self.before()..]);
        let Some(d) = dy[0] else { return Ok(out) };
        // Without ReLU the sign of y is not asked for: dy stands in its place, and y need not be kept.
        let y = if self.norm.relu { g.output_of(node, 0) } else { d };
        let statistics = if self.norm.train { [g.output_of(node, 1), g.output_of(node, 2)] } else { [inputs[k + 2], inputs[k + 3]] };
        let given = [&inputs[..k], &[y], &statistics, &[d]].concat();
        let params = g.apply(BackwardParams(self.clone()), &given)?;
        let mut given = vec![inputs[k], statistics[0], statistics[1]];
        if self.norm.train {
            given.extend(&params);
        }
        let coefficients = g.apply1(Coefficients(self.norm, g.shape(d).clone()), &given)?;
        for i in (0..k).filter(|i| wanted[*i]) {
            let given: Vec<Var> = [inputs[i], y, coefficients, d].into_iter().chain(out[i]).collect();
            out[i] = Some(g.apply1(Backward { forward: self.clone(), piece: i, accumulate: out[i].is_some() }, &given)?);
        }
        out[k] = wanted[k].then_some(params[0]);
        out[k + 1] = wanted[k + 1].then_some(params[1]);
        Ok(out)
    }
    fn single(&self) -> Single {
        Single::Statistics
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let (k, train) = (self.channels.len(), self.norm.train);
        let (mean, rstd_or_var) = if train { (cx.output(1), cx.output(2)) } else { (cx.input(k + 2), cx.input(k + 3)) };
        for i in 0..k {
            let (norm, x) = (self.piece(i, cx.input_shape(i)), cx.input(i));
            if train {
                let target = cx.target();
                batch_norm_slices::stats(target, &norm, x, [mean, rstd_or_var], |n| cx.scratch(n)).into_iter().for_each(|l| cx.launch(l));
            }
            let launch = norm.forward(cx.target()).bind("x", x).bind("weight", cx.input(k)).bind("bias", cx.input(k + 1));
            cx.launch(launch.bind("mean_in", mean).bind("rstd_or_var", rstd_or_var).bind("y", cx.output(0)));
        }
        Ok(())
    }
    fn in_place(&self, output: usize) -> Option<InPlace> {
        let input = output.checked_sub(self.before())?;
        Some(InPlace { input, writes: Writes::Nothing })
    }
}

/// Inputs the pieces, y, mean, rstd or variance, dy; outputs dweight, dbias.
struct BackwardParams(Pieces);

impl Op for BackwardParams {
    fn name(&self) -> &'static str {
        "batch_norm_pieces_bwd_params"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        let c = &inputs[self.0.channels.len() + 1];
        Ok(vec![c.clone(), c.clone()])
    }
    fn single(&self) -> Single {
        Single::Outputs
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let k = self.0.channels.len();
        for i in 0..k {
            let (target, norm, gradients) = (cx.target(), self.0.piece(i, cx.input_shape(i)), [cx.output(0), cx.output(1)]);
            let given = [i, k, k + 1, k + 2, k + 3].map(|i| cx.input(i));
            batch_norm_slices::backward_params(target, &norm, given, gradients, |n| cx.scratch(n)).into_iter().for_each(|l| cx.launch(l));
        }
        Ok(())
    }
}

/// Inputs a piece, y, coefficients, dy and, where it is added to, the piece's gradient; output that gradient. Channels that are not
/// normalised stay what they are, which is anything where nothing is added to.
struct Backward {
    forward: Pieces,
    piece: usize,
    accumulate: bool,
}

impl Op for Backward {
    fn name(&self) -> &'static str {
        "batch_norm_pieces_bwd"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![inputs[0].clone()])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let norm = self.forward.piece(self.piece, cx.input_shape(0));
        let y = norm.relu.then(|| cx.input(1));
        let launch = norm.backward(cx.target(), self.accumulate).bind("x", cx.input(0)).bind_any("y_saved", y);
        cx.launch(launch.bind("coefficients_in", cx.input(2)).bind("dy_in", cx.input(3)).bind("dx", cx.output(0)));
        Ok(())
    }
    fn in_place(&self, _: usize) -> Option<InPlace> {
        self.accumulate.then_some(InPlace { input: 4, writes: Writes::Over })
    }
}

/// What a batch norm of pieces makes.
pub struct NormedPieces {
    /// The normalised channels of all pieces, (N, C, ...).
    pub y: Var,
    /// In training, mean and `1/√(var + eps)` of each channel.
    pub statistics: Option<[Var; 2]>,
    /// The pieces again, the same memory: who reads them in place of the old ones has his gradients added there, without a copy.
    pub pieces: Vec<Var>,
}

/// [`batch_norm_train`](super::batch_norm_train) of the first `channels` of each piece `(x, channels)`, x (N, C' >= channels, ...), as one
/// tensor by channel. Channels beyond are not looked at, and get no gradient. Gradients pass through y and the pieces handed on.
///
/// # Errors
/// When pieces differ in more than channels, or parameters are not one per channel.
pub fn batch_norm_pieces_train(
    g: &mut Graph,
    pieces: &[(Var, usize)],
    [weight, bias]: [Var; 2],
    eps: f32,
    relu: bool,
) -> Result<NormedPieces> {
    let (xs, channels): (Vec<Var>, Vec<usize>) = pieces.iter().copied().unzip();
    let norm = BatchNorm { eps, relu, train: true };
    let out = g.apply(Pieces { norm, channels }, &[&xs[..], &[weight, bias]].concat())?;
    Ok(NormedPieces { y: out[0], statistics: Some([out[1], out[2]]), pieces: out[3..].to_vec() })
}

/// [`batch_norm_eval`](super::batch_norm_eval) of pieces; see [`batch_norm_pieces_train`].
///
/// # Errors
/// As [`batch_norm_pieces_train`].
pub fn batch_norm_pieces_eval(
    g: &mut Graph,
    pieces: &[(Var, usize)],
    [weight, bias]: [Var; 2],
    [mean, var]: [Var; 2],
    eps: f32,
    relu: bool,
) -> Result<NormedPieces> {
    let (xs, channels): (Vec<Var>, Vec<usize>) = pieces.iter().copied().unzip();
    let norm = BatchNorm { eps, relu, train: false };
    let out = g.apply(Pieces { norm, channels }, &[&xs[..], &[weight, bias, mean, var]].concat())?;
    Ok(NormedPieces { y: out[0], statistics: None, pieces: out[1..].to_vec() })
}

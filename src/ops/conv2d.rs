//! 2-D and 1-D convolution.

use super::{reshape, sum};
use crate::graph::{Graph, Lowering, NodeId, Op, Operand, Shape, Var};
use crate::kernels::conv2d::{self as kernel, ConvolutionProblem, Epilogue, Geometry, Launches, Pass, Variant};
use crate::kernels::tuned::Variants;
use crate::{Error, Result};

/// Stride, padding, dilation along height and width, and groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv2d {
    /// Distance between output pixels in the input.
    pub stride: [usize; 2],
    /// Zeros added at each edge.
    pub padding: [usize; 2],
    /// Distance between taps.
    pub dilation: [usize; 2],
    /// Channel groups that do not see each other.
    pub groups: usize,
}

impl Default for Conv2d {
    fn default() -> Self {
        Conv2d { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 }
    }
}

impl Conv2d {
    fn geometry(&self, x: &Shape, w: &Shape) -> Result<Geometry> {
        let fail = |expected: &str| Error::shape("conv2d", expected, format!("{x} and {w}, {self:?}"));
        let (&[n, c, h, wd], &[o, i, kh, kw]) = (x.0.as_slice(), w.0.as_slice()) else {
            return Err(fail("x (N, C, H, W) and weight (O, C/groups, kh, kw)"));
        };
        let g = self.groups;
        if g == 0 || c != i * g || o % g != 0 {
            return Err(fail("channels that are multiples of the groups and agree with the weight"));
        }
        if self.stride.contains(&0) || self.dilation.contains(&0) {
            return Err(fail("positive stride and dilation"));
        }
        let mut output = [0; 2];
        for (a, (size, k)) in [(h, kh), (wd, kw)].into_iter().enumerate() {
            // Saturating: extents come from configurations and files.
            let reach = self.dilation[a].saturating_mul(k.saturating_sub(1)).saturating_add(1);
            let padded = size.saturating_add(self.padding[a].saturating_mul(2));
            if k == 0 || reach > padded {
                return Err(fail("a kernel no larger than the padded input"));
            }
            output[a] = (padded - reach) / self.stride[a] + 1;
        }
        Ok(Geometry {
            n,
            groups: g,
            cin: i,
            cout: o / g,
            input: [h, wd],
            output,
            kernel: [kh, kw],
            stride: self.stride,
            padding: self.padding,
            dilation: self.dilation,
        })
    }
}

/// The variant, chosen unless forced.
fn variant(cx: &mut Lowering, forced: Option<Variant>, geometry: &Geometry, pass: Pass) -> Variant {
    forced.unwrap_or_else(|| {
        let problem = ConvolutionProblem { geometry: *geometry, pass };
        cx.note_problem(problem);
        problem.choose(cx.target())
    })
}

/// Adds the launches of a pass whose weight is input `weight`.
fn launch_all(cx: &mut Lowering, launches: Launches<Operand>, weight: usize) {
    if let Some(l) = launches.weight {
        cx.launch_once_per(weight, l);
    }
    launches.run.into_iter().for_each(|l| cx.launch(l));
}

/// Inputs x, weight and optionally bias; with `norm` x, weight, γ, β, running mean and variance.
#[derive(Clone)]
pub(super) struct Forward {
    spec: Conv2d,
    variant: Option<Variant>,
    /// `eps` and ReLU of the batch norm that follows.
    norm: Option<(f32, bool)>,
}

impl Forward {
    /// The same convolution followed by batch norm by running statistics; none where one follows already.
    pub(super) fn with_norm(&self, eps: f32, relu: bool) -> Option<Self> {
        self.norm.is_none().then(|| Forward { norm: Some((eps, relu)), ..self.clone() })
    }
}

impl Op for Forward {
    fn name(&self) -> &'static str {
        if self.norm.is_some() { "conv2d_norm" } else { "conv2d" }
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        let g = self.spec.geometry(&inputs[0], &inputs[1])?;
        let cout = g.groups * g.cout;
        match inputs[2..].iter().find(|b| ***b != [cout]) {
            Some(b) => Err(Error::shape("conv2d bias", format!("({cout})"), b.to_string())),
            _ => Ok(vec![[g.n, cout, g.output[0], g.output[1]].into()]),
        }
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], wanted: &[bool]) -> Result<Vec<Option<Var>>> {
        let inputs = g.inputs(node).to_vec();
        let Some(dy) = dy[0] else { return Ok(vec![None; inputs.len()]) };
        let geometry = self.spec.geometry(g.shape(inputs[0]), g.shape(inputs[1]))?;
        let mut out = vec![None; inputs.len()];
        if wanted[0] {
            out[0] = Some(g.apply1(BackwardInput { geometry, variant: self.variant }, &[inputs[1], dy])?);
        }
        if wanted[1] {
            out[1] = Some(g.apply1(BackwardWeight { geometry, variant: self.variant }, &[inputs[0], dy])?);
        }
        if wanted.get(2) == Some(&true) {
            let s = g.shape(dy).clone();
            let flat = reshape(g, dy, [s[0], s[1], s[2] * s[3]])?;
            let per_image = sum(g, flat, 2)?;
            out[2] = Some(sum(g, per_image, 0)?);
        }
        Ok(out)
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let g = self.spec.geometry(cx.input_shape(0), cx.input_shape(1))?;
        let variant = variant(cx, self.variant, &g, Pass::Forward);
        let epilogue = match self.norm {
            Some((eps, relu)) => Epilogue::Norm { scale: cx.input(2), bias: cx.input(3), mean: cx.input(4), var: cx.input(5), eps, relu },
            None if cx.input_count() == 3 => Epilogue::Bias(cx.input(2)),
            None => Epilogue::None,
        };
        let (target, x, weight, y) = (cx.target(), cx.input(0), cx.input(1), cx.output(0));
        let launches = kernel::forward(variant, target, &g, epilogue, [x, weight, y], |elements| cx.scratch(elements));
        launch_all(cx, launches, 1);
        Ok(())
    }
}

/// Inputs weight, dy; output dx.
struct BackwardInput {
    geometry: Geometry,
    variant: Option<Variant>,
}

impl Op for BackwardInput {
    fn name(&self) -> &'static str {
        "conv2d_bwd_input"
    }
    fn shapes(&self, _: &[Shape]) -> Result<Vec<Shape>> {
        let g = &self.geometry;
        Ok(vec![[g.n, g.groups * g.cin, g.input[0], g.input[1]].into()])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let variant = variant(cx, self.variant, &self.geometry, Pass::Input);
        let (target, weight, dy, dx) = (cx.target(), cx.input(0), cx.input(1), cx.output(0));
        let launches = kernel::backward_input(variant, target, &self.geometry, weight, dy, dx, |elements| cx.scratch(elements));
        launch_all(cx, launches, 0);
        Ok(())
    }
}

/// Inputs x, dy; output dw.
struct BackwardWeight {
    geometry: Geometry,
    variant: Option<Variant>,
}

impl Op for BackwardWeight {
    fn name(&self) -> &'static str {
        "conv2d_bwd_weight"
    }
    fn shapes(&self, _: &[Shape]) -> Result<Vec<Shape>> {
        let g = &self.geometry;
        Ok(vec![[g.groups * g.cout, g.cin, g.kernel[0], g.kernel[1]].into()])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let g = &self.geometry;
        let variant = variant(cx, self.variant, g, Pass::Weight);
        let (target, x, dy, dw) = (cx.target(), cx.input(0), cx.input(1), cx.output(0));
        let launches = kernel::backward_weight(variant, target, g, x, dy, dw, |elements| cx.scratch(elements));
        launches.into_iter().for_each(|l| cx.launch(l));
        Ok(())
    }
}

/// `y[n,o] = bias[o] + Σ_c weight[o,c] ⋆ x[n,c]`: x (N, C, H, W), weight (O, C/groups, kh, kw), bias (O).
///
/// # Errors
/// When the shapes do not fit each other.
pub fn conv2d(g: &mut Graph, x: Var, weight: Var, bias: Option<Var>, spec: Conv2d) -> Result<Var> {
    apply(g, x, weight, bias, spec, None)
}

/// [`conv2d`] and its gradients by a given variant, for tests and tuning.
///
/// # Errors
/// See [`conv2d`].
pub fn conv2d_with(g: &mut Graph, x: Var, weight: Var, bias: Option<Var>, spec: Conv2d, variant: Variant) -> Result<Var> {
    apply(g, x, weight, bias, spec, Some(variant))
}

fn apply(g: &mut Graph, x: Var, weight: Var, bias: Option<Var>, spec: Conv2d, variant: Option<Variant>) -> Result<Var> {
    let inputs: Vec<Var> = [Some(x), Some(weight), bias].into_iter().flatten().collect();
    g.apply1(Forward { spec, variant, norm: None }, &inputs)
}

/// 1-D convolution: x (N, C, L), weight (O, C, k), bias (O) -> (N, O, L').
///
/// # Errors
/// When the shapes do not fit each other.
pub fn conv1d(g: &mut Graph, x: Var, weight: Var, bias: Option<Var>, stride: usize, padding: usize) -> Result<Var> {
    let (s, w) = (g.shape(x).clone(), g.shape(weight).clone());
    if s.rank() != 3 || w.rank() != 3 {
        return Err(Error::shape("conv1d", "x (N, C, L) and weight (O, C, k)", format!("{s} and {w}")));
    }
    let x = reshape(g, x, [s[0], s[1], 1, s[2]])?;
    let weight = reshape(g, weight, [w[0], w[1], 1, w[2]])?;
    let spec = Conv2d { stride: [1, stride], padding: [0, padding], ..Conv2d::default() };
    let y = conv2d(g, x, weight, bias, spec)?;
    let s = g.shape(y).clone();
    reshape(g, y, [s[0], s[1], s[3]])
}

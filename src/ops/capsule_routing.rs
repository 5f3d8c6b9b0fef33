//! Routing by agreement between capsules.

use super::{arity, squash};
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Var};
use crate::kernels::capsule_routing::Routing;
use crate::{Error, Result};

/// Inputs u (B, N, I) and weight (J, N, O, I); outputs the last weighted sums (B, J, O) and their coefficients (B, J, N).
struct Route {
    iterations: usize,
}

fn extents(u: &Shape, weight: &Shape) -> Result<Routing> {
    match (u.0.as_slice(), weight.0.as_slice()) {
        (&[batch, n, i], &[outputs, capsules, size, inner]) if (n, i) == (capsules, inner) && u.elements() * weight.elements() > 0 => {
            Ok(Routing { batch, outputs, capsules, size, inner })
        }
        _ => Err(Error::shape("capsule_routing", "capsules (B, N, I) and weights (J, N, O, I)", format!("{u} and {weight}"))),
    }
}

impl Op for Route {
    fn name(&self) -> &'static str {
        "capsule_routing"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("capsule_routing", inputs, 2)?;
        let r = extents(&inputs[0], &inputs[1])?;
        Ok(vec![[r.batch, r.outputs, r.size].into(), [r.batch, r.outputs, r.capsules].into()])
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], wanted: &[bool]) -> Result<Vec<Option<Var>>> {
        let Some(ds) = dy[0] else { return Ok(vec![None, None]) };
        let (u, weight, c) = (g.inputs(node)[0], g.inputs(node)[1], g.output_of(node, 1));
        let mut gradient = |wanted: bool, part: Part| if wanted { g.apply1(part, &[u, weight, c, ds]).map(Some) } else { Ok(None) };
        Ok(vec![gradient(wanted[0], Part::Capsules)?, gradient(wanted[1], Part::Weight)?])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let r = extents(cx.input_shape(0), cx.input_shape(1))?;
        let caps = &cx.target().caps;
        let said = cx.scratch(r.predictions());
        let partial = cx.scratch(r.batch * r.outputs * r.slices(caps) * r.size);
        let agreed = cx.scratch(r.batch * r.outputs * r.size);
        let (s, c) = (cx.output(0), cx.output(1));
        cx.launch(r.predict(caps).bind("u", cx.input(0)).bind("weight", cx.input(1)).bind("said", said));
        for iteration in 0..self.iterations {
            let first = iteration == 0;
            cx.launch(r.share(caps, first).bind("said_in", said).bind("agreed", agreed).bind("share", c));
            cx.launch(r.weigh(caps).bind("said_in", said).bind("share_in", c).bind("partial", partial));
            cx.launch(r.combine(caps, first).bind("partial_in", partial).bind("s", s).bind("agreement", agreed));
        }
        Ok(())
    }
}

/// Inputs u, weight, c, ds; output the gradient of one of the first two.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Capsules,
    Weight,
}

impl Op for Part {
    fn name(&self) -> &'static str {
        "capsule_routing_bwd"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![inputs[usize::from(*self == Part::Weight)].clone()])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let r = extents(cx.input_shape(0), cx.input_shape(1))?;
        let caps = &cx.target().caps;
        let launch = match self {
            Part::Capsules => r.backward_capsules(caps).bind("weight", cx.input(1)).bind("du", cx.output(0)),
            Part::Weight => r.backward_weight(caps).bind("u", cx.input(0)).bind("dweight", cx.output(0)),
        };
        cx.launch(launch.bind("c", cx.input(2)).bind("ds", cx.input(3)));
        Ok(())
    }
}

/// Routing by agreement (Sabour et al. 2017): capsules `u` (B, N, I) predict outputs by `weight` (J, N, O, I), `û[j,n] = W[j,n] u[n]`; in
/// each of `iterations`, `v[j] = squash(Σ_n c[j,n] û[j,n])` with coefficients that are a softmax over the outputs of `û[j,n]` times the sum
/// of the `v[j]` before: (B, J, O). The coefficients are constants to the gradient, as in the released code: only the last weighted sum
/// and its squash carry it.
///
/// # Errors
/// When shapes do not fit, or there is no iteration.
pub fn capsule_routing(g: &mut Graph, u: Var, weight: Var, iterations: usize) -> Result<Var> {
    if iterations == 0 {
        return Err(Error::shape("capsule_routing", "at least one iteration", "0"));
    }
    let sums = g.apply(Route { iterations }, &[u, weight])?[0];
    squash(g, sums)
}

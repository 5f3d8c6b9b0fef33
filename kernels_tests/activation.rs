//! Cases of `activation.wgsl`: relu_fwd relu_bwd, sigmoid_fwd sigmoid_bwd, tanh_fwd tanh_bwd, gelu_fwd gelu_bwd.

use crate::case::{awkward, check, normal, tol};
use emotone::kernels::activation::Kind;
use emotone::ops;
use emotone::reference::activation as reference;

#[test]
fn every_activation_near_zero_and_far_out() {
    for kind in [Kind::Relu, Kind::Sigmoid, Kind::Tanh, Kind::Gelu] {
        for scale in [0.01, 2.0, 30.0] {
            for n in awkward(128) {
                let mut x = normal(n as u64, [n]);
                x.values.iter_mut().for_each(|v| *v = f64::from((*v * scale) as f32));
                check(
                    &format!("{kind:?} of {n} at scale {scale}"),
                    tol::FUNCTION,
                    &[x],
                    |g, x| {
                        Ok(vec![match kind {
                            Kind::Relu => ops::relu(g, x[0])?,
                            Kind::Sigmoid => ops::sigmoid(g, x[0])?,
                            Kind::Tanh => ops::tanh(g, x[0])?,
                            Kind::Gelu => ops::gelu(g, x[0])?,
                        }])
                    },
                    |x| vec![reference::forward(kind, &x[0])],
                    |x, dy| vec![Some(reference::backward(kind, &x[0], &dy[0]))],
                );
            }
        }
    }
}

//! 2-D convolution in plain loops.

use super::Real;
use crate::kernels::conv2d::Geometry;

/// Calls `f(index of y, index of x, index of weight, output channel)` for every product of the sum.
fn each(g: &Geometry, mut f: impl FnMut(usize, usize, usize, usize)) {
    let ([h, w], [oh, ow], [kh, kw]) = (g.input, g.output, g.kernel);
    for n in 0..g.n {
        for o in 0..g.groups * g.cout {
            let group = o / g.cout;
            for oy in 0..oh {
                for ox in 0..ow {
                    let y = ((n * g.groups * g.cout + o) * oh + oy) * ow + ox;
                    for c in 0..g.cin {
                        for ky in 0..kh {
                            for kx in 0..kw {
                                let iy = (oy * g.stride[0] + ky * g.dilation[0]).wrapping_sub(g.padding[0]);
                                let ix = (ox * g.stride[1] + kx * g.dilation[1]).wrapping_sub(g.padding[1]);
                                if iy < h && ix < w {
                                    let x = ((n * g.groups * g.cin + group * g.cin + c) * h + iy) * w + ix;
                                    f(y, x, ((o * g.cin + c) * kh + ky) * kw + kx, o);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// `y = x * weight`.
pub fn forward<R: Real>(g: &Geometry, x: &[R], weight: &[R]) -> Vec<R> {
    let mut y = vec![R::zero(); g.elements()[2]];
    each(g, |iy, ix, iw, _| y[iy] += x[ix] * weight[iw]);
    y
}

/// `(dx, dweight)`.
pub fn backward(g: &Geometry, x: &[f64], weight: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (mut dx, mut dw) = (vec![0.0; x.len()], vec![0.0; weight.len()]);
    each(g, |iy, ix, iw, _| {
        dx[ix] += dy[iy] * weight[iw];
        dw[iw] += dy[iy] * x[ix];
    });
    (dx, dw)
}

#[cfg(test)]
mod tests {
    use super::super::{check_vjp, noise};
    use super::*;

    #[test]
    fn vjp_is_the_derivative() {
        let g = Geometry {
            n: 2,
            groups: 2,
            cin: 2,
            cout: 3,
            input: [5, 6],
            output: [3, 2],
            kernel: [3, 2],
            stride: [2, 3],
            padding: [1, 1],
            dilation: [1, 2],
        };
        let [x, w, _] = g.elements();
        check_vjp(
            &[noise(1, x), noise(2, w)],
            |x| forward(&g, &x[0], &x[1]),
            |x, dy| {
                let (dx, dw) = backward(&g, &x[0], &x[1], dy);
                vec![Some(dx), Some(dw)]
            },
        );
    }
}

//! Max and average pooling of planes.

use super::Real;
use crate::kernels::pool2d::Pool;

/// For each output its window's inputs, in row order, and what an average divides by.
fn windows(p: &Pool) -> Vec<(Vec<usize>, f64)> {
    let ([h, w], mut out) = (p.input, Vec::new());
    for row in 0..p.rows {
        for oy in 0..p.output[0] {
            for ox in 0..p.output[1] {
                let (mut inside, mut size) = (Vec::new(), 0);
                for ky in 0..p.kernel[0] {
                    for kx in 0..p.kernel[1] {
                        let (py, px) = (oy * p.stride[0] + ky, ox * p.stride[1] + kx);
                        let (iy, ix) = (py.wrapping_sub(p.padding[0]), px.wrapping_sub(p.padding[1]));
                        let real = iy < h && ix < w;
                        if real {
                            inside.push((row * h + iy) * w + ix);
                        }
                        let padded = py < h + 2 * p.padding[0] && px < w + 2 * p.padding[1];
                        size += usize::from(if p.count_pad { padded } else { real });
                    }
                }
                out.push((inside, size as f64));
            }
        }
    }
    out
}

/// The first maximum; the first NaN where there is one.
fn first_max<R: Real>(x: &[R], window: &[usize]) -> usize {
    let nan = |i: usize| x[i].partial_cmp(&x[i]).is_none();
    let larger = |i, best| !nan(best) && (nan(i) || x[i] > x[best]);
    window.iter().skip(1).fold(window[0], |best, &i| if larger(i, best) { i } else { best })
}

/// Each window's maximum.
pub fn max<R: Real>(p: &Pool, x: &[R]) -> Vec<R> {
    windows(p).iter().map(|(window, _)| x[first_max(x, window)]).collect()
}

/// `dx` of the maximum.
pub fn max_backward(p: &Pool, x: &[f64], dy: &[f64]) -> Vec<f64> {
    let mut dx = vec![0.0; x.len()];
    for ((window, _), d) in windows(p).iter().zip(dy) {
        dx[first_max(x, window)] += d;
    }
    dx
}

/// Each window's average.
pub fn avg<R: Real>(p: &Pool, x: &[R]) -> Vec<R> {
    windows(p).iter().map(|(window, size)| window.iter().fold(R::zero(), |s, &i| s + x[i]) / R::of(*size)).collect()
}

/// `dx` of the average.
pub fn avg_backward(p: &Pool, dy: &[f64]) -> Vec<f64> {
    let mut dx = vec![0.0; p.rows * p.input[0] * p.input[1]];
    for ((window, size), d) in windows(p).iter().zip(dy) {
        for &i in window {
            dx[i] += d / size;
        }
    }
    dx
}

#[cfg(test)]
mod tests {
    use super::super::{check_vjp, noise};
    use super::*;

    #[test]
    fn vjp_is_the_derivative() {
        let p = Pool { rows: 2, input: [5, 6], output: [3, 3], kernel: [3, 3], stride: [2, 2], padding: [1, 1], count_pad: true };
        check_vjp(&[noise(1, 60)], |x| max(&p, &x[0]), |x, dy| vec![Some(max_backward(&p, &x[0], dy))]);
        for count_pad in [false, true] {
            let p = Pool { count_pad, ..p };
            check_vjp(&[noise(1, 60)], |x| avg(&p, &x[0]), |_, dy| vec![Some(avg_backward(&p, dy))]);
        }
    }
}

//! Cases of `batch_norm.wgsl`: batch_norm_stats batch_norm_fwd batch_norm_bwd_sums batch_norm_bwd_record batch_norm_bwd
//! batch_norm_running.

use crate::case::{In, check, given, normal, tol};
use emotone::ops;
use emotone::reference::{batch_norm as reference, noise};

const EPS: f64 = 1e-5;

/// Far from zero against its deviation, where a one-pass variance would fail.
fn x(shape: [usize; 3]) -> In {
    let mut x = normal(1, shape);
    x.values.iter_mut().for_each(|v| *v = f64::from((*v + 40.0) as f32));
    x
}

#[test]
fn train_and_eval_with_and_without_relu() {
    for e in [(2, 1, 1), (5, 3, 7), (2, 7, 64), (3, 33, 9), (2, 4, 131), (4, 33, 6), (3, 43, 5), (1, 3, 130)] {
        for (relu, train) in [(false, true), (true, true), (false, false), (true, false)] {
            let (mean, var) = (vec![40.1; e.1], noise(9, e.1).iter().map(|v| 0.5 + v * v).collect::<Vec<f64>>());
            let mut inputs = vec![x([e.0, e.1, e.2]), normal(2, [e.1]), normal(3, [e.1])];
            if !train {
                inputs.extend([given([e.1], &mean), given([e.1], &var)]);
            }
            let stats = |x: &[Vec<f64>]| if train { reference::statistics(e, &x[0]) } else { (x[3].clone(), x[4].clone()) };
            check(
                &format!("batch norm {e:?} relu {relu} train {train}"),
                // Two roundings of x − μ at μ = 40, on values of order one, and a sum.
                if train { 10.0 * tol::SUM } else { tol::SUM },
                &inputs,
                |g, x| {
                    Ok(vec![match train {
                        true => ops::batch_norm_train(g, x[0], x[1], x[2], EPS as f32, relu)?.0,
                        false => ops::batch_norm_eval(g, x[0], x[1], x[2], x[3], x[4], EPS as f32, relu)?,
                    }])
                },
                |x| {
                    let (m, v) = stats(x);
                    vec![reference::forward(e, &x[0], &x[1], &x[2], &m, &v, EPS, relu)]
                },
                |x, dy| {
                    let (m, v) = stats(x);
                    let (dx, dw, db) = reference::backward(e, &x[0], &x[1], &x[2], &m, &v, EPS, relu, train, &dy[0]);
                    let mut all = vec![Some(dx), Some(dw), Some(db)];
                    all.resize(x.len(), None);
                    all
                },
            );
        }
    }
}

#[test]
fn running_statistics_are_unbiased() {
    let e = (3, 5, 7);
    let mut inputs = vec![x([e.0, e.1, e.2]), normal(2, [e.1]), normal(3, [e.1])];
    inputs.extend([normal(4, [e.1]), given([e.1], &[0.7; 5])]);
    inputs.iter_mut().for_each(|i| i.diff = false);
    check(
        "running statistics",
        tol::SUM,
        &inputs,
        |g, x| {
            let (_, mean, rstd) = ops::batch_norm_train(g, x[0], x[1], x[2], EPS as f32, false)?;
            let (m, v) = ops::batch_norm_running(g, x[3], x[4], mean, rstd, e.0 * e.2, 0.1, EPS as f32)?;
            Ok(vec![m, v])
        },
        |x| {
            let (mean, var) = reference::statistics(e, &x[0]);
            let n = (e.0 * e.2) as f64;
            let m = (0..e.1).map(|c| 0.9 * x[3][c] + 0.1 * mean[c]).collect();
            let v = (0..e.1).map(|c| 0.9 * x[4][c] + 0.1 * var[c] * n / (n - 1.0)).collect();
            vec![m, v]
        },
        |x, _| vec![None; x.len()],
    );
}

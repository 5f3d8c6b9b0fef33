//! Batch norm in training and evaluation, with and without ReLU, and its running statistics.

use super::{Case, Input, LENGTHS, Values, fixed, given, normal, tol};
use crate::graph::Var;
use crate::kernels::Target;
use crate::{Result, ops};
use crate::reference::batch_norm as reference;

const EPS: f64 = 1e-5;

/// The reference by the parameters among the inputs and these statistics.
fn norm<'a>(extents: reference::Extents, x: &'a Values, [mean, var]: [&'a [f64]; 2], relu: bool) -> reference::Norm<'a, f64> {
    reference::Norm { extents, weight: &x[1], bias: &x[2], mean, var, eps: EPS, relu }
}

/// Batch norm of `x` (b, c, inner) by the statistics of the batch.
pub fn train(x: Input, relu: bool) -> Case {
    let e = (x.shape[0], x.shape[1], x.shape[2..].iter().product());
    let name = format!("training, {}, relu {relu}", x.shape);
    let build = move |g: &mut _, x: &mut [_]| Ok(ops::batch_norm_train(g, x[0], x[1], x[2], EPS as f32, relu)?.0);
    Case::new("batch norm", name, [x, normal(2, [e.1]), normal(3, [e.1])], build)
        .forward(move |x| {
            let (m, v) = reference::statistics(e, &x[0]);
            norm(e, x, [&m, &v], relu).forward(&x[0])
        })
        .backward(move |x, dy| {
            let (m, v) = reference::statistics(e, &x[0]);
            norm(e, x, [&m, &v], relu).backward(true, &x[0], &dy[0])
        })
        // Two roundings of x − μ at μ = 40, on values of order one, and a sum.
        .tolerance(10.0 * tol::SUM)
}

/// Batch norm by running statistics; `alone`: of its gradients that of x only, for which the sums need not run.
fn eval(x: Input, mean: Input, relu: bool, alone: bool) -> Case {
    let e = (x.shape[0], x.shape[1], x.shape[2]);
    let name = format!("evaluation, {}, relu {relu}, {}", x.shape, if alone { "dx alone" } else { "every gradient" });
    let mut inputs = vec![x, normal(2, [e.1]), normal(3, [e.1]), mean, fixed(9, [e.1]).map(|v| 0.5 + v * v)];
    inputs[1..3].iter_mut().for_each(|i| i.differentiable = !alone);
    let build = move |g: &mut _, x: &mut [_]| ops::batch_norm_eval(g, x[0], [x[1], x[2]], [x[3], x[4]], EPS as f32, relu);
    Case::new("batch norm", name, inputs, build)
        .forward(move |x| norm(e, x, [&x[3], &x[4]], relu).forward(&x[0]))
        .backward(move |x, dy| {
            let (dx, dw, db) = norm(e, x, [&x[3], &x[4]], relu).backward(false, &x[0], &dy[0]);
            if alone { vec![dx] } else { vec![dx, dw, db] }
        })
        .tolerance(tol::SUM)
}

/// The unbiased variance, and a running share of it.
fn running() -> Case {
    let e = (3, 5, 7);
    let inputs = [fixed(1, [3, 5, 7]).map(|v| v + 40.0), fixed(2, [5]), fixed(3, [5]), fixed(4, [5]), given([5], [0.7; 5])];
    let build = move |g: &mut _, x: &mut [_]| {
        let (_, mean, rstd) = ops::batch_norm_train(g, x[0], x[1], x[2], EPS as f32, false)?;
        ops::batch_norm_running(g, [x[3], x[4]], [mean, rstd], e.0 * e.2, 0.1, EPS as f32)
    };
    Case::new("batch norm", "running statistics", inputs, build)
        .forward(move |x| {
            let (mean, var) = reference::statistics(e, &x[0]);
            let n = (e.0 * e.2) as f64;
            let share = |old: &[f64], new: &[f64], scale: f64| old.iter().zip(new).map(|(o, n)| 0.9 * o + 0.1 * scale * n).collect();
            [share(&x[3], &mean, 1.0), share(&x[4], &var, n / (n - 1.0))]
        })
        .tolerance(tol::SUM)
}

/// Batch norm of the first channels of tensors `pieces` (stored, normalised), which are handed on to another reader.
fn pieces(n: usize, inner: usize, pieces: &'static [(usize, usize)], train: bool, relu: bool) -> Case {
    let c = pieces.iter().map(|p| p.1).sum();
    let e = (n, c, inner);
    let k = pieces.len();
    let name = format!("pieces {pieces:?} of {n} x {inner}, train {train}, relu {relu}");
    let mut inputs: Vec<Input> = pieces.iter().enumerate().map(|(i, p)| normal(10 + i as u64, [n, p.0, inner])).collect();
    inputs.extend([normal(2, [c]), normal(3, [c]), fixed(8, [c]), fixed(9, [c]).map(|v| 0.5 + v * v)]);
    let build = move |g: &mut _, x: &mut [Var]| {
        let given: Vec<(Var, usize)> = x.iter().zip(pieces).map(|(x, p)| (*x, p.1)).collect();
        let normed = match train {
            true => ops::batch_norm_pieces_train(g, &given, [x[k], x[k + 1]], EPS as f32, relu)?,
            false => ops::batch_norm_pieces_eval(g, &given, [x[k], x[k + 1]], [x[k + 2], x[k + 3]], EPS as f32, relu)?,
        };
        // What reads the pieces afterwards makes their gradients by an op.
        let doubled = normed.pieces.iter().map(|p| ops::scale(g, *p, 2.0)).collect::<Result<Vec<_>>>()?;
        Ok([vec![normed.y], doubled].concat())
    };
    // The channels of piece i that are normalised, in the order of y, to it and back.
    let places = move |i: usize| -> Vec<(usize, usize)> {
        let (stored, taken) = pieces[i];
        let first: usize = pieces[..i].iter().map(|p| p.1).sum();
        let all = (0..n).flat_map(move |b| (0..taken * inner).map(move |j| (b, j)));
        all.map(|(b, j)| (b * stored * inner + j, (b * c + first) * inner + j)).collect()
    };
    let whole = move |x: &Values| {
        let mut all = vec![0.0; n * c * inner];
        (0..k).for_each(|i| places(i).into_iter().for_each(|(from, to)| all[to] = x[i][from]));
        all
    };
    let by = move |x: &Values, all: &[f64]| if train { reference::statistics(e, all) } else { (x[k + 2].clone(), x[k + 3].clone()) };
    let normed = move |x: &Values| {
        let all = whole(x);
        let (mean, var) = by(x, &all);
        (all, [x[k].clone(), x[k + 1].clone(), mean, var])
    };
    let norm = move |[weight, bias, mean, var]: [&[f64]; 4], f: &mut dyn FnMut(reference::Norm<f64>)| {
        f(reference::Norm { extents: e, weight, bias, mean, var, eps: EPS, relu });
    };
    Case::new("batch norm", name, inputs, build)
        .forward(move |x| {
            let (all, given) = normed(x);
            let mut out = Vec::new();
            norm(given.each_ref().map(Vec::as_slice), &mut |n| out.push(n.forward(&all)));
            out.extend((0..k).map(|i| x[i].iter().map(|v| 2.0 * v).collect()));
            out
        })
        .backward(move |x, dy| {
            let (all, given) = normed(x);
            let mut out: Vec<Vec<f64>> = dy[1..].iter().map(|d| d.iter().map(|v| 2.0 * v).collect()).collect();
            norm(given.each_ref().map(Vec::as_slice), &mut |n| {
                let (dx, dw, db) = n.backward(train, &all, &dy[0]);
                (0..k).for_each(|i| places(i).into_iter().for_each(|(to, from)| out[i][to] += dx[from]));
                out.extend([dw, db]);
            });
            out
        })
        .tolerance(tol::SUM)
}

/// The cases. Values lie far from zero against their standard deviation, where a one-pass variance would fail.
pub fn cases(_: &Target) -> Vec<Case> {
    let far = |shape: [usize; 3]| normal(1, shape).map(|v| v + 40.0);
    let mut all = vec![running(), eval(normal(1, [3, 5, 9]), fixed(8, [5]), true, true)];
    for relu in [false, true] {
        for e in [[2, 1, 1], [5, 3, 7], [2, 7, 64], [3, 33, 9], [2, 4, 131], [4, 33, 6], [3, 43, 5], [1, 3, 130], [3, 2, 1999]] {
            all.push(train(far(e), relu));
            all.push(eval(far(e), given([e[1]], vec![40.1; e[1]]), relu, false));
        }
        for train in [false, true] {
            all.push(pieces(2, 6, &[(3, 3), (9, 4)], train, relu));
            all.push(pieces(3, 7, &[(5, 1), (2, 2), (40, 33)], train, relu));
            all.push(pieces(2, 64, &[(70, 66)], train, relu));
            all.push(pieces(3, 1000, &[(3, 2), (1, 1)], train, relu));
        }
        all.extend(LENGTHS.map(|n| train(normal(1, [3, 5, n]), relu).doctor(true)));
    }
    all
}

//! A decoder with additive attention over x (b, t, d) that emits distributions over `out` and is fed with them.

use super::Real;
use super::lstm::sigmoid;

/// Extents, and whether the sequence is read from its end.
#[derive(Debug, Clone, Copy)]
pub struct Extents {
    /// Sequences.
    pub b: usize,
    /// Times, and steps.
    pub t: usize,
    /// Width of a vector.
    pub d: usize,
    /// Width of the state.
    pub units: usize,
    /// Width of an output.
    pub out: usize,
    /// From the last time to the first; outputs stand in the order of x.
    pub reverse: bool,
}

/// Places of the tensors: x, then state, query, key and its bias, score, and reset, update, candidate, output, each with its bias.
const X: usize = 0;
const STATE: usize = 1;
const QUERY: usize = 2;
const KEY: usize = 3;
const KEY_BIAS: usize = 4;
const SCORE: usize = 5;
const RESET: usize = 6;
const UPDATE: usize = 8;
const CANDIDATE: usize = 10;
const OUTPUT: usize = 12;

impl Extents {
    /// Shapes of the tensors in their order.
    pub fn shapes(&self) -> Vec<Vec<usize>> {
        let Extents { b, t, d, units, out, .. } = *self;
        let n = out + units + d;
        let gate = [vec![units, n], vec![units]];
        let heads = [vec![b, t, d], vec![units, d], vec![units, units], vec![units, d], vec![units], vec![1, units]];
        heads.into_iter().chain([gate.clone(), gate.clone(), gate, [vec![out, n], vec![out]]].concat()).collect()
    }

    /// Time of a step.
    fn time(&self, step: usize) -> usize {
        if self.reverse { self.t - 1 - step } else { step }
    }
}

/// `W v (+ b)`.
fn affine<R: Real>(w: &[R], b: Option<&[R]>, v: &[R]) -> Vec<R> {
    let row = |(i, w): (usize, &[R])| {
        let mut z = b.map_or(R::zero(), |b| b[i]);
        w.iter().zip(v).for_each(|(&w, &v)| z += w * v);
        z
    };
    w.chunks(v.len()).enumerate().map(row).collect()
}

fn softmax<R: Real>(v: &[R]) -> Vec<R> {
    let m = v.iter().fold(v[0], |m, &x| m.max(x));
    let e: Vec<R> = v.iter().map(|&x| (x - m).exp()).collect();
    let mut s = R::zero();
    e.iter().for_each(|&x| s += x);
    e.into_iter().map(|x| x / s).collect()
}

/// What a step has seen and made.
struct Step<R> {
    s: Vec<R>,
    y: Vec<R>,
    /// `tanh(query s + key x[t])` of each time.
    h: Vec<Vec<R>>,
    a: Vec<R>,
    c: Vec<R>,
    r: Vec<R>,
    z: Vec<R>,
    new: Vec<R>,
    out: Vec<R>,
}

/// The steps of clip `i`, and the state after them.
fn steps<R: Real>(e: Extents, p: &[Vec<R>], i: usize) -> Vec<Step<R>> {
    let x = |t: usize| &p[X][(i * e.t + t) * e.d..][..e.d];
    let gate = |at: usize, v: &[R]| affine(&p[at], Some(&p[at + 1]), v);
    let keys: Vec<Vec<R>> = (0..e.t).map(|t| affine(&p[KEY], Some(&p[KEY_BIAS]), x(t))).collect();
    let mut s: Vec<R> = affine(&p[STATE], None, x(e.time(0))).into_iter().map(R::tanh).collect();
    let mut y = vec![R::zero(); e.out];
    let mut all = Vec::new();
    for _ in 0..e.t {
        let query = affine(&p[QUERY], None, &s);
        let h: Vec<Vec<R>> = keys.iter().map(|k| k.iter().zip(&query).map(|(&k, &q)| (k + q).tanh()).collect()).collect();
        let logits: Vec<R> = h.iter().map(|h| affine(&p[SCORE], None, h)[0]).collect();
        let a = softmax(&logits);
        let mut c = vec![R::zero(); e.d];
        for (t, &a) in a.iter().enumerate() {
            c.iter_mut().zip(x(t)).for_each(|(c, &x)| *c += a * x);
        }
        let v = [y.clone(), s.clone(), c.clone()].concat();
        let [r, z] = [RESET, UPDATE].map(|at| gate(at, &v).into_iter().map(sigmoid).collect::<Vec<R>>());
        let rs: Vec<R> = r.iter().zip(&s).map(|(&r, &s)| r * s).collect();
        let new: Vec<R> = gate(CANDIDATE, &[y.clone(), rs, c.clone()].concat()).into_iter().map(R::tanh).collect();
        let out = softmax(&gate(OUTPUT, &v));
        let next = (0..e.units).map(|u| (R::of(1.0) - z[u]) * s[u] + z[u] * new[u]).collect();
        all.push(Step { s: std::mem::replace(&mut s, next), y: std::mem::replace(&mut y, out.clone()), h, a, c, r, z, new, out });
    }
    all
}

/// Outputs (b, t, out) from x and the weights, in the order of [`Extents::shapes`].
pub fn forward<R: Real>(e: Extents, p: &[Vec<R>]) -> Vec<R> {
    let mut ys = vec![R::zero(); e.b * e.t * e.out];
    for i in 0..e.b {
        for (step, made) in steps(e, p, i).iter().enumerate() {
            ys[(i * e.t + e.time(step)) * e.out..][..e.out].copy_from_slice(&made.out);
        }
    }
    ys
}

/// `dw += d vᵀ`, `db += d`; `Wᵀ d`.
fn back(w: &[f64], dw: &mut [f64], d: &[f64], v: &[f64]) -> Vec<f64> {
    let mut dv = vec![0.0; v.len()];
    for (i, d) in d.iter().enumerate() {
        for (j, v) in v.iter().enumerate() {
            dw[i * dv.len() + j] += d * v;
            dv[j] += d * w[i * dv.len() + j];
        }
    }
    dv
}

fn add(to: &mut [f64], v: &[f64]) {
    to.iter_mut().zip(v).for_each(|(a, b)| *a += b);
}

/// Gradient of softmax's input.
fn back_softmax(y: &[f64], d: &[f64]) -> Vec<f64> {
    let dot: f64 = y.iter().zip(d).map(|(y, d)| y * d).sum();
    y.iter().zip(d).map(|(y, d)| y * (d - dot)).collect()
}

/// Gradients of x and the weights.
pub fn backward(e: Extents, p: &[Vec<f64>], dys: &[f64]) -> Vec<Vec<f64>> {
    let mut g: Vec<Vec<f64>> = p.iter().map(|v| vec![0.0; v.len()]).collect();
    for i in 0..e.b {
        let (mut dy, mut ds, mut dkeys) = (vec![0.0; e.out], vec![0.0; e.units], vec![vec![0.0; e.units]; e.t]);
        let all = steps(e, p, i);
        for (step, made) in all.iter().enumerate().rev() {
            add(&mut dy, &dys[(i * e.t + e.time(step)) * e.out..][..e.out]);
            (dy, ds) = step_back(e, p, made, i, [&dy, &ds], &mut g, &mut dkeys);
        }
        for (t, d) in dkeys.iter().enumerate() {
            let at = (i * e.t + t) * e.d;
            add(&mut g[KEY_BIAS], d);
            let dx = back(&p[KEY], &mut g[KEY], d, &p[X][at..][..e.d]);
            add(&mut g[X][at..][..e.d], &dx);
        }
        let at = (i * e.t + e.time(0)) * e.d;
        let d: Vec<f64> = ds.iter().zip(&all[0].s).map(|(d, s)| d * (1.0 - s * s)).collect();
        let dx = back(&p[STATE], &mut g[STATE], &d, &p[X][at..][..e.d]);
        add(&mut g[X][at..][..e.d], &dx);
    }
    g
}

/// A step: from the gradients of its y and s after it to those before it.
fn step_back(
    e: Extents,
    p: &[Vec<f64>],
    m: &Step<f64>,
    i: usize,
    [dy, ds]: [&[f64]; 2],
    g: &mut [Vec<f64>],
    dkeys: &mut [Vec<f64>],
) -> (Vec<f64>, Vec<f64>) {
    let each = |f: &dyn Fn(usize) -> f64| (0..e.units).map(f).collect::<Vec<f64>>();
    let v = [m.y.clone(), m.s.clone(), m.c.clone()].concat();
    let fed = [m.y.clone(), each(&|u| m.r[u] * m.s[u]), m.c.clone()].concat();
    let dz = each(&|u| ds[u] * (m.new[u] - m.s[u]) * m.z[u] * (1.0 - m.z[u]));
    let dnew = each(&|u| ds[u] * m.z[u] * (1.0 - m.new[u] * m.new[u]));
    add(&mut g[CANDIDATE + 1], &dnew);
    let dfed = back(&p[CANDIDATE], &mut g[CANDIDATE], &dnew, &fed);
    let drs = &dfed[e.out..][..e.units];
    let dr = each(&|u| drs[u] * m.s[u] * m.r[u] * (1.0 - m.r[u]));
    let mut dv = dfed.clone();
    (0..e.units).for_each(|u| dv[e.out + u] = drs[u] * m.r[u] + ds[u] * (1.0 - m.z[u]));
    for (at, d) in [(RESET, dr), (UPDATE, dz), (OUTPUT, back_softmax(&m.out, dy))] {
        add(&mut g[at + 1], &d);
        let part = back(&p[at], &mut g[at], &d, &v);
        add(&mut dv, &part);
    }
    let dc = dv[e.out + e.units..].to_vec();
    let x = |t: usize| (i * e.t + t) * e.d..(i * e.t + t + 1) * e.d;
    let da: Vec<f64> = (0..e.t).map(|t| p[X][x(t)].iter().zip(&dc).map(|(x, d)| x * d).sum()).collect();
    let de = back_softmax(&m.a, &da);
    let mut dquery = vec![0.0; e.units];
    for t in 0..e.t {
        g[X][x(t)].iter_mut().zip(&dc).for_each(|(g, d)| *g += m.a[t] * d);
        let dh = back(&p[SCORE], &mut g[SCORE], &[de[t]], &m.h[t]);
        let d = each(&|u| dh[u] * (1.0 - m.h[t][u] * m.h[t][u]));
        add(&mut dquery, &d);
        add(&mut dkeys[t], &d);
    }
    let from_query = back(&p[QUERY], &mut g[QUERY], &dquery, &m.s);
    add(&mut dv[e.out..e.out + e.units], &from_query);
    (dv[..e.out].to_vec(), dv[e.out..e.out + e.units].to_vec())
}

#[cfg(test)]
mod tests {
    use super::super::{check_vjp, noise};
    use super::*;

    #[test]
    fn vjp_is_the_derivative() {
        for reverse in [false, true] {
            let e = Extents { b: 2, t: 3, d: 4, units: 3, out: 2, reverse };
            let p: Vec<Vec<f64>> = e.shapes().iter().enumerate().map(|(i, s)| noise(i as u64, s.iter().product())).collect();
            check_vjp(&p, |p| forward(e, p), |p, dy| backward(e, p, dy).into_iter().map(Some).collect());
        }
    }

    /// Reading from the end is reading what was turned round, and turning round what comes out.
    #[test]
    fn in_reverse_it_does_what_it_does_to_the_sequence_turned_round() {
        let e = Extents { b: 1, t: 4, d: 3, units: 2, out: 2, reverse: true };
        let mut p: Vec<Vec<f64>> = e.shapes().iter().enumerate().map(|(i, s)| noise(i as u64, s.iter().product())).collect();
        let turn = |v: &[f64], n: usize| v.chunks(n).rev().flatten().copied().collect::<Vec<f64>>();
        let backwards = forward(e, &p);
        p[X] = turn(&p[X], 3);
        let forwards = forward(Extents { reverse: false, ..e }, &p);
        assert_eq!(turn(&forwards, 2), backwards);
        assert!((forwards[..2].iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}

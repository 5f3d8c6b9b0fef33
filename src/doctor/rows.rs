//! What works along rows and planes: one case or more per op, in the variant the adapter is given.

use super::case::{Build, Case, Reference};
use crate::Result;
use crate::graph::{Graph, Shape, Var};
use crate::kernels::activation::Kind;
use crate::kernels::pool2d::Pool;
use crate::ops::{self, LayerNormMode, PoolSpec};
use crate::reference::{activation, batch_norm, layer_norm, pool2d, reduce, softmax};

/// Rows shorter, as long and longer than any workgroup, and odd.
const LENGTHS: [usize; 5] = [1, 7, 64, 129, 1000];

type Pointwise = fn(&mut Graph, Var) -> Result<Var>;

/// The cases.
pub(super) fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for n in LENGTHS {
        for (shape, dim) in [([2, n, 1], 1), ([1, 3, n], 2), ([n, 2, 3], 0)] {
            let around = Shape::from(shape).around(dim);
            let reference = move |x: &Vec<Vec<f64>>, dy: &[f64]| {
                let y = softmax::forward(around, &x[0]);
                let dx = softmax::backward(around, &y, dy);
                vec![y, dx]
            };
            all.push(case("softmax", 2e-5, &[&shape], &shape, Box::new(move |g, x| ops::softmax(g, x[0], dim)), Box::new(reference)));
            let mut summed = shape.to_vec();
            summed.remove(dim);
            let reference =
                move |x: &Vec<Vec<f64>>, dy: &[f64]| vec![reduce::forward(around, 1.0, &x[0]), reduce::backward(around, 1.0, dy)];
            all.push(case("sum", 1e-4, &[&shape], &summed, Box::new(move |g, x| ops::sum(g, x[0], dim)), Box::new(reference)));
        }
        let reference = move |x: &Vec<Vec<f64>>, dy: &[f64]| {
            let (dx, dw, db) = layer_norm::backward(&x[0], &x[1], 1e-5, false, dy);
            vec![layer_norm::forward(&x[0], &x[1], &x[2], 1e-5, false), dx, dw, db]
        };
        let build: Build = Box::new(|g, x| ops::layer_norm(g, x[0], x[1], x[2], LayerNormMode::Standard, 1e-5));
        all.push(case("layer norm", 2e-4, &[&[65, n], &[n], &[n]], &[65, n], build, Box::new(reference)));
        for relu in [false, true] {
            let e = (3, 5, n);
            let reference = move |x: &Vec<Vec<f64>>, dy: &[f64]| {
                let (m, v) = batch_norm::statistics(e, &x[0]);
                let (dx, dw, db) = batch_norm::backward(e, &x[0], &x[1], &x[2], &m, &v, 1e-5, relu, true, dy);
                vec![batch_norm::forward(e, &x[0], &x[1], &x[2], &m, &v, 1e-5, relu), dx, dw, db]
            };
            let build: Build = Box::new(move |g, x| Ok(ops::batch_norm_train(g, x[0], x[1], x[2], 1e-5, relu)?.0));
            all.push(case("batch norm", 1e-3, &[&[3, 5, n], &[5], &[5]], &[3, 5, n], build, Box::new(reference)));
        }
    }
    for (input, kernel, stride, padding) in [([6, 7], 2, 2, 0), ([17, 8], 3, 2, 1), ([9, 16], 3, 1, 1)] {
        let output = [0, 1].map(|a| (input[a] + 2 * padding - kernel) / stride + 1);
        let p = Pool { rows: 6, input, output, kernel: [kernel; 2], stride: [stride; 2], padding: [padding; 2], count_pad: true };
        let spec = PoolSpec { kernel: [kernel; 2], stride: [stride; 2], padding: [padding; 2], ceil_mode: false, count_include_pad: true };
        let (from, to) = ([2, 3, input[0], input[1]], [2, 3, output[0], output[1]]);
        let max = move |x: &Vec<Vec<f64>>, dy: &[f64]| vec![pool2d::max(&p, &x[0]), pool2d::max_backward(&p, &x[0], dy)];
        all.push(case("max pool", 1e-6, &[&from], &to, Box::new(move |g, x| ops::max_pool2d(g, x[0], spec)), Box::new(max)));
        let avg = move |x: &Vec<Vec<f64>>, dy: &[f64]| vec![pool2d::avg(&p, &x[0]), pool2d::avg_backward(&p, dy)];
        all.push(case("average pool", 1e-4, &[&from], &to, Box::new(move |g, x| ops::avg_pool2d(g, x[0], spec)), Box::new(avg)));
    }
    for n in [1, 127, 40_001] {
        let kinds: [(&str, Kind, Pointwise); 4] = [
            ("relu", Kind::Relu, ops::relu),
            ("gelu", Kind::Gelu, ops::gelu),
            ("sigmoid", Kind::Sigmoid, ops::sigmoid),
            ("tanh", Kind::Tanh, ops::tanh),
        ];
        for (name, kind, op) in kinds {
            let reference =
                move |x: &Vec<Vec<f64>>, dy: &[f64]| vec![activation::forward(kind, &x[0]), activation::backward(kind, &x[0], dy)];
            all.push(case(name, 2e-5, &[&[n]], &[n], Box::new(move |g, x| op(g, x[0])), Box::new(reference)));
        }
    }
    all
}

fn case(name: &str, tolerance: f64, shapes: &[&[usize]], output: &[usize], build: Build, reference: Reference) -> Case {
    let shapes: Vec<Shape> = shapes.iter().map(|s| Shape(s.to_vec())).collect();
    let label = shapes.iter().map(Shape::to_string).collect::<Vec<_>>().join(" ");
    Case { variant: name.into(), name: label, switch: None, tolerance, shapes, output: Shape(output.to_vec()), build, reference }
}

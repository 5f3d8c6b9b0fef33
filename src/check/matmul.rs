//! Matrix products, each variant forced, with and without a factor and a bias; and the linear layer.

use super::{Case, halves, normal, tol};
use crate::kernels::Target;
use crate::kernels::cooperative::Fragments;
use crate::kernels::matmul::{Product, SUBGROUP, Variant};
use crate::kernels::matmul_wide::fits;
use crate::kernels::panel::Panel;
use crate::ops;
use crate::reference::matmul::{self as reference, Extents};

const LAYOUTS: [[bool; 2]; 4] = [[false, false], [true, true], [false, true], [true, false]];

/// A product by `variant`, or by the one the adapter is given.
pub fn case(name: &str, variant: Option<Variant>, e: Extents) -> Case {
    let a = if e.transposed[0] { [e.batch, e.k, e.m] } else { [e.batch, e.m, e.k] };
    let b = if e.transposed[1] { [e.batch, e.n, e.k] } else { [e.batch, e.k, e.n] };
    // What the kernels multiply: the operands, or their halves.
    let seen = move |v: &[f64]| if variant.is_some_and(|v| v.halves()) { halves(v) } else { v.to_vec() };
    let sizes = format!("{} x ({} x {}) ({} x {}), transposed {:?}", e.batch, e.m, e.k, e.k, e.n, e.transposed);
    Case::new(format!("matmul {name}"), sizes, [normal(1, a), normal(2, b)], move |g, x| match variant {
        Some(variant) => ops::matmul_with(g, x[0], x[1], None, e.transposed, 1.0, variant),
        None => ops::matmul(g, x[0], x[1], e.transposed[0], e.transposed[1]),
    })
    .forward(move |x| reference::forward(e, &seen(&x[0]), &seen(&x[1])))
    .backward(move |x, dy| reference::backward(e, &seen(&x[0]), &seen(&x[1]), &seen(&dy[0])))
    .tolerance(tol::SUM)
}

/// Sums of the columns of rows of `n`.
fn columns(n: usize, dy: &[f64]) -> Vec<f64> {
    (0..n).map(|j| dy.iter().skip(j).step_by(n).sum()).collect()
}

/// `α · a b + bias`, every gradient.
fn scaled_with_bias(name: &str, variant: Variant, [batch, m, n, k]: [usize; 4]) -> Case {
    let (alpha, e) = (0.375, Extents { batch, m, n, k, transposed: [false, false] });
    let inputs = [normal(1, [batch, m, k]), normal(2, [batch, k, n]), normal(3, [n])];
    let seen = move |v: &[f64]| if variant.halves() { halves(v) } else { v.to_vec() };
    let build = move |g: &mut _, x: &mut [_]| ops::matmul_with(g, x[0], x[1], Some(x[2]), e.transposed, alpha as f32, variant);
    Case::new(format!("matmul {name}"), format!("{batch} x ({m} x {k}) ({k} x {n}), factor and bias"), inputs, build)
        .forward(move |x| -> Vec<f64> {
            reference::forward(e, &seen(&x[0]), &seen(&x[1])).iter().enumerate().map(|(i, y)| alpha * y + x[2][i % n]).collect()
        })
        .backward(move |x, dy| {
            let (da, db) = reference::backward(e, &seen(&x[0]), &seen(&x[1]), &seen(&dy[0]));
            let times = |v: Vec<f64>| v.iter().map(|v| alpha * v).collect();
            [times(da), times(db), columns(n, &dy[0])]
        })
        .tolerance(tol::SUM)
}

/// `x wᵀ`, of m rows of k to n, with a bias or without.
pub fn linear([m, n, k]: [usize; 3], bias: bool) -> Case {
    let e = Extents { batch: 1, m, n, k, transposed: [false, true] };
    let mut inputs = vec![normal(1, [m, k]), normal(2, [n, k])];
    inputs.extend(bias.then(|| normal(3, [n])));
    Case::new("linear", format!("{m}x{k} -> {n}"), inputs, |g, x| ops::linear(g, x[0], x[1], x.get(2).copied()))
        .forward(move |x| {
            let mut y = reference::forward(e, &x[0], &x[1]);
            x.get(2).into_iter().for_each(|bias| y.iter_mut().enumerate().for_each(|(i, y)| *y += bias[i % n]));
            y
        })
        .backward(move |x, dy| {
            let (da, db) = reference::backward(e, &x[0], &x[1], &dy[0]);
            [da, db, columns(n, &dy[0])].into_iter().take(x.len()).collect::<Vec<_>>()
        })
        .tolerance(tol::SUM)
}

/// The variants with their names and what switches them off; `None` where the adapter lacks what one needs.
pub fn variants(target: &Target) -> Vec<(&'static str, Option<&'static str>, Option<Variant>)> {
    let subgroups = target.subgroup_size == Some(SUBGROUP);
    let mut all = vec![
        ("tile", None, Some(Variant::Tile)),
        ("row sums", None, Some(Variant::Row { slices: 3 })),
        ("subgroup", Some("subgroups"), subgroups.then_some(Variant::Subgroup)),
        ("wide", Some("int64"), (subgroups && target.int64).then_some(Variant::Wide)),
    ];
    all.push(("cooperative", Some("coop"), Fragments::of_tiles(target).map(Variant::Cooperative)));
    all.extend(Panel::ALL.map(|panel| ("panel", None, Some(Variant::Panel(panel)))));
    let cooperative = Fragments::of(target).into_iter().flat_map(Panel::cooperative);
    all.extend(cooperative.map(|panel| ("panel", Some("coop"), Some(Variant::Panel(panel)))));
    all
}

/// What the doctor looks at. The last two sizes have tiles of their own in the wide variant.
fn listed(target: &Target, name: &str, variant: Variant) -> Vec<Case> {
    let sizes = [(1, 1, 1, 1), (2, 17, 33, 7), (1, 65, 31, 64), (1, 63, 2, 300), (2, 24, 40, 16), (36, 8, 256, 464), (8, 120, 392, 96)];
    let mut all = Vec::new();
    for (i, (batch, m, n, k)) in sizes.into_iter().enumerate() {
        // Gradients run the other layouts, so two show all four.
        for transposed in LAYOUTS.into_iter().take(if i < 5 { 4 } else { 2 }) {
            let p = Product::new(batch, m, n, k, transposed[0], transposed[1]);
            if if variant == Variant::Wide { fits(&p) } else { i < 5 } {
                let case = case(name, Some(variant), Extents { batch, m, n, k, transposed });
                // A user's adapter may round to half precision in ways of its own.
                all.push(match variant {
                    Variant::Cooperative(f) => case.doctor_at(f.given(target), tol::HALF),
                    _ => case.doctor(true),
                });
            }
        }
    }
    all
}

/// Edges of tiles, short and long sums, a factor and a bias.
fn edges(name: &str, variant: Variant) -> Vec<Case> {
    let at = |batch, m, n, k, transposed| case(name, Some(variant), Extents { batch, m, n, k, transposed });
    let mut all: Vec<Case> = [[1, 1, 1, 1], [2, 17, 35, 9], [3, 65, 66, 130]].map(|e| scaled_with_bias(name, variant, e)).into();
    all.extend(LAYOUTS.into_iter().flat_map(|t| [at(2, 17, 33, 7, t), at(1, 65, 31, 64, t)]));
    let long = [(1, 1, 1), (1, 130, 3), (16, 32, 4), (15, 5, 129), (64, 64, 16), (63, 2, 300), (3, 4, 2000)];
    all.extend(long.map(|(m, n, k)| at(1, m, n, k, [false, true])));
    all
}

/// Shapes every layout of which fits, and their gradients' too; what does not fit falls back. The last two are large: low tiles, and
/// tall ones, in the gradients too.
pub const WIDE: [[usize; 4]; 6] =
    [[1, 8, 8, 8], [2, 24, 40, 16], [3, 72, 24, 136], [1, 16, 32, 64], [36, 8, 256, 464], [8, 120, 392, 96]];

fn wide(name: &str, variant: Variant) -> Vec<Case> {
    let at = |[batch, m, n, k]: [usize; 4], transposed| case(name, Some(variant), Extents { batch, m, n, k, transposed });
    let mut all: Vec<Case> = WIDE.into_iter().flat_map(|e| LAYOUTS.map(|t| at(e, t))).collect();
    // An odd number of rows, and columns that are not a multiple of four.
    all.extend([at([2, 5, 8, 8], [false; 2]), at([2, 17, 34, 8], [false, true]), scaled_with_bias(name, variant, [1, 36, 68, 24])]);
    all
}

fn cooperative(name: &str, variant: Variant, given: bool) -> Vec<Case> {
    let at = |batch, m, n, k, transposed| case(name, Some(variant), Extents { batch, m, n, k, transposed });
    vec![
        // Many steps in many workgroups: a driver was seen to double single sums kept over them.
        at(1, 513, 514, 400, [false, false]).doctor_at(given, tol::HALF),
        at(1, 1, 1, 1, [false, false]),
        at(2, 17, 35, 9, [true, false]),
        at(3, 65, 66, 130, [false, true]),
        at(1, 64, 128, 16, [true, true]),
        at(1, 63, 2, 300, [false, true]),
    ]
}

/// Edges of blocks, more blocks than one each way, sums in whole steps and not, in slices and not.
fn panel(panel: Panel) -> Vec<Case> {
    let name = &panel.name();
    let at = |[batch, m, n, k]: [usize; 4], transposed| case(name, Some(Variant::Panel(panel)), Extents { batch, m, n, k, transposed });
    let (m, n) = (panel.rows(), panel.columns());
    let sizes = [[1, 1, 1, 1], [2, 17, 33, 7], [1, m, n, 24], [1, m + 1, 2 * n - 1, 19], [2, 2 * m - 3, n + 2, 8], [1, 3, 5, 600]];
    let mut all: Vec<Case> = sizes.into_iter().enumerate().map(|(i, e)| at(e, LAYOUTS[i % 4])).collect();
    all.extend(LAYOUTS.map(|t| at([3, 30, 42, 37], t)));
    all.extend([[1, m + 3, n + 1, 130], [1, 9, 10, 700]].map(|e| scaled_with_bias(name, Variant::Panel(panel), e)));
    // Many steps in many workgroups: a driver was seen to double single sums that cooperative matrices kept over them.
    all.extend(panel.fragments().map(|_| at([1, 513, 514, 400], [false, false])));
    all
}

/// The cases.
pub fn cases(target: &Target) -> Vec<Case> {
    let mut all = Vec::new();
    for (name, switch, variant) in variants(target).into_iter().filter_map(|(n, s, v)| Some((n, s, v?))) {
        if let Variant::Panel(size) = variant {
            // Only GPUs are given it, so only there the doctor looks.
            let tolerance = if size.fragments().is_some() { tol::HALF } else { tol::SUM };
            all.extend(panel(size).into_iter().map(|case| case.switch(switch).doctor_at(!target.software, tolerance)));
            continue;
        }
        let mut of = listed(target, name, variant);
        match variant {
            Variant::Wide => of.extend(wide(name, variant)),
            Variant::Cooperative(f) => of.extend(cooperative(name, variant, f.given(target))),
            // A sum in one piece, in pieces, and in more pieces than it has terms.
            Variant::Row { .. } => of.extend([1, 3, 70].into_iter().flat_map(|slices| edges(name, Variant::Row { slices }))),
            _ => of.extend(edges(name, variant)),
        }
        // More tiles than one axis of a grid holds: along the batch, the rows, the columns.
        let grids = [[70_000, 1, 1, 1], [1, 1_100_000, 1, 1], [1, 1, 2_200_000, 1]];
        let shown = grids.into_iter().filter(|g| variant == Variant::Subgroup || variant == Variant::Tile && g[0] > 1);
        of.extend(shown.map(|[batch, m, n, k]| case(name, Some(variant), Extents { batch, m, n, k, transposed: [false; 2] })));
        all.extend(of.into_iter().map(|case| case.switch(switch)));
    }
    all.extend([[5, 8, 7], [129, 65, 64], [4, 3, 1000]].map(|e| linear(e, true)));
    all
}

//! Matrix products and convolutions, each variant forced.

use super::case::Case;
use crate::graph::Shape;
use crate::kernels::conv2d::{Family, Geometry};
use crate::kernels::cooperative::Fragments;
use crate::kernels::matmul::{Product, SUBGROUP, Variant};
use crate::kernels::{Target, conv2d_stem, matmul_wide, winograd};
use crate::ops::{self, Conv2d};
use crate::reference::matmul::Extents;
use crate::reference::{conv2d as conv2d_reference, matmul as matmul_reference};

/// Sums of up to some hundred terms of mixed sign, and Winograd's transforms.
const TOLERANCE: f64 = 1e-4;
/// The operands rounded to 11 bits each.
const HALF: f64 = 5e-3;

/// The cases of every variant the adapter can run.
pub(super) fn cases(target: &Target) -> Vec<Case> {
    let lanes = target.subgroup_size == Some(SUBGROUP);
    let wide = lanes && target.int64;
    let fragments = Fragments::of(target);
    let mut all = Vec::new();
    let variants = [
        ("tile", None, Some(Variant::Tile)),
        ("row sums", None, Some(Variant::Row { slices: 3 })),
        ("subgroup", Some("subgroups"), lanes.then_some(Variant::Subgroup)),
        ("wide", Some("int64"), wide.then_some(Variant::Wide)),
        ("cooperative", Some("coop"), fragments.map(Variant::Cooperative)),
    ];
    for (name, switch, variant) in variants.into_iter().filter_map(|(n, s, v)| Some((n, s, v?))) {
        // Gradients run the other layouts, so two show all four; the last two sizes have tiles of their own in the wide variant.
        let sizes = [(1, 1, 1, 1), (2, 17, 33, 7), (1, 65, 31, 64), (1, 63, 2, 300), (2, 24, 40, 16), (36, 8, 256, 464), (8, 120, 392, 96)];
        for (i, (batch, m, n, k)) in sizes.into_iter().enumerate() {
            for transposed in [[false, false], [true, true], [false, true], [true, false]].into_iter().take(if i < 5 { 4 } else { 2 }) {
                let p = Product::new(batch, m, n, k, transposed[0], transposed[1]);
                if if variant == Variant::Wide { matmul_wide::fits(&p) } else { i < 5 } {
                    all.push(product(name, switch, variant, Extents { batch, m, n, k, transposed }));
                }
            }
        }
    }
    for g in geometries() {
        all.push(convolution("tile", None, Family::Tile, g));
        all.extend(lanes.then(|| convolution("subgroup", Some("subgroups"), Family::Subgroup, g)));
        all.extend((lanes && conv2d_stem::fits(target, &g)).then(|| convolution("stem", Some("int64"), Family::Stem, g)));
        all.extend(winograd::fits(target, &g).map(|t| convolution("winograd", Some("winograd"), Family::Winograd(t), g)));
        all.extend(fragments.map(|f| convolution("cooperative", Some("coop"), Family::Cooperative(f), g)));
    }
    all
}

fn product(name: &str, switch: Option<&'static str>, variant: Variant, e: Extents) -> Case {
    let a = if e.transposed[0] { [e.batch, e.k, e.m] } else { [e.batch, e.m, e.k] };
    let b = if e.transposed[1] { [e.batch, e.n, e.k] } else { [e.batch, e.k, e.n] };
    Case {
        variant: format!("matmul {name}"),
        name: format!("{} x ({} x {}) ({} x {}), transposed {:?}", e.batch, e.m, e.k, e.k, e.n, e.transposed),
        switch,
        tolerance: if matches!(variant, Variant::Cooperative(_)) { HALF } else { TOLERANCE },
        shapes: vec![a.into(), b.into()],
        output: [e.batch, e.m, e.n].into(),
        build: Box::new(move |g, x| ops::matmul_with(g, x[0], x[1], None, e.transposed, 1.0, variant)),
        reference: Box::new(move |x, dy| {
            let (da, db) = matmul_reference::backward(e, &x[0], &x[1], dy);
            vec![matmul_reference::forward(e, &x[0], &x[1]), da, db]
        }),
    }
}

/// Ones, primes, edges of tiles, strides, dilation, groups, a stem and what Winograd's method takes.
fn geometries() -> Vec<Geometry> {
    let geometry = |n, groups, cin, cout, input: [usize; 2], kernel: usize, stride: usize, padding: usize, dilation: usize| Geometry {
        n,
        groups,
        cin,
        cout,
        input,
        output: input.map(|v| (v + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1),
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: [padding; 2],
        dilation: [dilation; 2],
    };
    vec![
        geometry(1, 1, 1, 1, [1, 1], 1, 1, 0, 1),
        geometry(2, 1, 3, 17, [7, 9], 3, 1, 1, 1),
        geometry(1, 1, 17, 33, [9, 5], 3, 2, 1, 1),
        geometry(3, 1, 1, 8, [17, 16], 7, 2, 3, 1),
        geometry(2, 1, 8, 4, [10, 11], 1, 2, 0, 1),
        geometry(1, 1, 5, 6, [13, 12], 3, 1, 0, 2),
        geometry(2, 2, 3, 4, [6, 7], 3, 2, 1, 2),
        geometry(1, 1, 65, 65, [6, 6], 3, 1, 1, 1),
        geometry(1, 1, 8, 16, [2, 2], 3, 1, 1, 1),
        geometry(3, 1, 16, 8, [5, 6], 3, 1, 1, 1),
        geometry(1, 1, 40, 72, [7, 24], 3, 1, 1, 1),
        geometry(2, 1, 16, 16, [16, 16], 3, 1, 1, 1),
    ]
}

fn convolution(name: &str, switch: Option<&'static str>, family: Family, g: Geometry) -> Case {
    let spec = Conv2d { stride: g.stride, padding: g.padding, dilation: g.dilation, groups: g.groups };
    let shapes: Vec<Shape> =
        vec![[g.n, g.groups * g.cin, g.input[0], g.input[1]].into(), [g.groups * g.cout, g.cin, g.kernel[0], g.kernel[1]].into()];
    Case {
        variant: format!("conv2d {name}"),
        name: format!("{} * {}, stride {}, padding {}, dilation {}", shapes[0], shapes[1], g.stride[0], g.padding[0], g.dilation[0]),
        switch,
        tolerance: if matches!(family, Family::Cooperative(_)) { HALF } else { TOLERANCE },
        shapes,
        output: [g.n, g.groups * g.cout, g.output[0], g.output[1]].into(),
        build: Box::new(move |graph, x| ops::conv2d_with(graph, x[0], x[1], None, spec, family)),
        reference: Box::new(move |x, dy| {
            let (dx, dw) = conv2d_reference::backward(&g, &x[0], &x[1], dy);
            vec![conv2d_reference::forward(&g, &x[0], &x[1]), dx, dw]
        }),
    }
}

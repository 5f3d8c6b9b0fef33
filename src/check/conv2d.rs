//! Convolutions, each family forced.

use super::{Case, halves, normal, tol};
use crate::kernels::Target;
use crate::kernels::conv2d::{Geometry, Variant};
use crate::kernels::cooperative::Fragments;
use crate::kernels::matmul::SUBGROUP;
use crate::kernels::panel::Panel;
use crate::kernels::{conv2d_stem, winograd};
use crate::ops::{self, Conv2d};
use crate::reference::conv2d as reference;

/// Images, groups, channels in and out per group, size, then side of the kernel, stride, padding and dilation.
type Row = (usize, usize, usize, usize, [usize; 2], [usize; 4]);

/// Ones, primes, edges of tiles, strides, dilation, groups; and whether the doctor looks at it.
const ROWS: [(Row, bool); 15] = [
    ((1, 1, 1, 1, [1, 1], [1, 1, 0, 1]), true),
    ((2, 1, 3, 17, [7, 9], [3, 1, 1, 1]), true),
    ((2, 1, 16, 16, [8, 8], [3, 1, 1, 1]), false),
    ((1, 1, 17, 33, [9, 5], [3, 2, 1, 1]), true),
    ((3, 1, 1, 8, [17, 16], [7, 2, 3, 1]), true),
    ((2, 1, 8, 4, [10, 11], [1, 2, 0, 1]), true),
    ((1, 1, 5, 6, [13, 12], [3, 1, 0, 2]), true),
    ((1, 1, 4, 3, [14, 13], [5, 4, 2, 1]), false),
    ((2, 2, 3, 4, [6, 7], [3, 2, 1, 2]), true),
    ((1, 5, 2, 5, [6, 6], [3, 1, 1, 1]), false),
    ((1, 1, 3, 4, [12, 11], [11, 4, 5, 1]), false),
    ((1, 1, 2, 3, [9, 10], [9, 1, 4, 1]), false),
    ((1, 1, 2, 3, [3, 2], [1, 4, 0, 1]), false),
    ((1, 1, 65, 65, [6, 6], [3, 1, 1, 1]), true),
    ((2, 1, 3, 4, [24, 24], [3, 1, 1, 1]), false),
];

/// What the stem's kernel takes.
const STEM: [Row; 4] = [
    (1, 1, 1, 1, [1, 2], [7, 2, 3, 1]),
    (3, 1, 1, 17, [9, 16], [7, 2, 3, 1]),
    (2, 1, 3, 16, [16, 14], [7, 2, 3, 1]),
    (1, 1, 2, 33, [20, 22], [7, 2, 3, 1]),
];

/// What Winograd's method takes: tiles cut off on the right and below, strips that are padding, more channels than a tile of the
/// product. On software the last three make the product as it is, the others transposed; on GPUs the last one's sums over tiles are cut into slices.
const WINOGRAD: [(Row, bool); 8] = [
    ((1, 1, 8, 8, [4, 8], [3, 1, 1, 1]), false),
    ((1, 1, 8, 16, [2, 2], [3, 1, 1, 1]), true),
    ((3, 1, 16, 8, [5, 6], [3, 1, 1, 1]), true),
    ((2, 1, 24, 16, [9, 18], [3, 1, 1, 1]), false),
    ((1, 1, 40, 72, [7, 24], [3, 1, 1, 1]), true),
    ((2, 1, 16, 16, [16, 16], [3, 1, 1, 1]), true),
    ((3, 1, 8, 16, [11, 22], [3, 1, 1, 1]), false),
    ((4, 1, 8, 8, [32, 64], [3, 1, 1, 1]), false),
];

/// The geometry of a row.
pub fn geometry((n, groups, cin, cout, input, [kernel, stride, padding, dilation]): Row) -> Geometry {
    Geometry {
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
    }
}

/// The attributes of a geometry.
pub fn spec(g: &Geometry) -> Conv2d {
    Conv2d { stride: g.stride, padding: g.padding, dilation: g.dilation, groups: g.groups }
}

/// A convolution by `family`, or by the one the adapter is given.
pub fn case(variant: &str, family: Option<Variant>, g: Geometry, bias: bool) -> Case {
    let outs = g.groups * g.cout;
    let mut inputs = vec![normal(1, [g.n, g.groups * g.cin, g.input[0], g.input[1]]), normal(2, [outs, g.cin, g.kernel[0], g.kernel[1]])];
    inputs.extend(bias.then(|| normal(3, [outs])));
    let name = format!(
        "{} * {}, stride {}, padding {}, dilation {}{}",
        inputs[0].shape,
        inputs[1].shape,
        g.stride[0],
        g.padding[0],
        g.dilation[0],
        if bias { ", bias" } else { "" }
    );
    let channel = move |i: usize| i / (g.output[0] * g.output[1]) % outs;
    // What the kernels multiply: the operands, or their halves.
    let seen = move |v: &[f64]| if family.is_some_and(|f| f.halves()) { halves(v) } else { v.to_vec() };
    Case::new(format!("conv2d {variant}"), name, inputs, move |gr, x| match family {
        Some(family) => ops::conv2d_with(gr, x[0], x[1], x.get(2).copied(), spec(&g), family),
        None => ops::conv2d(gr, x[0], x[1], x.get(2).copied(), spec(&g)),
    })
    .forward(move |x| {
        let mut y = reference::forward(&g, &seen(&x[0]), &seen(&x[1]));
        x.get(2).into_iter().for_each(|bias| y.iter_mut().enumerate().for_each(|(i, y)| *y += bias[channel(i)]));
        y
    })
    .backward(move |x, dy| {
        let (dx, dw) = reference::backward(&g, &seen(&x[0]), &seen(&x[1]), &seen(&dy[0]));
        let mut db = vec![0.0; outs];
        dy[0].iter().enumerate().for_each(|(i, d)| db[channel(i)] += d);
        [dx, dw, db].into_iter().take(x.len()).collect::<Vec<_>>()
    })
    .tolerance(tol::SUM)
}

/// A family with its name and what switches it off.
type Named = (&'static str, Option<&'static str>, Variant);

/// Families that take any geometry.
fn general(target: &Target) -> Vec<Named> {
    let subgroups = target.subgroup_size == Some(SUBGROUP);
    let mut all = vec![("tile", None, Variant::Tile)];
    all.extend(subgroups.then_some(("subgroup", Some("subgroups"), Variant::Subgroup)));
    all.extend(Fragments::of_tiles(target).map(|f| ("cooperative", Some("coop"), Variant::Cooperative(f))));
    all
}

/// What shows edges of blocks: strides that do not divide the image, more channels and pixels than a block, single lines, points,
/// sums long enough for slices, more of them than some phases have terms, a dilation that shares a factor with the stride.
const PANEL: [Row; 13] = [
    (1, 1, 1, 1, [1, 1], [1, 1, 0, 1]),
    (2, 1, 3, 17, [7, 9], [3, 1, 1, 1]),
    (1, 1, 9, 33, [11, 13], [3, 2, 1, 1]),
    (2, 2, 3, 4, [6, 7], [3, 2, 1, 2]),
    (1, 1, 4, 3, [14, 13], [5, 4, 2, 1]),
    (3, 1, 19, 21, [6, 5], [1, 1, 0, 1]),
    (2, 1, 5, 6, [13, 12], [3, 1, 0, 3]),
    (2, 1, 130, 65, [5, 7], [1, 2, 0, 1]),
    (2, 2, 31, 33, [5, 7], [3, 2, 1, 1]),
    (1, 1, 9, 130, [6, 5], [3, 2, 1, 1]),
    (1, 1, 2, 3, [20, 18], [4, 6, 3, 4]),
    (2, 1, 3, 2, [4, 2], [2, 9, 2, 1]),
    (1, 1, 60, 70, [4, 3], [3, 1, 1, 1]),
];

/// One size of blocks on all passes.
fn panel(panel: Panel, target: &Target) -> Vec<Case> {
    let (name, switch, tolerance) = match panel.fragments() {
        Some(_) => (panel.name(), Some("coop"), tol::HALF),
        None => (panel.name(), None, tol::SUM),
    };
    let wide = (1, 1, 2, 3, [24, 30], [3, 3, 2, 1]);
    let cases = PANEL.into_iter().chain([wide]).enumerate();
    // Only GPUs are given it, so only there the doctor looks.
    let of = |(i, row)| case(&name, Some(Variant::Panel(panel)), geometry(row), i % 2 == 1).switch(switch);
    cases.map(|each| of(each).doctor_at(!target.software, tolerance)).collect()
}

/// Families for this geometry only.
fn special(target: &Target, g: &Geometry) -> Vec<Named> {
    let stem = target.subgroup_size == Some(SUBGROUP) && conv2d_stem::fits(target, g);
    let mut all = Vec::from_iter(stem.then_some(("stem", Some("int64"), Variant::Stem)));
    all.extend(winograd::fits(target, g).map(|t| ("winograd", Some("winograd"), Variant::Winograd(t))));
    all
}

/// The cases.
pub fn cases(target: &Target) -> Vec<Case> {
    let mut all = Vec::new();
    let rows = ROWS.into_iter().chain(WINOGRAD).chain(STEM.map(|r| (r, false)));
    for (row, doctor) in rows {
        let g = geometry(row);
        for (name, switch, family) in general(target).into_iter().chain(special(target, &g)) {
            let plain = case(name, Some(family), g, false).switch(switch);
            // A user's adapter may round to half precision in ways of its own.
            all.push(match family {
                Variant::Cooperative(f) => plain.doctor_at(doctor && f.given(target), tol::HALF),
                _ => plain.doctor(doctor),
            });
            all.push(case(name, Some(family), g, true).switch(switch));
        }
    }
    let panels = Panel::ALL.into_iter().chain(Fragments::of(target).into_iter().flat_map(Panel::cooperative));
    all.extend(panels.flat_map(|size| panel(size, target)));
    all
}

/// The geometries made for the stem's kernel and for Winograd's method.
pub fn special_geometries() -> [Vec<Geometry>; 2] {
    [STEM.map(geometry).into(), WINOGRAD.map(|(row, _)| geometry(row)).into()]
}

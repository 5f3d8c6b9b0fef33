//! Cases of the convolution shaders, each family forced: conv2d_fwd_subgroup, conv2d_bwd_input_subgroup, conv2d_bwd_weight_subgroup,
//! conv2d_fwd_tile, conv2d_bwd_input_tile, conv2d_bwd_weight_tile; and Winograd's: winograd_input, winograd_output, winograd_output_few,
//! winograd_output_bwd, winograd_weight, winograd_weight_bwd.

use crate::case::{check, cooperative, device, halves, normal, tol};
use emotone::compile::{Options, Program, States};
use emotone::graph::Graph;
use emotone::kernels::conv2d::{Family, Geometry};
use emotone::kernels::matmul::SUBGROUP;
use emotone::kernels::{Target, conv2d_stem, winograd};
use emotone::ops::{self, Conv2d};
use emotone::reference::{conv2d as reference, noise};

struct Spec {
    n: usize,
    cin: usize,
    cout: usize,
    groups: usize,
    size: [usize; 2],
    kernel: usize,
    stride: usize,
    pad: usize,
    dil: usize,
}

impl Spec {
    fn geometry(&self) -> Geometry {
        let s = self;
        let out = s.size.map(|v| (v + 2 * s.pad - s.dil * (s.kernel - 1) - 1) / s.stride + 1);
        Geometry {
            n: s.n,
            groups: s.groups,
            cin: s.cin,
            cout: s.cout,
            input: s.size,
            output: out,
            kernel: [s.kernel; 2],
            stride: [s.stride; 2],
            padding: [s.pad; 2],
            dilation: [s.dil; 2],
        }
    }
}

fn case(family: Family, s: &Spec, bias: bool) {
    let g = s.geometry();
    let out = g.output;
    let spec = Conv2d { stride: g.stride, padding: g.padding, dilation: g.dilation, groups: g.groups };
    let outs = g.groups * g.cout;
    let mut inputs = vec![normal(1, [g.n, g.groups * g.cin, g.input[0], g.input[1]]), normal(2, [outs, g.cin, g.kernel[0], g.kernel[1]])];
    if bias {
        inputs.push(normal(3, [outs]));
    }
    let plane = out[0] * out[1];
    // What the kernels multiply: the operands, or their halves.
    let seen = |v: &[f64]| if matches!(family, Family::Cooperative(_)) { halves(v) } else { v.to_vec() };
    check(
        &format!("{family:?} {g:?}"),
        tol::SUM,
        &inputs,
        |gr, x| Ok(vec![ops::conv2d_with(gr, x[0], x[1], x.get(2).copied(), spec, family)?]),
        |x| {
            let mut y = reference::forward(&g, &seen(&x[0]), &seen(&x[1]));
            if bias {
                y.iter_mut().enumerate().for_each(|(i, y)| *y += x[2][i / plane % outs]);
            }
            vec![y]
        },
        |x, dy| {
            let (dx, dw) = reference::backward(&g, &seen(&x[0]), &seen(&x[1]), &seen(&dy[0]));
            let mut grads = vec![Some(dx), Some(dw)];
            if bias {
                let mut db = vec![0.0; outs];
                dy[0].iter().enumerate().for_each(|(i, d)| db[i / plane % outs] += d);
                grads.push(Some(db));
            }
            grads
        },
    );
}

fn all(family: Family) {
    let spec = |n, cin, cout, groups, size, kernel, stride, pad, dil| Spec { n, cin, cout, groups, size, kernel, stride, pad, dil };
    let cases = [
        spec(1, 1, 1, 1, [1, 1], 1, 1, 0, 1),
        spec(2, 3, 17, 1, [7, 9], 3, 1, 1, 1),
        spec(2, 16, 16, 1, [8, 8], 3, 1, 1, 1),
        spec(1, 17, 33, 1, [9, 5], 3, 2, 1, 1),
        spec(3, 1, 8, 1, [17, 16], 7, 2, 3, 1),
        spec(2, 8, 4, 1, [10, 11], 1, 2, 0, 1),
        spec(1, 5, 6, 1, [13, 12], 3, 1, 0, 2),
        spec(1, 4, 3, 1, [14, 13], 5, 4, 2, 1),
        spec(2, 3, 4, 2, [6, 7], 3, 2, 1, 2),
        spec(1, 2, 5, 5, [6, 6], 3, 1, 1, 1),
        spec(1, 3, 4, 1, [12, 11], 11, 4, 5, 1),
        spec(1, 2, 3, 1, [9, 10], 9, 1, 4, 1),
        spec(1, 2, 3, 1, [3, 2], 1, 4, 0, 1),
        spec(1, 65, 65, 1, [6, 6], 3, 1, 1, 1),
        spec(2, 3, 4, 1, [24, 24], 3, 1, 1, 1),
    ];
    for (i, s) in cases.iter().enumerate() {
        case(family, s, i % 3 == 1);
    }
}

#[test]
fn subgroup_family() {
    match device() {
        Some(d) if d.caps().subgroup_size == Some(SUBGROUP) => all(Family::Subgroup),
        Some(d) => eprintln!("SKIPPED: {:?} lanes, the family needs {SUBGROUP}", d.caps().subgroup_size),
        None => {}
    }
}

#[test]
fn tile_family() {
    all(Family::Tile);
}

#[test]
fn cooperative_family() {
    if let Some(f) = cooperative() {
        all(Family::Cooperative(f));
    }
}

#[test]
fn stem_family_conv2d_stem() {
    let Some(d) = device() else { return };
    if d.caps().subgroup_size != Some(SUBGROUP) || !d.caps().int64 {
        eprintln!("SKIPPED: needs {SUBGROUP} lanes and 64-bit integers");
        return;
    }
    for (i, (n, cin, cout, size)) in
        [(1, 1, 1, [1, 2]), (3, 1, 17, [9, 16]), (2, 3, 16, [16, 14]), (1, 2, 33, [20, 22])].into_iter().enumerate()
    {
        let s = Spec { n, cin, cout, groups: 1, size, kernel: 7, stride: 2, pad: 3, dil: 1 };
        assert!(conv2d_stem::fits(d.caps(), &s.geometry()), "{size:?} does not fit");
        case(Family::Stem, &s, i % 2 == 1);
        with_norm(Family::Stem, &s, i % 2 == 0);
    }
}

#[test]
fn winograd_family() {
    let Some(d) = device() else { return };
    if d.caps().subgroup_size != Some(SUBGROUP) || !d.caps().int64 || !d.allows("winograd") {
        eprintln!("SKIPPED: needs {SUBGROUP} lanes and 64-bit integers");
        return;
    }
    // Tiles cut off on the right and below, strips that are padding, more channels than a tile of the product; the last two make the
    // product as it is, the others transposed.
    let cases = [
        (1, 8, 8, [4, 8]),
        (1, 8, 16, [2, 2]),
        (3, 16, 8, [5, 6]),
        (2, 24, 16, [9, 18]),
        (1, 40, 72, [7, 24]),
        (2, 16, 16, [16, 16]),
        (3, 8, 16, [11, 22]),
    ];
    for (i, (n, cin, cout, size)) in cases.into_iter().enumerate() {
        let s = Spec { n, cin, cout, groups: 1, size, kernel: 3, stride: 1, pad: 1, dil: 1 };
        let Some(tiling) = winograd::fits(&Target::new(&d), &s.geometry()) else { panic!("{size:?} does not fit") };
        case(Family::Winograd(tiling), &s, i % 2 == 1);
    }
}

/// Batch norm by running statistics taken into the convolution: fewer launches, the same values.
fn with_norm(family: Family, s: &Spec, relu: bool) {
    let Some(device) = device() else { return };
    let g = s.geometry();
    let spec = Conv2d { stride: g.stride, padding: g.padding, dilation: g.dilation, groups: g.groups };
    let outs = g.groups * g.cout;
    let mut graph = Graph::new();
    let shapes = [vec![g.n, g.groups * g.cin, g.input[0], g.input[1]], vec![outs, g.cin, g.kernel[0], g.kernel[1]]];
    let inputs: Vec<_> = shapes.into_iter().chain(std::iter::repeat_n(vec![outs], 4)).collect();
    let x: Vec<_> = inputs.iter().enumerate().map(|(i, s)| graph.input(&format!("x{i}"), s.clone())).collect();
    let conv = ops::conv2d_with(&mut graph, x[0], x[1], None, spec, family).expect("conv");
    let y = ops::batch_norm_eval(&mut graph, conv, x[2], x[3], x[4], x[5], 1e-5, relu).expect("norm");
    graph.output("y", y);
    let run = |unfused| {
        let program =
            Program::new(&graph, &States::new(&device), Options { poison: true, unfused, ..Options::default() }).expect("program");
        for (i, s) in inputs.iter().enumerate() {
            let values = noise(i as u64 + 1, s.iter().product());
            // The variance is positive.
            let values: Vec<f32> = values.iter().map(|&v| if i == 5 { v.abs() as f32 + 0.1 } else { v as f32 }).collect();
            program.write(&format!("x{i}"), &values).expect("input");
        }
        program.run().expect("run");
        assert_eq!(program.overruns().expect("sentinels"), 0);
        (program.plan().launches(), program.read("y").expect("y"))
    };
    let ((plain, want), (fused, got)) = (run(true), run(false));
    assert_eq!(fused + 1, plain, "{family:?}: the norm is a launch of its own");
    let worst = want.iter().zip(&got).map(|(a, b)| (a - b).abs() / a.abs().max(1.0)).fold(0.0, f32::max);
    assert!(worst <= 1e-5 && got.iter().all(|v| v.is_finite()), "{family:?} {g:?} relu {relu}: {worst}");
}

#[test]
fn norm_is_taken_in() {
    let Some(d) = device() else { return };
    let s = Spec { n: 2, cin: 8, cout: 16, groups: 1, size: [11, 22], kernel: 3, stride: 1, pad: 1, dil: 1 };
    let mut families = vec![Family::Tile];
    if d.caps().subgroup_size == Some(SUBGROUP) {
        families.push(Family::Subgroup);
    }
    let few = Spec { n: 1, ..s };
    for s in [&s, &few] {
        let tiling = winograd::fits(&Target::new(&d), &s.geometry()).map(Family::Winograd);
        for family in families.iter().copied().chain(tiling) {
            with_norm(family, s, false);
            with_norm(family, s, true);
        }
    }
}

//! What the special families take, and batch norm taken into a convolution.

use crate::case::{device, poisoned};
use emotone::check::conv2d::{geometry, spec, special_geometries};
use emotone::check::{Case, fixed};
use emotone::compile::{Options, TrialPass};
use emotone::gpu::Device;
use emotone::kernels::conv2d::{Geometry, Variant};
use emotone::kernels::matmul::SUBGROUP;
use emotone::kernels::panel::Panel;
use emotone::kernels::{Target, conv2d_stem, winograd};
use emotone::ops;
use std::sync::Arc;

#[test]
fn special_families_take_what_is_meant_for_them() {
    let Some(device) = device() else { return };
    let (caps, target) = (device.caps(), Target::new(&device));
    if caps.subgroup_size != Some(SUBGROUP) || !caps.int64 {
        eprintln!("SKIPPED: needs {SUBGROUP} lanes and 64-bit integers");
        return;
    }
    let [stem, winograd] = special_geometries();
    assert!(stem.iter().all(|g| conv2d_stem::fits(caps, g)), "{stem:?}");
    assert!(!device.allows("winograd") || winograd.iter().all(|g| winograd::fits(&target, g).is_some()), "{winograd:?}");
}

/// Batch norm by running statistics taken into the convolution: fewer launches, the same values.
fn with_norm(device: &Arc<Device>, family: Variant, g: Geometry, relu: bool) {
    let outs = g.groups * g.cout;
    let mut inputs = vec![fixed(1, [g.n, g.groups * g.cin, g.input[0], g.input[1]]), fixed(2, [outs, g.cin, g.kernel[0], g.kernel[1]])];
    // The variance is positive.
    inputs.extend([fixed(3, [outs]), fixed(4, [outs]), fixed(5, [outs]), fixed(6, [outs]).map(|v| v.abs() + 0.1)]);
    let case = Case::new(format!("{family:?} and norm"), format!("{g:?} relu {relu}"), inputs, move |graph, x| {
        let conv = ops::conv2d_with(graph, x[0], x[1], None, spec(&g), family)?;
        ops::batch_norm_eval(graph, conv, [x[2], x[3]], [x[4], x[5]], 1e-5, relu)
    });
    let run = |unfused| {
        let options = Options { unfused, ..poisoned() };
        let plan = case.plan(device, &TrialPass::Forward, options.clone()).expect("plan");
        (plan.launches(), case.outputs(device, options).expect("outputs").remove(0))
    };
    let ((plain, want), (fused, got)) = (run(true), run(false));
    assert_eq!(fused + 1, plain, "{}: the norm is a launch of its own", case.variant);
    let worst = want.iter().zip(&got).map(|(a, b)| (a - b).abs() / a.abs().max(1.0)).fold(0.0, f32::max);
    assert!(worst <= 1e-5 && got.iter().all(|v| v.is_finite()), "{} {}: {worst}", case.variant, case.name);
}

#[test]
fn norm_is_taken_in() {
    let Some(device) = device() else { return };
    let target = Target::new(&device);
    let subgroups = target.subgroup_size == Some(SUBGROUP);
    let mut families = vec![Variant::Tile, Variant::Panel(Panel::ALL[0]), Variant::Panel(Panel::ALL[5])];
    families.extend(subgroups.then_some(Variant::Subgroup));
    for n in [2, 1] {
        let g = geometry((n, 1, 8, 16, [11, 22], [3, 1, 1, 1]));
        let tiling = winograd::fits(&target, &g).map(Variant::Winograd);
        for family in families.iter().copied().chain(tiling) {
            with_norm(&device, family, g, false);
            with_norm(&device, family, g, true);
        }
    }
    let [stem, _] = special_geometries();
    for (i, g) in stem.into_iter().enumerate().filter(|(_, g)| subgroups && conv2d_stem::fits(device.caps(), g)) {
        with_norm(&device, Variant::Stem, g, i % 2 == 0);
    }
}

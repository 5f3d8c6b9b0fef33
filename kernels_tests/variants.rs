//! What adapters are given that are not here: which variant of a product, how many launches.

use crate::case::device;
use emotone::gpu::{Capabilities, Device};
use emotone::kernels::matmul::Product;
use emotone::kernels::{Problem, Target, reduce};
use std::sync::Arc;

/// A GPU with subgroups of 32 and cooperative matrices of 16 x 16, computing in half precision.
fn gpu(device: &Device, driver: &str) -> Target {
    let caps = Capabilities {
        driver: driver.into(),
        software: false,
        f16: true,
        cooperative: Some(16),
        subgroup_size: Some(32),
        subgroup_max: Some(32),
        max_workgroup_memory: 48 << 10,
        ..(**device.caps()).clone()
    };
    Target { caps: Arc::new(caps), half: true, ..Target::new(device) }
}

#[test]
fn cooperative_matrices_are_given_where_they_were_measured_and_may_be_tuned_elsewhere() {
    let Some(device) = device() else { return };
    let product = |n: usize| Problem::from(Product::new(1, n, n, n, false, false));
    for (driver, half, large, small) in [
        ("NVIDIA 580.159.04", true, "cooperative 128x128", "cooperative 32x32"),
        ("NVIDIA 580.159.04", false, "panel 128x128", "panel 32x32"),
        ("radv Mesa 25.0.7", true, "panel 128x128", "panel 32x32"),
    ] {
        let target = Target { half, ..gpu(&device, driver) };
        assert_eq!([4096, 48].map(|n| product(n).heuristic(&target)), [large, small], "{driver}, half precision: {half}");
        let cooperative = product(4096).candidates(&target).into_iter().filter(|name| name.starts_with("cooperative")).count();
        assert_eq!(cooperative, if half { 3 } else { 0 }, "{driver}, half precision: {half}");
    }
    // Subgroups of 8 have less than a matrix of 16 x 16 in small blocks.
    let narrow = gpu(&device, "NVIDIA");
    let caps = Capabilities { subgroup_size: Some(8), ..(*narrow.caps).clone() };
    let narrow = Target { caps: Arc::new(caps), ..narrow };
    assert!(!product(4096).candidates(&narrow).contains(&"cooperative 32x32".to_string()));
    assert!(product(4096).candidates(&narrow).contains(&"cooperative 128x128".to_string()));
}

#[test]
fn few_sums_of_many_terms_are_cut_into_equal_slices_on_gpus() {
    let Some(device) = device() else { return };
    let gpu = gpu(&device, "any");
    let software = Capabilities { software: true, ..(*gpu.caps).clone() };
    let cut = |caps: &Capabilities, around| {
        let mut elements = 1;
        let launches = reduce::sum(caps, around, 1.0, ["x", "y"], |n| {
            elements = n;
            "part"
        });
        (launches.len(), elements / (around.0 * around.2))
    };
    assert_eq!(cut(&gpu, (1, 16_384, 2048)), (2, 32));
    assert_eq!(cut(&gpu, (2, 2000, 70)), (2, 50));
    // A prime number of terms, few terms, many sums, terms that are neighbours, and software.
    for around in [(1, 1009, 2048), (1, 40, 2048), (64, 1024, 1024), (4, 100_000, 1)] {
        assert_eq!(cut(&gpu, around).0, 1, "{around:?}");
    }
    assert_eq!(cut(&software, (1, 16_384, 2048)).0, 1);
}

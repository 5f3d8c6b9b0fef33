//! Cases of `matmul_subgroup.wgsl`, `matmul_wide.wgsl`, `matmul_tile.wgsl` and `matmul_row.wgsl`, each forced, and of the linear layer.

use crate::case::{check, cooperative, device, halves, normal, tol};
use emotone::kernels::matmul::{Product, SUBGROUP, Variant};
use emotone::kernels::matmul_wide::fits;
use emotone::ops;
use emotone::reference::matmul::{self as reference, Extents};

fn case(variant: Variant, e: Extents) {
    let a = if e.transposed[0] { [e.batch, e.k, e.m] } else { [e.batch, e.m, e.k] };
    let b = if e.transposed[1] { [e.batch, e.n, e.k] } else { [e.batch, e.k, e.n] };
    check(
        &format!("{variant:?} {e:?}"),
        tol::SUM,
        &[normal(1, a), normal(2, b)],
        |g, x| Ok(vec![ops::matmul_with(g, x[0], x[1], None, e.transposed, 1.0, variant)?]),
        |x| vec![reference::forward(e, &x[0], &x[1])],
        |x, dy| {
            let (da, db) = reference::backward(e, &x[0], &x[1], &dy[0]);
            vec![Some(da), Some(db)]
        },
    );
}

/// `α · a b + bias`, every gradient.
fn scaled_with_bias(variant: Variant, e: Extents) {
    let alpha = 0.375;
    check(
        &format!("{variant:?} {e:?} with bias"),
        tol::SUM,
        &[normal(1, [e.batch, e.m, e.k]), normal(2, [e.batch, e.k, e.n]), normal(3, [e.n])],
        |g, x| Ok(vec![ops::matmul_with(g, x[0], x[1], Some(x[2]), e.transposed, alpha as f32, variant)?]),
        |x| vec![reference::forward(e, &x[0], &x[1]).iter().enumerate().map(|(i, y)| alpha * y + x[2][i % e.n]).collect()],
        |x, dy| {
            let (da, db) = reference::backward(e, &x[0], &x[1], &dy[0]);
            let times = |v: Vec<f64>| v.iter().map(|v| alpha * v).collect();
            let bias = (0..e.n).map(|j| dy[0].iter().skip(j).step_by(e.n).sum()).collect();
            vec![Some(times(da)), Some(times(db)), Some(bias)]
        },
    );
}

fn all(variant: Variant) {
    for (batch, m, n, k) in [(1, 1, 1, 1), (2, 17, 35, 9), (3, 65, 66, 130)] {
        scaled_with_bias(variant, Extents { batch, m, n, k, transposed: [false, false] });
    }
    for transposed in [[false, false], [true, false], [false, true], [true, true]] {
        case(variant, Extents { batch: 2, m: 17, n: 33, k: 7, transposed });
        case(variant, Extents { batch: 1, m: 65, n: 31, k: 64, transposed });
    }
    for (m, n, k) in [(1, 1, 1), (1, 130, 3), (16, 32, 4), (15, 5, 129), (64, 64, 16), (63, 2, 300), (3, 4, 2000)] {
        case(variant, Extents { batch: 1, m, n, k, transposed: [false, true] });
    }
}

#[test]
fn matmul_subgroup() {
    match device() {
        Some(d) if d.caps().subgroup_size == Some(SUBGROUP) => all(Variant::Subgroup),
        Some(d) => eprintln!("SKIPPED: {:?} lanes, the variant needs {SUBGROUP}", d.caps().subgroup_size),
        None => {}
    }
}

#[test]
fn matmul_wide() {
    let Some(d) = device() else { return };
    if d.caps().subgroup_size != Some(SUBGROUP) || !d.caps().int64 {
        eprintln!("SKIPPED: needs {SUBGROUP} lanes and 64-bit integers");
        return;
    }
    // Shapes every layout of which fits, and their gradients' too; what does not fit falls back and is tested above. The last
    // two are large: low tiles, and tall ones, in the gradients too.
    for transposed in [[false, false], [true, false], [false, true], [true, true]] {
        for (batch, m, n, k) in [(1, 8, 8, 8), (2, 24, 40, 16), (3, 72, 24, 136), (1, 16, 32, 64), (36, 8, 256, 464), (8, 120, 392, 96)] {
            let e = Extents { batch, m, n, k, transposed };
            let p = Product::new(batch, m, n, k, transposed[0], transposed[1]);
            assert!(fits(&p), "{p:?}");
            case(Variant::Wide, e);
        }
    }
    // An odd number of rows, and columns that are not a multiple of four.
    case(Variant::Wide, Extents { batch: 2, m: 5, n: 8, k: 8, transposed: [false, false] });
    case(Variant::Wide, Extents { batch: 2, m: 17, n: 34, k: 8, transposed: [false, true] });
    scaled_with_bias(Variant::Wide, Extents { batch: 1, m: 36, n: 68, k: 24, transposed: [false, false] });
}

#[test]
fn matmul_tile() {
    all(Variant::Tile);
}

/// Operands are rounded to half precision where the reference has them too, so the sums agree as closely as others.
#[test]
fn cooperative_matmul_tile() {
    let Some(f) = cooperative() else { return };
    for (batch, m, n, k, transposed) in [
        (1, 1, 1, 1, [false, false]),
        (2, 17, 35, 9, [true, false]),
        (3, 65, 66, 130, [false, true]),
        (1, 64, 128, 16, [true, true]),
        (1, 63, 2, 300, [false, true]),
    ] {
        let e = Extents { batch, m, n, k, transposed };
        let a = if transposed[0] { [batch, k, m] } else { [batch, m, k] };
        let b = if transposed[1] { [batch, n, k] } else { [batch, k, n] };
        check(
            &format!("cooperative {e:?}"),
            tol::SUM,
            &[normal(1, a), normal(2, b)],
            |g, x| Ok(vec![ops::matmul_with(g, x[0], x[1], None, transposed, 1.0, Variant::Cooperative(f))?]),
            |x| vec![reference::forward(e, &halves(&x[0]), &halves(&x[1]))],
            |x, dy| {
                let (da, db) = reference::backward(e, &halves(&x[0]), &halves(&x[1]), &halves(&dy[0]));
                vec![Some(da), Some(db)]
            },
        );
    }
}

#[test]
fn matmul_row_matmul_row_sum() {
    // A sum in one piece, in pieces, and in more pieces than it has terms.
    for slices in [1, 3, 70] {
        all(Variant::Row { slices });
    }
}

#[test]
fn linear_with_bias() {
    for (m, n, k) in [(5, 8, 7), (129, 65, 64), (4, 3, 1000)] {
        let e = Extents { batch: 1, m, n, k, transposed: [false, true] };
        check(
            &format!("linear {m}x{k} -> {n}"),
            tol::SUM,
            &[normal(1, [m, k]), normal(2, [n, k]), normal(3, [n])],
            |g, x| Ok(vec![ops::linear(g, x[0], x[1], Some(x[2]))?]),
            |x| vec![reference::forward(e, &x[0], &x[1]).iter().enumerate().map(|(i, y)| y + x[2][i % n]).collect()],
            |x, dy| {
                let (da, db) = reference::backward(e, &x[0], &x[1], &dy[0]);
                let bias = (0..n).map(|j| (0..m).map(|i| dy[0][i * n + j]).sum()).collect();
                vec![Some(da), Some(db), Some(bias)]
            },
        );
    }
}

/// More tiles than one axis of a grid holds: along the batch, the rows, the columns.
#[test]
fn grids_fold() {
    let Some(device) = device() else { return };
    for (batch, m, n) in [(70_000, 1, 1), (1, 1_100_000, 1), (1, 1, 2_200_000)] {
        let e = Extents { batch, m, n, k: 1, transposed: [false, false] };
        if device.caps().subgroup_size == Some(SUBGROUP) {
            case(Variant::Subgroup, e);
        }
        if batch > 1 {
            case(Variant::Tile, e);
        }
    }
}

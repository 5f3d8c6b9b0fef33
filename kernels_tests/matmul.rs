//! Cases of `matmul_subgroup.wgsl`, `matmul_tile.wgsl` and `matmul_row.wgsl`, each forced, and of the linear layer.

use crate::case::{check, device, normal, tol};
use emotone::kernels::matmul::{SUBGROUP, Variant};
use emotone::ops;
use emotone::reference::matmul::{self as reference, Extents};

fn case(variant: Variant, e: Extents) {
    let a = if e.transposed[0] { [e.batch, e.k, e.m] } else { [e.batch, e.m, e.k] };
    let b = if e.transposed[1] { [e.batch, e.n, e.k] } else { [e.batch, e.k, e.n] };
    check(
        &format!("{variant:?} {e:?}"),
        tol::SUM,
        &[normal(1, a), normal(2, b)],
        |g, x| Ok(vec![ops::matmul_with(g, x[0], x[1], e.transposed, variant)?]),
        |x| vec![reference::forward(e, &x[0], &x[1])],
        |x, dy| {
            let (da, db) = reference::backward(e, &x[0], &x[1], &dy[0]);
            vec![Some(da), Some(db)]
        },
    );
}

fn all(variant: Variant) {
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
fn matmul_tile() {
    all(Variant::Tile);
}

#[test]
fn matmul_row_matmul_row_sum() {
    all(Variant::Row);
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

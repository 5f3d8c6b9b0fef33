//! Products of all vectors with each other.

use super::super::cholesky::{Triangle, dot};
use super::rows::Rows;
use crate::compile::{Options, Program, States};
use crate::gpu::Device;
use crate::graph::Graph;
use crate::{Error, Result, ops, parallel};
use std::sync::Arc;

/// Vectors of a block, and their values that the device multiplies at once: within the bindings of WebGPU's default limits, and few enough for
/// sums in single precision, whose own sum is made in double.
const BLOCK: usize = 1024;
const DEPTH: usize = 4096;
/// Multiples that kernels like.
const EVEN: usize = 64;
/// Products below which the device is not worth asking.
const FEW: usize = 1 << 27;
/// Most bytes of the matrix.
const MOST: usize = 1 << 33;

/// The vectors' products over their width, made on the device in blocks, or where there are few on the host in double precision. `progress` hears
/// how many of how many blocks are done.
///
/// # Errors
/// [`Error::Config`] for more examples than fit; device faults; those of `progress`.
pub(super) fn gram(device: Option<&Arc<Device>>, rows: &Rows, progress: &mut dyn FnMut(usize, usize) -> Result<()>) -> Result<Triangle> {
    let (n, width) = (rows.len(), rows.width());
    if n.saturating_mul(n) / 2 > MOST / 8 {
        let bytes = n as u64 * n as u64 * 4;
        return Err(Error::Config(format!(
            "model.head = ridge: the products of {n} examples with each other take {bytes} bytes; use --set model.head=linear"
        )));
    }
    let mut k = match device {
        Some(device) if n * n * width > FEW => on_device(device, rows, progress)?,
        _ => on_host(rows),
    };
    let scale = 1.0 / width.max(1) as f64;
    k.0.iter_mut().flatten().for_each(|v| *v *= scale);
    Ok(k)
}

fn on_host(rows: &Rows) -> Triangle {
    let of = |i: usize| {
        let mut z = vec![0.0; rows.width()];
        rows.bring(i, 0, &mut z);
        z
    };
    let z: Vec<Vec<f64>> = (0..rows.len()).map(of).collect();
    Triangle(parallel::map(parallel::cores(), z.len(), |i| z[..=i].iter().map(|other| dot(&z[i], other)).collect()))
}

fn on_device(device: &Arc<Device>, rows: &Rows, progress: &mut dyn FnMut(usize, usize) -> Result<()>) -> Result<Triangle> {
    let (n, width) = (rows.len(), rows.width());
    let (blocks, parts) = (n.div_ceil(BLOCK), width.div_ceil(DEPTH));
    let (size, depth) = (n.div_ceil(blocks).next_multiple_of(EVEN), width.div_ceil(parts).next_multiple_of(EVEN));
    let mut g = Graph::new();
    let (x, y) = (g.input("x", [size, depth]), g.input("y", [size, depth]));
    let k = ops::matmul(&mut g, x, y, false, true)?;
    g.output("k", k);
    let program = Program::new(&g, &States::new(device), Options::default())?;
    let mut sums: Vec<Vec<f64>> = (0..n).map(|i| vec![0.0; i + 1]).collect();
    let (mut done, all) = (0, parts * blocks * (blocks + 1) / 2);
    for part in 0..parts {
        for a in 0..blocks {
            program.write("x", &block(rows, a * size, size, (part * depth, depth)))?;
            for b in 0..=a {
                progress(done, all)?;
                program.write("y", &block(rows, b * size, size, (part * depth, depth)))?;
                program.run()?;
                let products = program.read("k")?;
                let own = sums.iter_mut().enumerate().skip(a * size).take(size);
                for ((i, sums), products) in own.zip(products.chunks(size)) {
                    let sums = &mut sums[(b * size).min(i + 1)..];
                    sums.iter_mut().zip(products).for_each(|(s, p)| *s += f64::from(*p));
                }
                done += 1;
            }
        }
    }
    Ok(Triangle(sums))
}

/// Values of some vectors in single precision, with zeros where there are no more.
fn block(rows: &Rows, first: usize, size: usize, (from, depth): (usize, usize)) -> Vec<f32> {
    let own = depth.min(rows.width().saturating_sub(from));
    let row = |r: usize| {
        let mut values = vec![0.0f32; depth];
        if first + r < rows.len() {
            let mut z = vec![0.0; own];
            rows.bring(first + r, from, &mut z);
            values.iter_mut().zip(z).for_each(|(v, z)| *v = z as f32);
        }
        values
    };
    parallel::map(parallel::cores(), size, row).concat()
}

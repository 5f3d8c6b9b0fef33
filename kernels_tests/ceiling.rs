//! `ceiling.wgsl`, which no op launches.

use crate::case::device;
use emotone::check::{awkward, error, tol};
use emotone::gpu::{Device, Launch, Region};
use emotone::kernels::ceiling::{self, STEP, STEPS};
use emotone::reference::{ceiling as reference, noise};

/// A buffer of `n` floats and 64 more, all `-9`.
fn dirty(device: &Device, n: usize) -> Region {
    let buffer = device.buffer("ceiling", 4 * (n as u64 + 64)).expect("memory");
    device.write(&buffer, 0, bytemuck::cast_slice(&vec![-9.0f32; n + 64]));
    buffer.all()
}

fn run(device: &Device, launch: Launch<Region>) {
    device.replay(&device.record(&[launch]).expect("recording")).expect("replay");
}

fn values(device: &Device, region: &Region) -> Vec<f32> {
    bytemuck::pod_collect_to_vec(&device.read(region).expect("values"))
}

#[test]
fn every_chain_takes_every_step() {
    let Some(device) = device() else { return };
    let wg = if device.caps().software { 8 } else { 256 };
    for &chains in ceiling::chains(device.caps()) {
        for (n, rounds) in awkward(wg).into_iter().zip([0, 1, 2, 3, 4, 1]) {
            let y = dirty(&device, n);
            run(&device, ceiling::fma(device.caps(), n, rounds, chains, y.clone()));
            let steps = (STEPS * rounds) as usize;
            let want = |i| reference::fma(i % wg, 4 * chains as usize, steps, f64::from(STEP.0), f64::from(STEP.1));
            let got = values(&device, &y);
            let e = error(&got[..n], &(0..n).map(want).collect::<Vec<_>>());
            assert!(e <= tol::EXACT, "{n} sums of {chains} chains, {rounds} rounds: error {e:.2e}");
            assert_eq!(got[n..], [-9.0; 64], "{n} sums: wrote past the end");
        }
    }
}

#[test]
fn a_copy_is_exact_and_ends_where_it_should() {
    let Some(device) = device() else { return };
    for n in awkward(512).into_iter().chain([40_000]) {
        let x: Vec<f32> = noise(1, 4 * n).iter().map(|&v| v as f32).collect();
        let (from, to) = (dirty(&device, 4 * n), dirty(&device, 4 * n));
        device.write(&from.buffer, 0, bytemuck::cast_slice(&x));
        run(&device, ceiling::copy(device.caps(), n, from, to.clone()));
        let got = values(&device, &to);
        assert!(got[..4 * n] == x, "copy of {n} vectors");
        assert_eq!(got[4 * n..], [-9.0; 64], "copy of {n} vectors: wrote past the end");
    }
}

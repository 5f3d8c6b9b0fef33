//! What the adapter can do at most, measured again and again between the other measurements.
//!
//! The best of all measurements are the ceilings. All of them together are the control of a comparison: where they changed between two
//! runs of the tool, the machine did.

use super::report::Row;
use emotone::Result;
use emotone::gpu::{Device, Launch, Recording, Region};
use emotone::kernels::{ceiling, copy};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A launch that takes this long says how fast the adapter is.
const LONG: Duration = Duration::from_millis(10);

/// The largest rates seen.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Ceilings {
    /// Multiply-adds in registers, each counted twice, in GFLOP/s.
    pub gflops: f64,
    /// Copying a large buffer, reading and writing counted, in GB/s.
    pub gbs: f64,
}

impl Ceilings {
    /// The larger of two measurements.
    pub fn larger(&self, other: &Self) -> Self {
        Ceilings { gflops: self.gflops.max(other.gflops), gbs: self.gbs.max(other.gbs) }
    }

    /// Shares of the ceilings that `flops` and `bytes` in `seconds` are, in percent.
    pub fn shares(&self, flops: f64, bytes: f64, seconds: f64) -> [f64; 2] {
        [flops / seconds / 1e7 / self.gflops, bytes / seconds / 1e7 / self.gbs]
    }
}

impl fmt::Display for Ceilings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} GFLOP/s multiply-add, {:.1} GB/s copy", self.gflops, self.gbs)
    }
}

/// The launches that are measured, and what came of it.
pub struct Gauge {
    device: Arc<Device>,
    fma: Recording,
    copy: Recording,
    /// Milliseconds of a launch that does next to nothing.
    pub empty: f64,
    rows: [Row; 2],
}

/// The better of two runs of a launch, after one that compiles it.
fn best(device: &Device, recording: &Recording) -> Result<Duration> {
    device.replay_timed(recording)?;
    let mut best = Duration::MAX;
    for _ in 0..2 {
        best = best.min(device.replay_timed(recording)?.iter().sum());
    }
    Ok(best)
}

/// The launch with the most multiply-adds per second, long enough to be timed well.
fn fma(device: &Device) -> Result<(Recording, u64)> {
    let caps = device.caps();
    let n = if caps.software { 1 << 12 } else { 1 << 20 };
    let y = device.buffer("sums", 4 * n as u64)?.all();
    let mut most: Option<(f64, Recording, u64)> = None;
    for &chains in ceiling::chains(caps) {
        let mut rounds = 16;
        loop {
            let launch = ceiling::fma(caps, n, rounds, chains, y.clone());
            let flops = launch.flops;
            let recording = device.record(&[launch])?;
            let time = best(device, &recording)?;
            // Not for ever: a clock that stands still must not make a launch that a watchdog ends.
            if time < LONG && rounds < 1 << 14 {
                rounds *= 2;
                continue;
            }
            let rate = flops as f64 / time.as_secs_f64();
            if most.as_ref().is_none_or(|(r, ..)| rate > *r) {
                most = Some((rate, recording, flops));
            }
            break;
        }
    }
    most.map(|(_, recording, flops)| (recording, flops)).ok_or_else(|| emotone::Error::Gpu("no launch measures multiply-adds".into()))
}

/// The faster of two ways to copy, and its bytes.
fn copying(device: &Device) -> Result<(Recording, u64)> {
    let caps = device.caps();
    let wanted: u64 = if caps.software { 64 << 20 } else { 256 << 20 };
    let bytes = wanted.min(caps.max_binding).min(caps.max_buffer) / 4096 * 4096;
    let (src, dst) = (device.buffer("source", bytes)?.all(), device.buffer("destination", bytes)?.all());
    let record = |launch: Launch<Region>| device.record(&[launch]);
    let single = record(copy::copy(caps, bytes as usize / 4, src.clone(), dst.clone()))?;
    let vector = record(ceiling::copy(caps, bytes as usize / 16, src, dst))?;
    Ok((if best(device, &single)? < best(device, &vector)? { single } else { vector }, 2 * bytes))
}

impl Gauge {
    /// Chooses the launches and measures three times.
    pub fn new(device: &Arc<Device>) -> Result<Self> {
        let y = device.buffer("one", 4)?.all();
        let empty = best(device, &device.record(&[ceiling::fma(device.caps(), 1, 0, 1, y)])?)?;
        let ((fma, flops), (copy, bytes)) = (fma(device)?, copying(device)?);
        let row = |name: &str, flops, bytes| Row { name: name.into(), launches: 1, flops, bytes, samples: Vec::new() };
        let rows = [row("control: multiply-add", flops, 0), row("control: copy", 0, bytes)];
        let mut gauge = Gauge { device: device.clone(), fma, copy, empty: empty.as_secs_f64() * 1e3, rows };
        (0..3).try_for_each(|_| gauge.sample())?;
        Ok(gauge)
    }

    /// Measures once more.
    pub fn sample(&mut self) -> Result<()> {
        for (recording, row) in [&self.fma, &self.copy].into_iter().zip(&mut self.rows) {
            let time: Duration = self.device.replay_timed(recording)?.iter().sum();
            row.samples.push(time.as_secs_f64().max(1e-9) * 1e3);
        }
        Ok(())
    }

    /// The best so far.
    pub fn ceilings(&self) -> Ceilings {
        let [fma, copy] = &self.rows;
        let least = |row: &Row| row.samples.iter().copied().fold(f64::INFINITY, f64::min);
        Ceilings { gflops: fma.flops as f64 / least(fma) / 1e6, gbs: copy.bytes as f64 / least(copy) / 1e6 }
    }

    /// All measurements. Their work differs between two runs of the tool, so they are scaled to a fixed one: the milliseconds of 1 Gflop
    /// and of 100 MB.
    pub fn controls(&self) -> Vec<Row> {
        let mut rows = self.rows.to_vec();
        for r in &mut rows {
            let (flops, bytes) = (r.flops.min(1_000_000_000), r.bytes.min(100_000_000));
            let scale = (flops + bytes) as f64 / (r.flops + r.bytes) as f64;
            r.samples.iter_mut().for_each(|s| *s *= scale);
            (r.flops, r.bytes) = (flops, bytes);
        }
        rows
    }
}

//! Short-term features of a frame by their definitions.

use std::f64::consts::PI;

const EPS: f64 = f64::EPSILON;

/// Entropy in bits of the energy shares of ten equal blocks; a remainder counts in the total only.
fn block_entropy(x: &[f64]) -> f64 {
    let energy = |x: &[f64]| x.iter().map(|v| v * v).sum::<f64>();
    let total = energy(x);
    let share = |block: &[f64]| energy(block) / (total + EPS);
    x.chunks_exact(x.len() / 10).take(10).map(|block| -share(block) * (share(block) + EPS).log2()).sum()
}

/// Decimal logarithms of the sums of magnitudes under forty triangles of unit area.
fn log_bands(mag: &[f64], rate: f64) -> Vec<f64> {
    let mut corners: Vec<f64> = (0..13).map(|k| 133.33 + 200.0 * f64::from(k) / 3.0).collect();
    for _ in 0..29 {
        corners.push(corners[corners.len() - 1] * 1.0711703);
    }
    let band = |c: &[f64]| {
        let weight = |f: f64| match f {
            f if f <= c[0] || f >= c[2] => 0.0,
            f if f < c[1] => (f - c[0]) / (c[1] - c[0]),
            f => (c[2] - f) / (c[2] - c[1]),
        };
        let at = |k: usize| rate / 2.0 * k as f64 / mag.len() as f64;
        let sum: f64 = mag.iter().enumerate().map(|(k, v)| v * weight(at(k))).sum();
        (sum * 2.0 / (c[2] - c[0]) + EPS).log10()
    };
    corners.windows(3).map(band).collect()
}

/// Power of each pitch class.
fn chroma(mag: &[f64], rate: f64) -> [f64; 12] {
    let semitone = |k: usize| (12.0 * (rate / 2.0 * (k + 1) as f64 / mag.len() as f64 / 27.5).log2()).round() as i64;
    let power: f64 = mag.iter().map(|v| v * v).sum();
    let mut classes = [0.0; 12];
    let mut from = 0;
    while from < mag.len() {
        let to = (from..mag.len()).find(|&k| semitone(k) != semitone(from)).unwrap_or(mag.len());
        let mean = mag[from..to].iter().map(|v| v * v).sum::<f64>() / (to - from) as f64;
        classes[semitone(from).rem_euclid(12) as usize] += mean / power.max(EPS);
        from = to;
    }
    classes
}

/// The 34 features of one frame of samples `x` with magnitudes `mag`, and those of the frame before it.
pub fn frame(x: &[f64], mag: &[f64], before: Option<&[f64]>, rate: f64) -> Vec<f64> {
    let (n, bins) = (x.len() as f64, mag.len() as f64);
    let sign = |v: f64| if v == 0.0 { 0.0 } else { v.signum() };
    let crossings: f64 = x.windows(2).map(|w| (sign(w[1]) - sign(w[0])).abs() / 2.0).sum();
    let total = mag.iter().sum::<f64>() + EPS;
    let at = |k: usize| (k + 1) as f64 / bins;
    let centroid = mag.iter().enumerate().map(|(k, v)| at(k) * v).sum::<f64>() / total;
    let spread = mag.iter().enumerate().map(|(k, v)| (at(k) - centroid).powi(2) * v).sum::<f64>() / total;
    let flux = before.map_or(0.0, |before| {
        let earlier = before.iter().sum::<f64>() + EPS;
        mag.iter().zip(before).map(|(v, w)| (v / total - w / earlier).powi(2)).sum()
    });
    let power: f64 = mag.iter().map(|v| v * v).sum();
    let sums = mag.iter().scan(0.0, |sum, v| {
        *sum += v * v;
        Some(*sum)
    });
    let roll_off = sums.zip(0..).find(|(sum, _)| *sum > 0.9 * power).map_or(0.0, |(_, k)| f64::from(k) / bins);
    let logs = log_bands(mag, rate);
    let m = logs.len() as f64;
    let cepstrum = |q: usize| {
        let scale = if q == 0 { 1.0 / m } else { 2.0 / m };
        let terms = logs.iter().enumerate().map(|(i, v)| v * (PI * q as f64 * (i as f64 + 0.5) / m).cos());
        scale.sqrt() * terms.sum::<f64>()
    };
    let classes = chroma(mag, rate);
    let mean = classes.iter().sum::<f64>() / 12.0;
    let deviation = (classes.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 12.0).sqrt();
    let energy = x.iter().map(|v| v * v).sum::<f64>() / n;
    let mut y = vec![crossings / (n - 1.0), energy, block_entropy(x), centroid, spread.sqrt(), block_entropy(mag), flux, roll_off];
    y.extend((0..13).map(cepstrum));
    y.extend(classes);
    y.push(deviation);
    y
}

/// Features of the frames of n samples that lie within each clip of (B, samples), from magnitudes (B, T, n/2); zeros behind them: (B, T, 34).
pub fn forward(samples: usize, lengths: &[usize], (n, hop): (usize, usize), rate: f64, x: &[f64], mag: &[f64]) -> Vec<f64> {
    let within = |length: usize| if length < n { 0 } else { 1 + (length - n) / hop };
    let frames = within(samples).max(1);
    let mut y = vec![0.0; lengths.len() * frames * 34];
    for (b, &length) in lengths.iter().enumerate() {
        let bins = |t: usize| &mag[(b * frames + t) * (n / 2)..][..n / 2];
        for t in 0..within(length) {
            let before = (t > 0).then(|| bins(t - 1));
            y[(b * frames + t) * 34..][..34].copy_from_slice(&frame(&x[b * samples + t * hop..][..n], bins(t), before, rate));
        }
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_line_in_a_spectrum_and_of_silence() {
        let (x, mut mag) = ([1.0, -1.0].repeat(20), vec![0.0; 20]);
        mag[4] = 2.0;
        let y = frame(&x, &mag, Some(&mag), 16_000.0);
        assert_eq!((y[0], y[1], y[3], y[4], y[6], y[7]), (1.0, 1.0, 0.25, 0.0, 0.0, 0.2));
        // Ten equal blocks are log2(10) bits, one is none. 2000 Hz are 74 semitones above 27.5 Hz, the class of B.
        assert!((y[2] - 10f64.log2()).abs() < 1e-9 && y[5].abs() < 1e-9 && (y[21 + 2] - 1.0).abs() < 1e-12, "{y:?}");
        let silent = frame(&[0.0; 40], &[0.0; 20], None, 16_000.0);
        assert!(silent[..8].iter().all(|v| *v == 0.0) && silent[21..].iter().all(|v| *v == 0.0));
        assert!((silent[8] - EPS.log10() * 40f64.sqrt()).abs() < 1e-9 && silent[9..21].iter().all(|v| v.abs() < 1e-9));
    }
}

//! Mel filter banks by librosa's definitions.

use super::{Frontend, MelNorm, MelScale};
use crate::ops::Bands;
use crate::{Error, Result};

/// First frequency of the logarithmic part of Slaney's scale, Hz, and its mel value.
const LOG_FROM: (f64, f64) = (1000.0, 15.0);
/// Hz per mel of its linear part.
const HZ_PER_MEL: f64 = 200.0 / 3.0;

/// Natural logarithm of the step of one mel in its logarithmic part.
fn log_step() -> f64 {
    6.4f64.ln() / 27.0
}

impl MelScale {
    /// Mel value of a frequency in Hz. Slaney: `f / 66.67` below 1 kHz, `15 + ln(f/1000) / (ln 6.4 / 27)` above (Auditory Toolbox,
    /// 1998). HTK: `2595 log10(1 + f/700)`.
    pub fn mel(self, hz: f64) -> f64 {
        match self {
            MelScale::Slaney if hz < LOG_FROM.0 => hz / HZ_PER_MEL,
            MelScale::Slaney => LOG_FROM.1 + (hz / LOG_FROM.0).ln() / log_step(),
            MelScale::Htk => 2595.0 * (1.0 + hz / 700.0).log10(),
        }
    }

    /// Frequency in Hz of a mel value.
    pub fn hz(self, mel: f64) -> f64 {
        match self {
            MelScale::Slaney if mel < LOG_FROM.1 => mel * HZ_PER_MEL,
            MelScale::Slaney => LOG_FROM.0 * ((mel - LOG_FROM.1) * log_step()).exp(),
            MelScale::Htk => 700.0 * (10f64.powf(mel / 2595.0) - 1.0),
        }
    }
}

/// Triangles whose corners lie at equal mel steps from `f_min` to `f_max`: band m rises over (f_m, f_m+1) and falls over
/// (f_m+1, f_m+2); of unit height, or times `2 / (f_m+2 − f_m)` for Slaney's norm.
///
/// # Errors
/// [`Error::Config`] for no bands or frequencies that are not `0 <= f_min < f_max`.
pub fn filter_bank(f: &Frontend) -> Result<Bands> {
    if f.n_mels == 0 || !(f.f_min >= 0.0 && f.f_min < f.f_max && f.f_max.is_finite()) {
        return Err(Error::Config(format!("{} mel bands from {} to {} Hz", f.n_mels, f.f_min, f.f_max)));
    }
    let (low, high) = (f.mel_scale.mel(f.f_min), f.mel_scale.mel(f.f_max));
    let corner = |i: usize| f.mel_scale.hz(low + (high - low) * i as f64 / (f.n_mels + 1) as f64);
    let bins = f.n_fft / 2 + 1;
    let filters = (0..f.n_mels).map(|m| {
        let (left, centre, right) = (corner(m), corner(m + 1), corner(m + 2));
        let height = match f.mel_norm {
            MelNorm::Slaney => 2.0 / (right - left),
            MelNorm::None => 1.0,
        };
        let weight = |k: usize| {
            let hz = k as f64 * f64::from(f.sample_rate) / f.n_fft as f64;
            height * ((hz - left) / (centre - left)).min((right - hz) / (right - centre)).max(0.0)
        };
        let weights: Vec<f64> = (0..bins).map(weight).collect();
        match (weights.iter().position(|&w| w > 0.0), weights.iter().rposition(|&w| w > 0.0)) {
            (Some(first), Some(last)) => (first, weights[first..=last].to_vec()),
            _ => (0, Vec::new()),
        }
    });
    Ok(Bands { bins, filters: filters.collect() })
}

#[cfg(test)]
mod tests {
    use super::super::tests::frontend;
    use super::*;

    #[test]
    fn scales_match_known_values_and_invert() {
        for (hz, slaney, htk) in [(0.0, 0.0, 0.0), (500.0, 7.5, 607.4459), (1000.0, 15.0, 999.9855), (6400.0, 42.0, 2_610.986)] {
            assert!((MelScale::Slaney.mel(hz) - slaney).abs() < 1e-9, "slaney {hz}: {}", MelScale::Slaney.mel(hz));
            assert!((MelScale::Htk.mel(hz) - htk).abs() < 1e-3, "htk {hz}: {}", MelScale::Htk.mel(hz));
            for scale in [MelScale::Slaney, MelScale::Htk] {
                assert!((scale.hz(scale.mel(hz)) - hz).abs() < 1e-9 * (1.0 + hz));
            }
        }
    }

    /// The published front end has 64 bands from 20 to 8000 Hz at 44.1 kHz and 1024 points: none is empty.
    #[test]
    fn published_bank_has_no_empty_band_and_unit_areas() {
        let f = Frontend { sample_rate: 44_100, n_fft: 1024, frame: 1024, hop: 512, ..frontend() };
        let bank = filter_bank(&f).unwrap();
        assert_eq!((bank.bins, bank.filters.len()), (513, 64));
        assert!(bank.filters.iter().all(|(_, w)| !w.is_empty()));
        // Wide triangles are sampled finely enough for their sum times the bin width to be their area.
        let area: f64 = bank.filters[63].1.iter().sum::<f64>() * 44_100.0 / 1024.0;
        assert!((area - 1.0).abs() < 0.01, "{area}");
    }

    #[test]
    fn unit_heights_overlap_to_one() {
        let f = Frontend { mel_norm: MelNorm::None, mel_scale: MelScale::Htk, n_mels: 40, f_min: 0.0, ..frontend() };
        let bank = filter_bank(&f).unwrap();
        let mut sum = vec![0.0; bank.bins];
        for (start, w) in &bank.filters {
            for (j, w) in w.iter().enumerate() {
                sum[start + j] += w;
            }
        }
        // Between the first and last band's peaks neighbours share each bin's weight.
        assert!((4..200).all(|k| (sum[k] - 1.0f64).abs() < 1e-9), "{sum:?}");
    }

    #[test]
    fn impossible_banks_are_refused() {
        for f in
            [Frontend { n_mels: 0, ..frontend() }, Frontend { f_min: 9000.0, ..frontend() }, Frontend { f_max: f64::NAN, ..frontend() }]
        {
            assert!(filter_bank(&f).is_err(), "{f:?}");
        }
    }
}

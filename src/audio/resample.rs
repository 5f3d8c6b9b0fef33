//! Downmix and resampling as a stream: interleaved frames in, mono 16 kHz out, so that memory follows the output only.

use rubato::{Fft, FixedSync, Indexing, Resampler, WindowFunction, audioadapter_buffers::direct::InterleavedSlice};

use super::{
    clip::{Reason, SAMPLE_RATE, check_format},
    part::Channel,
};

/// Float files may overshoot full scale (lossy decoders do); beyond this the samples were never normalised.
const LARGEST: f32 = 16.0;

/// Turns a recording into mono 16 kHz.
pub(super) struct Mono16k {
    rate: u32,
    channels: usize,
    channel: Channel,
    frames: u64,
    /// Made and not taken yet.
    out: Vec<f32>,
    /// Samples of the filter's delay that are still to be dropped from `out`.
    delay: usize,
    taken: u64,
    /// Sums of squares over all frames: of the mean of the channels, and the mean of theirs.
    energy: [f64; 2],
    /// Mono samples at the source rate that do not fill a chunk yet.
    pending: Vec<f32>,
    fft: Option<Fft<f32>>,
}

impl Mono16k {
    /// Prepares for frames of `channels` samples at `rate` Hz, of which `channel` is wanted.
    pub(super) fn new(rate: u32, channels: usize, channel: Channel) -> Result<Self, Reason> {
        check_format(rate, channels)?;
        channel.check(channels)?;
        let fft = if rate == SAMPLE_RATE {
            None
        } else {
            // The filter's delay is half a block: with an even number of minimal blocks it is a whole number of samples on
            // both sides, so the output is not shifted by a fraction of a sample.
            let gcd = gcd(rate, SAMPLE_RATE);
            let minimal = (rate / gcd) as usize;
            let blocks = 2048usize.div_ceil(minimal).next_multiple_of(2);
            let window = WindowFunction::BlackmanHarris2;
            let made = Fft::new_custom(rate as usize, SAMPLE_RATE as usize, minimal * blocks, 1, 1, window, FixedSync::Both);
            Some(made.map_err(|e| format!("cannot resample from {rate} Hz: {e}"))?)
        };
        let delay = fft.as_ref().map_or(0, |fft| fft.output_delay());
        Ok(Self { rate, channels, channel, frames: 0, out: Vec::new(), delay, taken: 0, energy: [0.0; 2], pending: Vec::new(), fft })
    }

    /// Frames taken so far.
    pub(super) fn frames(&self) -> u64 {
        self.frames
    }

    /// Source rate in Hz.
    pub(super) fn rate(&self) -> u32 {
        self.rate
    }

    /// Whether the channels cancel each other out: less than a thousandth of their amplitude is left in the mean.
    pub(super) fn cancelled(&self) -> bool {
        self.channel == Channel::Mix && self.channels > 1 && self.energy[0] < 1e-6 * self.energy[1]
    }

    /// Takes whole interleaved frames: averages or picks channels, clamps overshoots to [-1, 1], refuses what is not finite.
    pub(super) fn push(&mut self, interleaved: &[f32]) -> Result<(), Reason> {
        let first = self.frames;
        if self.channels == 1 {
            for (i, &x) in interleaved.iter().enumerate() {
                // Adding makes one zero of both, as averaging does.
                self.pending.push(0.0 + within(x, first + i as u64)?);
            }
        } else {
            for (i, frame) in interleaved.chunks_exact(self.channels).enumerate() {
                let (mut sum, mut squares) = (0.0, 0.0);
                for &x in frame {
                    let x = within(x, first + i as u64)?;
                    sum += x;
                    squares += x * x;
                }
                let mean = sum / self.channels as f32;
                self.energy[0] += f64::from(mean * mean);
                self.energy[1] += f64::from(squares / self.channels as f32);
                self.pending.push(match self.channel {
                    Channel::Number(n) => frame[n - 1].clamp(-1.0, 1.0),
                    Channel::Mix => mean,
                });
            }
        }
        self.frames += (interleaved.len() / self.channels) as u64;
        match &self.fft {
            None => self.out.append(&mut self.pending),
            Some(fft) => {
                let chunk = fft.input_frames_next();
                let whole = self.pending.len() / chunk * chunk;
                self.resample(whole, chunk)?;
            }
        }
        Ok(())
    }

    /// Resamples the first `whole` pending samples, a multiple of `chunk`.
    fn resample(&mut self, whole: usize, chunk: usize) -> Result<(), Reason> {
        let Some(fft) = &mut self.fft else { return Ok(()) };
        let input = InterleavedSlice::new(&self.pending, 1, self.pending.len()).map_err(|e| e.to_string())?;
        for offset in (0..whole).step_by(chunk) {
            let start = self.out.len();
            let made = fft.output_frames_next();
            self.out.resize(start + made, 0.0);
            let mut output = InterleavedSlice::new_mut(&mut self.out[start..], 1, made).map_err(|e| e.to_string())?;
            let (_, written) = fft
                .process_into_buffer(&input, &mut output, Some(&Indexing::new().input_offset(offset)))
                .map_err(|e| format!("resampling failed: {e}"))?;
            self.out.truncate(start + written);
        }
        self.pending.drain(..whole);
        Ok(())
    }

    /// What is ready, in order.
    pub(super) fn take(&mut self) -> Vec<f32> {
        let dropped = self.delay.min(self.out.len());
        self.delay -= dropped;
        self.out.drain(..dropped);
        let mut out = std::mem::take(&mut self.out);
        if self.fft.is_some() {
            // The filter rings past full scale at clipped edges.
            out.iter_mut().for_each(|x| *x = x.clamp(-1.0, 1.0));
        }
        self.taken += out.len() as u64;
        out
    }

    /// The rest. With what was taken before these are ceil(frames · 16000 / rate) samples, aligned with the source.
    pub(super) fn finish(&mut self) -> Result<Vec<f32>, Reason> {
        if self.frames == 0 {
            return Err("no samples in the file".into());
        }
        let wanted = (output_len(self.frames, self.rate) - self.taken) as usize;
        if let Some(fft) = &self.fft {
            let chunk = fft.input_frames_next();
            while self.out.len() < self.delay + wanted {
                self.pending.resize(self.pending.len().max(1).next_multiple_of(chunk), 0.0);
                self.resample(self.pending.len(), chunk)?;
            }
        }
        let mut rest = self.take();
        rest.truncate(wanted);
        Ok(rest)
    }
}

/// Samples at 16 kHz of `frames` frames at `rate` Hz.
pub(super) fn output_len(frames: u64, rate: u32) -> u64 {
    (frames * u64::from(SAMPLE_RATE)).div_ceil(u64::from(rate))
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A sample brought into [-1, 1].
///
/// # Errors
/// One that is not finite, or far from there, with its number.
fn within(x: f32, at: u64) -> Result<f32, Reason> {
    match () {
        () if x.abs() <= LARGEST => Ok(x.clamp(-1.0, 1.0)),
        () if x.is_finite() => Err(format!("sample {at} is {x}; float samples are expected within [-1, 1]")),
        () => Err(format!("sample {at} is {x}, not a finite number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(hz: f64, rate: u32, n: usize) -> Vec<f32> {
        (0..n).map(|i| (0.5 * (std::f64::consts::TAU * hz * i as f64 / f64::from(rate)).sin()) as f32).collect()
    }

    fn through(rate: u32, channels: usize, samples: &[f32], piece: usize) -> Vec<f32> {
        let mut mono = Mono16k::new(rate, channels, Channel::Mix).unwrap();
        samples.chunks(piece).for_each(|p| mono.push(p).unwrap());
        mono.finish().unwrap()
    }

    #[test]
    fn taken_in_pieces_or_at_once_the_samples_are_the_same() {
        for rate in [8_000, 16_000, 44_100] {
            let x = sine(300.0, rate, 30_011);
            let mut mono = Mono16k::new(rate, 1, Channel::Mix).unwrap();
            let mut got = Vec::new();
            for piece in x.chunks(700) {
                mono.push(piece).unwrap();
                got.extend(mono.take());
            }
            got.extend(mono.finish().unwrap());
            assert!(got == through(rate, 1, &x, 30_011), "{rate} Hz");
        }
    }

    #[test]
    fn one_channel_of_several_and_channels_that_cancel_each_other() {
        let frames = [0.5, -0.5, 0.25, -0.25, 3.0, -3.0];
        let heard = |channel| {
            let mut mono = Mono16k::new(16_000, 2, channel).unwrap();
            mono.push(&frames).unwrap();
            (mono.cancelled(), mono.finish().unwrap())
        };
        assert_eq!(heard(Channel::LEFT), (false, vec![0.5, 0.25, 1.0]));
        assert_eq!(heard(Channel::RIGHT), (false, vec![-0.5, -0.25, -1.0]));
        assert_eq!(heard(Channel::Mix), (true, vec![0.0; 3]));
        assert!(Mono16k::new(16_000, 2, Channel::Number(3)).is_err());
    }

    #[test]
    fn a_sine_keeps_its_pitch_phase_level_and_length() {
        for rate in [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 44_101] {
            let n = rate as usize / 2 + 7;
            let got = through(rate, 1, &sine(440.0, rate, n), 1000);
            assert_eq!(got.len() as u64, output_len(n as u64, rate), "{rate} Hz");
            let want = sine(440.0, SAMPLE_RATE, got.len());
            // The outer parts hold the filter's response to the sine's onset and end.
            let worst = (got.len() / 3..got.len() / 3 * 2).map(|i| (got[i] - want[i]).abs()).fold(0.0, f32::max);
            assert!(worst <= 1e-4, "{rate} Hz: {worst}");
        }
    }

    #[test]
    fn what_cannot_be_represented_is_filtered_out() {
        let got = through(48_000, 1, &sine(10_000.0, 48_000, 48_000), 4096);
        let worst = got[1000..15_000].iter().fold(0.0f32, |m, x| m.max(x.abs()));
        assert!(worst <= 1e-3, "10 kHz aliases at {worst}");
    }

    #[test]
    fn the_size_of_the_pieces_does_not_matter() {
        let x = sine(300.0, 44_100, 30_000);
        assert_eq!(through(44_100, 1, &x, 1), through(44_100, 1, &x, 30_000));
    }

    #[test]
    fn channels_are_averaged_and_overshoot_clamped() {
        assert_eq!(through(16_000, 2, &[1.0, 0.0, -0.5, 0.5, 3.0, 3.0], 6), [0.5, 0.0, 1.0]);
    }

    #[test]
    fn refuses_what_is_not_sound() {
        for (bad, word) in [(f32::NAN, "finite"), (f32::INFINITY, "finite"), (-32_768.0, "within")] {
            let reason = Mono16k::new(16_000, 1, Channel::Mix).unwrap().push(&[0.0, bad]).unwrap_err();
            assert!(reason.contains(word) && reason.contains("sample 1"), "{reason}");
        }
        for (rate, channels) in [(0, 1), (999, 1), (u32::MAX, 1), (16_000, 0), (16_000, 65)] {
            assert!(Mono16k::new(rate, channels, Channel::Mix).is_err(), "{rate} {channels}");
        }
        assert!(Mono16k::new(16_000, 1, Channel::Mix).unwrap().finish().is_err());
    }

    #[test]
    fn one_sample_survives() {
        for rate in [8_000, 16_000, 44_100] {
            assert!(!through(rate, 1, &[0.5], 1).is_empty());
        }
    }
}

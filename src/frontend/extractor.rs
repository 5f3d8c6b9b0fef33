//! Inputs of many clips: batches of clips of similar length through compiled programs, results on the host.

use super::views::views;
use super::{Inputs, log_mel};
use crate::compile::{Kept, Options, Program, States};
use crate::gpu::Device;
use crate::graph::Graph;
use crate::parallel;
use crate::{Error, Result};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Frames of a batch: enough to keep a device busy, few megabytes of spectra.
const FRAMES_AT_ONCE: usize = 8192;
/// Clips of a batch, whatever their length.
const CLIPS_AT_ONCE: usize = 64;
/// Programs kept; each holds the memory of a batch.
const PROGRAMS_KEPT: usize = 24;

/// Makes a network's inputs of clips on a device. Programs are compiled once per bucket of lengths and kept. A clip's input does not depend
/// on the clips it is extracted with, nor on their order.
pub struct Extractor {
    states: States,
    inputs: Inputs,
    /// Whether it makes all views of a clip, not the one input.
    views: bool,
    /// By (samples, clips) they hold.
    programs: Kept<(usize, usize), Arc<Program>>,
}

impl Extractor {
    /// An extractor without programs.
    pub fn new(device: &Arc<Device>, inputs: &Inputs) -> Self {
        let programs = Kept::new(PROGRAMS_KEPT, u64::MAX);
        Extractor { states: States::new(device), inputs: inputs.clone(), views: false, programs }
    }

    /// An extractor that makes the [views](views()) of each clip, one after the other, in the place of its input.
    ///
    /// # Errors
    /// [`Error::Config`] for inputs that are no images.
    pub fn of_views(device: &Arc<Device>, inputs: &Inputs) -> Result<Self> {
        match inputs {
            Inputs::Images(..) => Ok(Extractor { views: true, ..Self::new(device, inputs) }),
            other => Err(Error::Config(format!("views at test time are parts of images; this network takes {}", other.plural()))),
        }
    }

    /// The input made of each clip, flat, in the clips' order; its shape is [`Inputs::shape`].
    ///
    /// # Errors
    /// [`Error::Data`] for an empty clip; [`Error::OutOfMemory`] for one too long for the device; errors of compiling and running.
    pub fn extract<S: AsRef<[f32]> + Sync>(&mut self, clips: &[S]) -> Result<Vec<Vec<f32>>> {
        if let Some(i) = clips.iter().position(|clip| clip.as_ref().is_empty()) {
            return Err(Error::Data(format!("clip {i} of {} has no samples", clips.len())));
        }
        let signals = parallel::map(parallel::cores(), clips.len(), |i| self.inputs.signal(clips[i].as_ref()));
        let signals = signals.into_iter().collect::<Result<Vec<Cow<[f32]>>>>()?;
        let mut buckets: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (i, signal) in signals.iter().enumerate() {
            buckets.entry(self.bucket(signal.len())).or_default().push(i);
        }
        let mut inputs = vec![Vec::new(); clips.len()];
        for (samples, members) in buckets {
            for part in members.chunks(self.clips_at_once(samples)) {
                // Powers of two, so that few programs serve any number of clips.
                let slots = part.len().next_power_of_two();
                let mut x = vec![0.0; slots * samples];
                let mut lengths = vec![0; slots];
                for (slot, &i) in part.iter().enumerate() {
                    x[slot * samples..][..signals[i].len()].copy_from_slice(&signals[i]);
                    lengths[slot] = signals[i].len() as u32;
                }
                let program = self.program(samples, slots)?;
                program.write("x", &x)?;
                program.write_u32("lengths", &lengths)?;
                program.run()?;
                let made = program.read("input")?;
                for (made, &i) in made.chunks(made.len() / slots).zip(part) {
                    inputs[i] = self.inputs.fit(made, signals[i].len());
                }
            }
        }
        Ok(inputs)
    }

    /// The input of each utterance: that of its clip, and of networks that take signals, the signals and then the image of its clip.
    ///
    /// # Errors
    /// As [`Extractor::extract`]; [`Error::Data`] for signals of another length.
    pub fn join(&mut self, signals: &[&[f32]], clips: &[&[f32]]) -> Result<Vec<Vec<f32>>> {
        let Inputs::Signals(spec) = &self.inputs else { return self.extract(clips) };
        let (speech, length) = (spec.audio.is_some(), spec.channels.iter().sum::<usize>() * spec.length);
        if let Some(wrong) = signals.iter().find(|s| s.len() != length) {
            return Err(Error::Data(format!("signals of {} values in all, the network takes {length}", wrong.len())));
        }
        let images = if speech { self.extract(clips)? } else { vec![Vec::new(); signals.len()] };
        Ok(signals.iter().zip(images).map(|(signal, image)| [signal, image.as_slice()].concat()).collect())
    }

    /// Room for a clip of `n` samples: steps of a quarter from a quarter of a second on, in whole hops.
    fn bucket(&self, n: usize) -> usize {
        let hop = self.inputs.hop().max(1);
        let mut room = (self.inputs.sample_rate() as usize / 4).max(4 * hop).next_multiple_of(hop);
        while room < n {
            room = (room + room / 4).next_multiple_of(hop);
        }
        room
    }

    /// The largest power of two of clips whose frames fit [`FRAMES_AT_ONCE`].
    fn clips_at_once(&self, samples: usize) -> usize {
        let fit = FRAMES_AT_ONCE / (1 + samples / self.inputs.hop().max(1));
        1 << fit.clamp(1, CLIPS_AT_ONCE).ilog2()
    }

    fn program(&mut self, samples: usize, clips: usize) -> Result<Arc<Program>> {
        let key = (samples, clips);
        let program = match self.programs.take(&key) {
            Some(program) => program,
            None => Arc::new(self.compile(samples, clips)?),
        };
        // Their number alone is bounded.
        self.programs.put(key, program.clone(), 0);
        Ok(program)
    }

    fn compile(&self, samples: usize, clips: usize) -> Result<Program> {
        let mut g = Graph::new();
        let (x, lengths) = (g.input("x", [clips, samples]), g.input("lengths", [clips]));
        let y = match &self.inputs {
            Inputs::Images(frontend, picture) if self.views => {
                let mel = log_mel(&mut g, x, lengths, frontend)?;
                views(&mut g, mel, lengths, frontend, picture)?
            }
            inputs => inputs.graph(&mut g, x, lengths)?,
        };
        g.output("input", y);
        Program::new(&g, &self.states, Options::default())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{frontend, small};
    use super::super::{Fit, Image};
    use super::*;
    use crate::reference::noise;

    fn clip(seed: u64, n: usize) -> Vec<f32> {
        noise(seed, n).iter().map(|&v| 0.1 * v as f32).collect()
    }

    #[test]
    fn images_do_not_depend_on_neighbours() {
        let Some(device) = crate::check::device() else { return };
        let clips: Vec<Vec<f32>> = [9000, 1, 4000, 16_001, 3999, 100, 8999].iter().enumerate().map(|(i, &n)| clip(i as u64, n)).collect();
        for spec in [small(), Image { channels: 3, fit: Fit::Pad, seconds: 0.3, ..small() }] {
            let mut all = Extractor::new(&device, &Inputs::Images(frontend(), spec.clone()));
            let together = all.extract(&clips).unwrap();
            let backwards: Vec<&Vec<f32>> = clips.iter().rev().collect();
            let mut reversed = all.extract(&backwards).unwrap();
            reversed.reverse();
            assert!(together == reversed, "order changes images");
            for (clip, image) in clips.iter().zip(&together) {
                assert_eq!(image.len(), spec.channels * 32 * 32);
                assert!(image[..32 * 32].iter().all(|v| (0.0..=1.0).contains(v)), "values outside [0, 1]");
                assert!(all.extract(&[clip]).unwrap()[0] == *image, "a neighbour changes the image of {} samples", clip.len());
            }
            assert!(together[0] != together[6]);
        }
        let mut none = Extractor::new(&device, &Inputs::Images(frontend(), small()));
        assert!(none.extract(&[vec![0.0; 4000]]).unwrap()[0].iter().all(|&v| v == 1.0), "silence is its own maximum");
        assert!(none.extract(&[vec![0.5; 10], vec![]]).unwrap_err().to_string().contains("clip 1 of 2 has no samples"));
        assert!(none.extract::<Vec<f32>>(&[]).unwrap().is_empty());
    }
}

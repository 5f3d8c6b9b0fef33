//! Networks of frames: features of clips as one batch, and that they do not depend on it.

use super::apart;
use emotone::compile::{Options, Program, States};
use emotone::frontend::frames::BANDS;
use emotone::gpu::Device;
use emotone::graph::Graph;
use emotone::models::Network;
use emotone::nn::{Context, Params, Weights};
use emotone::reference::noise;
use std::sync::Arc;

/// A network with weights.
pub struct Heard<'a> {
    pub device: &'a Arc<Device>,
    pub net: &'a dyn Network,
    pub weights: fn(&Params) -> Weights,
}

impl Heard<'_> {
    /// Features of clips as one batch with room for `room` frames. Behind each clip is the frame of zeros that convolutions see at its end, and
    /// behind that `garbage`. Memory holds NaN beforehand. Without `lengths` all frames are valid.
    pub fn features(&self, clips: &[&[f32]], (room, garbage): (usize, f32), lengths: bool) -> Vec<Vec<f32>> {
        let (mut g, mut params) = (Graph::new(), Params::new(|_| false));
        let x = g.input("x", [clips.len(), room, BANDS]);
        let own = lengths.then(|| g.input("lengths", [clips.len()]));
        let mut cx = Context::new(&mut g, &mut params, false);
        cx.lengths = own;
        let made = self.net.features(&mut cx, x).expect("graph");
        g.output("features", made);
        let mut states = States::new(self.device);
        params.allocate(&mut states).expect("memory");
        params.upload(&states, &(self.weights)(&params), true).expect("weights");
        let program = Program::new(&g, &states, Options { poison: true, ..Options::default() }).expect("program");
        let mut rows = vec![garbage; clips.len() * room * BANDS];
        for (row, clip) in rows.chunks_mut(room * BANDS).zip(clips) {
            row[..clip.len()].copy_from_slice(clip);
            row.iter_mut().skip(clip.len()).take(BANDS).for_each(|v| *v = 0.0);
        }
        program.write("x", &rows).expect("inputs");
        if lengths {
            program.write_u32("lengths", &clips.iter().map(|c| (c.len() / BANDS) as u32).collect::<Vec<_>>()).expect("lengths");
        }
        program.run().expect("run");
        assert_eq!(program.overruns().expect("sentinels"), 0);
        let made = program.read("features").expect("features");
        made.chunks(made.len() / clips.len()).map(<[f32]>::to_vec).collect()
    }

    /// A clip alone, in a batch and in another batch with more room has the same features; so it has without lengths, where it fills its room in
    /// whole positions of `per` frames.
    pub fn does_not_depend_on_the_batch(&self, lengths: [usize; 6], per: usize) {
        let clip = |i: usize| noise(i as u64, lengths[i] * BANDS).iter().map(|&v| v as f32).collect::<Vec<f32>>();
        let clips: Vec<Vec<f32>> = (0..lengths.len()).map(clip).collect();
        let all: Vec<&[f32]> = clips.iter().map(Vec::as_slice).collect();
        let backwards: Vec<&[f32]> = all.iter().rev().copied().collect();
        let together = self.features(&all, (96, 0.0), true);
        let longer = self.features(&backwards, (128, 50.0), true);
        let what = self.net;
        for (i, clip) in all.iter().enumerate() {
            let alone = &self.features(&[clip], (lengths[i], 0.0), true)[0];
            assert!(alone.iter().any(|v| v.abs() > 0.1));
            for (name, other) in [("in a batch", &together[i]), ("in another batch", &longer[lengths.len() - 1 - i])] {
                let error = apart(alone, other);
                assert!(error < 1e-4, "{what:?}: a clip of {} frames differs by {error} {name}", lengths[i]);
            }
            if lengths[i].is_multiple_of(per) {
                let error = apart(alone, &self.features(&[clip], (lengths[i], 0.0), false)[0]);
                assert!(error < 1e-5, "{what:?}: {} frames without lengths: {error}", lengths[i]);
            }
        }
        assert!(apart(&together[2], &together[5]) > 1e-3, "clips are told apart");
    }
}

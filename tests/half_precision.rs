//! `train.precision = f16`: close to single precision in little more than half the memory, overflowing steps change nothing and are counted, and a clear refusal elsewhere.

mod common;

use common::{device, recipe};
use emotone::gpu::Device;
use emotone::reference::noise;
use emotone::train::config::Config;
use emotone::train::learner::Learner;
use emotone::train::recipe::Source;
use emotone::train::step::{Batch, Step};
use std::sync::Arc;

fn learner(device: &Arc<Device>, precision: &str, micro: usize) -> emotone::Result<Learner> {
    let mut config = Config::preset("tiny")?;
    let micro = format!("train.micro_batches={micro}");
    for s in
        [&format!("train.precision={precision}"), "image.size=64", "train.batch=8", "model.dropout=0", "stage.single.augment=false", &micro]
    {
        config.set(s)?;
    }
    let stage = config.stage["single"].clone();
    Learner::new(device, &recipe(config), &stage, Source::Raw, &Default::default())
}

fn batch(parts: usize) -> Vec<Batch> {
    let rows = 8 / parts;
    let x: Vec<f32> = noise(3, rows * 64 * 64).iter().map(|&v| v as f32).collect();
    let emotion: Vec<f32> = (0..rows * 4).map(|i| f32::from(u8::from(i % 4 == i / 4 % 4))).collect();
    vec![Batch { x, targets: [("emotion".to_string(), emotion)].into(), ..Batch::default() }; parts]
}

#[test]
fn half_precision_follows_single_and_skips_what_overflows() {
    let Some(device) = device() else { return };
    if !device.caps().f16 {
        let error = learner(&device, "f16", 1).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.contains("half-precision numbers") && error.contains(&device.caps().adapter), "{error}");
        eprintln!("SKIPPED beyond the refusal: the adapter has no half-precision numbers in shaders");
        return;
    }
    for parts in [1, 2] {
        let [mut half, mut single] = ["f16", "f32"].map(|p| learner(&device, p, parts).expect("learner"));
        let memory = [&half, &single].map(|l| l.plan().arena_bytes() as f64);
        assert!(memory[0] < 0.65 * memory[1], "bytes of values between ops: {memory:?}");
        for step in 0..5 {
            let [h, s] = [&mut half, &mut single].map(|l| l.update(&batch(parts), 1e-3).and_then(Step::done).expect("update"));
            let close = |a: f64, b: f64, tolerance: f64| (a - b).abs() <= tolerance * b.abs();
            assert!(h.loss != s.loss, "half precision leaves no trace");
            // The gradients at the same weights; later ones are at weights that drift apart.
            assert!(close(h.loss, s.loss, 0.02) && (step > 0 || close(h.norm, s.norm, 0.01)), "step {step}: {h:?} and {s:?}");
        }
        let before = half.weights().expect("weights");
        half.at.loss_scale.as_mut().expect("loss scale").factor = 2f32.powi(120);
        let update = half.update(&batch(parts), 1e-3).and_then(Step::done).expect("a skipped step is no error");
        assert!(update.loss.is_finite() && update.norm == 0.0, "{update:?}");
        let scale = half.at.loss_scale.clone().expect("loss scale");
        assert_eq!((scale.skipped, scale.factor), (1, 2f32.powi(119)));
        let after = half.weights().expect("weights");
        let same = |name: &String| after[name].1 == before[name].1;
        assert!(before.keys().filter(|n| !n.contains("running_")).all(same), "a skipped step moved a weight");
        half.at.loss_scale.as_mut().expect("loss scale").factor = 1024.0;
        let update = half.update(&batch(parts), 1e-3).and_then(Step::done).expect("update");
        assert!(update.norm > 0.0 && half.weights().expect("weights").iter().any(|(n, v)| v.1 != before[n].1));
    }
}

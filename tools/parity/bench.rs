//! Speed of a system: medians of whole training steps and inference batches on random inputs.

use crate::case;
use crate::flags::Flags;
use crate::median::median;
use crate::systems::{STAGE, System};
use anyhow::Result;
use emotone::gpu::Device;
use emotone::graph::Shape;
use emotone::nn::Weights;
use emotone::reference::noise;
use emotone::train::learner::Learner;
use emotone::train::recipe::Source;
use emotone::train::step::Batch;
use std::sync::Arc;

/// Steps before the clock starts.
pub const WARMUP: usize = 2;

/// Random inputs of the sizes that the flags say.
fn sample(system: &System, flags: &Flags, batch: usize) -> Result<Weights> {
    let mut tensors = Weights::new();
    for (k, (name, dims)) in system.shapes.iter().enumerate() {
        let mut shape = vec![batch];
        for (flag, default) in *dims {
            shape.push(if flag.is_empty() { *default } else { flags.count(flag, *default)? });
        }
        let elements: usize = shape.iter().product();
        if elements == 0 {
            continue;
        }
        let values = noise(k as u64 + 1, elements).iter().map(|v| *v as f32).collect();
        tensors.insert((*name).to_string(), (Shape(shape), values));
    }
    Ok(tensors)
}

/// Times the system and prints a line for training and one for inference.
pub fn run(system: &System, mut flags: Flags, device: &Arc<Device>) -> Result<()> {
    let (batch, steps) = (flags.number("batch", 16)?, flags.number("steps", 10)?.max(1));
    let mut tensors = sample(system, &flags, batch)?;
    let (mut recipe, n, x) = case::prepare(system, flags, &mut tensors, false)?;
    recipe.config.train.batch = n;
    // The whole batch at once with everything kept, as the script does it, where a full-size network would save memory.
    recipe.config.train.micro_batches = 1;
    recipe.config.train.recompute = false;
    let stage = recipe.config.stage(STAGE)?;
    let mut learner = Learner::new(device, &recipe, stage, Source::Raw, &Weights::new())?;
    let target = |k: usize| (0..n * k).map(|i| f32::from(u8::from(i % k == (i / k * 7) % k))).collect::<Vec<f32>>();
    let targets = stage.tasks().map(|(task, _)| (task.to_string(), target(recipe.outputs(task).len()))).collect();
    let parts = [Batch { x, targets, ..Batch::default() }];
    let width = parts[0].x.len() / n;
    let train = median(WARMUP, steps, || {
        learner.update(&parts, 1e-4)?.done()?;
        Ok(device.wait()?)
    })?;
    let infer = median(WARMUP, steps, || {
        learner.infer(n, &|i| &parts[0].x[i * width..][..width])?;
        Ok(())
    })?;
    print(system.name, n, device, [train, infer]);
    Ok(())
}

/// Prints the lines of a system: seconds of a training step and of an inference batch of `n` clips.
pub fn print(system: &str, n: usize, device: &Device, seconds: [f64; 2]) {
    for (what, seconds) in ["train", "infer"].into_iter().zip(seconds) {
        let adapter = &device.caps().adapter;
        println!("emotone {adapter} {what} system={system} batch={n}: {:.2} ms/step, {:.1} clips/s", seconds * 1e3, n as f64 / seconds);
    }
}
